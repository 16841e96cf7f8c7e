"""Pools, seats, drafts and cancelling over real connections; each race has a twin without its guard."""

import threading
import time
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet

from loyalty import holds
from members.models import Member
from rewards import drafts, pools, queries, redemption, timeouts, vouchers
from rewards.errors import AlreadyUsed
from rewards.models import PartnerCode, Redemption, Reward, Voucher
from rewards.redemption_errors import RedemptionClosed
from tests.conftest import NOON
from tests.interleaving import PATIENCE, be_patient
from tests.loyalty.builders import assert_clean
from tests.loyalty.test_races import broken
from tests.rewards.builders import (
    asked,
    assert_sums,
    later,
    left,
    variant,
    wait_after,
)
from tests.rewards.conftest import new_reward
from tests.rewards.test_races import PAUSE, active_in_all, kinds, members_with_points

CONNECTIONS = 20
IN_TIME, TOO_LATE = later(minutes=29), later(minutes=31)


def redeem(member: Member, reward: Reward, number: int, **said: Any) -> Redemption:
    wish = asked(member, reward, f"r{number}", **said)
    return redemption.redeem(request=wish, at=NOON).redemption


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners and redemptions are read without a lock, and everybody has read before anybody writes."""

    def read_owner(pk: int, _at: Any) -> Member:
        return Redemption.objects.select_related("member").get(pk=pk).member

    def read(pk: int) -> Redemption:
        related = ("reward", "variant", "offer", "hold")
        found = Redemption.objects.select_related(*related).get(pk=pk)
        time.sleep(PAUSE)
        return found

    def end(due: Any, at: Any) -> int:
        found = list(due)
        time.sleep(PAUSE)
        for each in found:
            timeouts.give_back(redemption=each, at=at)
        return 0  # one turn only

    monkeypatch.setattr(vouchers, "lock_owner", read_owner)
    monkeypatch.setattr(redemption, "lock", read)
    monkeypatch.setattr(timeouts, "_give_back", end)


class TestSeats:
    def race(self, db: Any, pieces: int | None) -> tuple[Counter[str], int | None, int]:
        members = members_with_points(40, 1_000, NOON)
        show = new_reward("show", kind="experience", stock=pieces)
        friday = variant(show, "friday", 3, begins_at=later(days=2))
        results = db.run_parallel(
            lambda number: redeem(members[number], show, number, variant="friday"), 40
        )
        (seats,) = left(friday)
        return kinds(results), seats, Redemption.objects.filter(variant=friday).count()

    def test_three_seats_go_to_three_of_forty(self, committed_db: Any) -> None:
        assert self.race(committed_db, 500) == ({"Redemption": 3, "OutOfStock": 37}, 0, 3)
        assert Reward.objects.get().stock == 497
        assert_sums()
        assert_clean()

    def test_without_the_condition_more_sit_down(self, committed_db: Any, uncounted: None) -> None:
        # The reward's own row would make them queue.
        _results, _seats, seated = self.race(committed_db, None)
        assert seated > 3


class TestPool:
    def race(self, db: Any) -> list[Any]:
        members = members_with_points(50, 1_000, NOON)
        film = new_reward("film", kind="partner_code")
        pools.add(reward="film", file=b"c1\nc2\nc3\nc4\nc5\n", by="", at=NOON)
        return list(db.run_parallel(lambda number: redeem(members[number], film, number), 50))

    def test_five_codes_go_to_five_of_fifty_and_are_distinct(self, committed_db: Any) -> None:
        assert kinds(self.race(committed_db)) == {"Redemption": 5, "OutOfStock": 45}
        assert sorted(Voucher.objects.values_list("code", flat=True)) == [
            "c1",
            "c2",
            "c3",
            "c4",
            "c5",
        ]
        codes = PartnerCode.objects.filter(is_taken=True)
        assert len({code.voucher_id for code in codes}) == 5
        assert_sums()
        assert_clean()

    def test_without_the_locks_two_are_given_the_same_code(
        self, committed_db: Any, uncounted: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read_only(*, redemptions: Any, at: Any) -> dict[int, list[PartnerCode]]:
            free = PartnerCode.objects.filter(is_taken=False).order_by("id")
            found = {each.pk: [free[0]] for each in redemptions}
            time.sleep(PAUSE)
            return found

        monkeypatch.setattr(pools, "take", read_only)
        # The database does not let one code be two vouchers.
        assert broken(self.race(committed_db)) > 0

    def test_what_others_take_at_this_moment_is_passed_over(self, committed_db: Any) -> None:
        film = new_reward("film", kind="partner_code")
        pools.add(reward="film", file=b"c1\nc2\n", by="", at=NOON)
        (member,) = members_with_points(1, 1_000, NOON)
        made = redeem(member, new_reward("pin"), 1)
        made.reward = film
        both = threading.Barrier(2)

        def take(_number: int) -> str:
            with transaction.atomic():
                (codes,) = pools.take(redemptions=[made], at=NOON).values()
                both.wait(timeout=30)
            return codes[0].code

        assert sorted(committed_db.run_parallel(take, 2, 2)) == ["c1", "c2"]


class TestDrafts:
    def race(self, db: Any) -> tuple[list[Any], Reward]:
        members = members_with_points(20, 100, NOON)
        mug = new_reward("mug", points=100, stock=20)
        made = [
            drafts.reserve(request=asked(member, mug), at=NOON).redemption for member in members
        ]

        def work(number: int) -> Any:
            if number % 2:
                return timeouts.give_back_all(at=TOO_LATE)
            return drafts.issue(number=made[number // 2].number, at=IN_TIME)

        return list(db.run_parallel(work, 40)), mug

    def test_a_draft_is_issued_or_times_out_and_never_both(self, committed_db: Any) -> None:
        results, mug = self.race(committed_db)
        assert broken(results) == 0
        states = Counter(Redemption.objects.values_list("state", flat=True))
        refused = sum(isinstance(each, RedemptionClosed) for each in results)
        assert states["issued"] + states["expired"] == 20
        assert states["expired"] == refused
        assert left(mug) == [states["expired"]]
        assert Voucher.objects.count() == states["issued"]
        assert_sums()
        assert_clean()

    def test_without_the_lock_one_is_both(self, committed_db: Any, unlocked: None) -> None:
        _results, mug = self.race(committed_db)
        # More is on the shelf, and with the members, than there ever was.
        (pieces,) = left(mug)
        assert pieces is not None
        assert pieces + Voucher.objects.count() > 20

    def test_two_workers_give_back_once(self, committed_db: Any) -> None:
        members = members_with_points(20, 100, NOON)
        mug = new_reward("mug", points=100, stock=20)
        for member in members:
            drafts.reserve(request=asked(member, mug), at=NOON)
        noted = committed_db.run_parallel(lambda _: timeouts.give_back_all(at=TOO_LATE), 8, 8)
        assert sum(noted) == 20
        assert left(mug) == [20]
        assert_sums()

    def test_without_the_locks_two_workers_give_back_twice(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        members = members_with_points(20, 100, NOON)
        mug = new_reward("mug", points=100, stock=20)
        for member in members:
            drafts.reserve(request=asked(member, mug), at=NOON)
        both_have_read = threading.Barrier(2)
        as_it_is = timeouts.give_back

        def read_only(queryset: Any, **_how: Any) -> Any:
            return queryset

        def give_back(*, redemption: Redemption, at: datetime) -> None:
            # Before the first of them is given back, the other worker has read them all too.
            if not getattr(begun, "yes", False):
                begun.yes = True
                be_patient()
                both_have_read.wait(timeout=PATIENCE)
            as_it_is(redemption=redemption, at=at)

        begun = threading.local()
        monkeypatch.setattr(QuerySet, "select_for_update", read_only)
        monkeypatch.setattr(timeouts, "give_back", give_back)
        noted = committed_db.run_parallel(lambda _: timeouts.give_back_all(at=TOO_LATE), 2, 2)
        assert noted == [20, 20]
        # Twice as many are on the shelf as there ever were.
        assert left(mug) == [40]

    def test_two_who_pay_one_draft_pay_once(self, committed_db: Any) -> None:
        (member,) = members_with_points(1, 1_000, NOON)
        mug = new_reward("mug", points=100, stock=20)
        made = drafts.reserve(request=asked(member, mug), at=NOON).redemption
        results = committed_db.run_parallel(
            lambda _: drafts.issue(number=made.number, at=NOON), 20
        )
        assert kinds(results) == {"Redemption": 20}
        assert Voucher.objects.count() == 1
        assert made.hold_id is not None
        assert holds.capture_reference(made.hold_id) == redemption.entry_reference(made)
        assert_clean()


class TestCancel:
    def race(self, db: Any) -> tuple[list[Any], Reward]:
        (member,) = members_with_points(1, 1_000, NOON)
        mug = new_reward("mug", points=100, stock=20)
        number = redeem(member, mug, 1).number
        results = db.run_parallel(lambda _: redemption.cancel(number=number, at=NOON), 20)
        return list(results), mug

    def test_twenty_at_once_give_back_once(self, committed_db: Any) -> None:
        results, mug = self.race(committed_db)
        assert kinds(results) == {"Redemption": 20}
        assert left(mug) == [20]
        assert_sums()
        assert_clean()

    def test_without_the_lock_the_shelf_fills_up(self, committed_db: Any, unlocked: None) -> None:
        results, mug = self.race(committed_db)
        (pieces,) = left(mug)
        assert pieces is not None
        assert pieces > 20 or broken(results) > 0


class TestUseAndCancel:
    def race(self, db: Any) -> list[Any]:
        members = members_with_points(20, 100, NOON)
        pin = new_reward("pin", points=100)
        made = [redeem(one, pin, 1) for one in members]
        codes = [Voucher.objects.get(redemption=one).code for one in made]

        def work(number: int) -> Any:
            which = number // 2
            if number % 2:
                return redemption.cancel(number=made[which].number, at=NOON)
            return vouchers.use(code=codes[which], store=None, reference="", used_by="", at=NOON)

        return list(db.run_parallel(work, 40))

    def test_exclude_each_other(self, committed_db: Any) -> None:
        results = self.race(committed_db)
        for use, cancel in zip(results[::2], results[1::2], strict=True):
            assert isinstance(use, Voucher) == isinstance(cancel, AlreadyUsed)
            assert isinstance(use, Voucher) != isinstance(cancel, Redemption)
        assert_clean()

    def test_without_the_locks_who_has_used_it_has_the_points_back(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (member,) = members_with_points(1, 100, NOON)
        mug = new_reward("mug", points=100, stock=20)
        made = redeem(member, mug, 1)
        code = Voucher.objects.get().code
        both_have_read, is_used = threading.Barrier(2), threading.Event()
        void_all = vouchers.void_all

        def void_late(*args: Any, **said: Any) -> int:
            be_patient()
            both_have_read.wait(timeout=PATIENCE)
            assert is_used.wait(timeout=PATIENCE)
            return void_all(*args, **said)

        for module, lock in ((vouchers, "lock_redemption"), (redemption, "lock")):
            monkeypatch.setattr(module, lock, lambda pk: queries.redemptions().get(pk=pk))
        for lock in ("lock_owner", "lock_holder"):
            monkeypatch.setattr(vouchers, lock, lambda _pk, _at: Member.objects.get(pk=member.pk))
        wait_after(monkeypatch, vouchers, "_refuse_unusable", both_have_read)
        monkeypatch.setattr(vouchers, "void_all", void_late)

        def work(number: int) -> Any:
            if number:
                return redemption.cancel(number=made.number, at=NOON)
            used = vouchers.use(code=code, store=None, reference="", used_by="", at=NOON)
            is_used.set()
            return used

        results = committed_db.run_parallel(work, 2, 2)
        assert kinds(results) == {"Voucher": 1, "Redemption": 1}
        assert Voucher.objects.get().state == "used"
        # The till handed something over; points and piece are back all the same.
        assert (active_in_all(), left(mug)) == (100, [20])
