"""Races of vouchers over real connections, each with a twin without its guard, which shows the damage."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from threading import Barrier, Event
from typing import Any

import pytest

from members.models import Member, Store
from rewards import voucher_gifts, vouchers
from rewards.errors import AlreadyUsed, VoucherVoid
from rewards.models import Redemption, Voucher, VoucherGift, VoucherStep
from rewards.voucher_gifts import GiftRequest
from tests.rewards.conftest import new_reward
from tests.rewards.test_races import members_with_points

CONNECTIONS = 20
PAUSE = 0.05
# Far longer than anything takes: a test fails rather than hangs.
WAIT = 30

Redeem = Callable[..., Redemption]


def kinds(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


@pytest.fixture
def cast(committed_db: Any, redeem: Redeem, noon: datetime) -> tuple[list[Member], Voucher]:
    """Ten members and a voucher of the first."""
    members = members_with_points(10, 1_000, noon)
    made = redeem(members[0], new_reward("pin", points=100), "r1")
    return members, Voucher.objects.get(redemption=made)


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for anybody, and everybody has read before anybody writes."""

    def read(voucher: int, _at: datetime, also: Any = ()) -> Member:
        found = Voucher.objects.select_related("member").get(pk=voucher).member
        time.sleep(PAUSE)
        return found

    for module in (vouchers, voucher_gifts):
        monkeypatch.setattr(module, "lock_holder", read)
        monkeypatch.setattr(module, "lock_redemption", lambda pk: Redemption.objects.get(pk=pk))


def use(voucher: Voucher, number: int, at: datetime, store: str | None = None) -> Voucher:
    return vouchers.use(
        code=voucher.code, store=store, reference=f"u{number}", used_by=f"till {number}", at=at
    )


class TestUse:
    def test_99_of_100_hear_when_and_where(
        self, committed_db: Any, cast: tuple[list[Member], Voucher], noon: datetime
    ) -> None:
        Store.objects.create(code="SH-1", name="静安寺店")
        _members, voucher = cast

        results = committed_db.run_parallel(
            lambda number: use(voucher, number, noon, "SH-1"), 100, CONNECTIONS
        )

        assert kinds(results) == {"Voucher": 1, "AlreadyUsed": 99}
        refusals = [each.data for each in results if isinstance(each, AlreadyUsed)]
        assert {(each["used_at"], each["used_store"]) for each in refusals} == {
            ("2026-11-21T12:00:00+08:00", "SH-1")
        }
        assert VoucherStep.objects.filter(kind="used").count() == 1


class TestGive:
    def give(self, voucher: Voucher, to: Member, at: datetime, giver: Member) -> Any:
        request = GiftRequest(code=voucher.code, to=to.number, giver=giver.number)
        return voucher_gifts.give(request=request, by="", at=at)

    def test_one_voucher_goes_to_one_of_nine(
        self, committed_db: Any, cast: tuple[list[Member], Voucher], noon: datetime
    ) -> None:
        members, voucher = cast

        results = committed_db.run_parallel(
            lambda number: self.give(voucher, members[1 + number % 9], noon, members[0]),
            36,
            CONNECTIONS,
        )

        assert kinds(results) == {"Given": 1, "VoucherNotFound": 35}
        (gift,) = VoucherGift.objects.all()
        assert Voucher.objects.get().member == gift.receiver

    def test_without_locks_the_row_still_decides(
        self,
        committed_db: Any,
        cast: tuple[list[Member], Voucher],
        noon: datetime,
        unlocked: None,
    ) -> None:
        members, voucher = cast

        results = committed_db.run_parallel(
            lambda number: self.give(voucher, members[1 + number % 9], noon, members[0]),
            36,
            CONNECTIONS,
        )

        # The second guard: only who still holds it hands it over.
        assert kinds(results)["Given"] == VoucherGift.objects.count() == 1

    def test_without_both_guards_it_is_given_more_than_once(
        self,
        committed_db: Any,
        cast: tuple[list[Member], Voucher],
        noon: datetime,
        unlocked: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        members, voucher = cast

        def hand_over(gift: VoucherGift, _by: str) -> None:
            Voucher.objects.filter(pk=gift.voucher_id).update(member=gift.receiver)
            gift.save(force_insert=True)

        monkeypatch.setattr(voucher_gifts, "_hand_over", hand_over)
        results = committed_db.run_parallel(
            lambda number: self.give(voucher, members[1 + number % 9], noon, members[0]),
            36,
            CONNECTIONS,
        )
        assert kinds(results)["Given"] == VoucherGift.objects.count() > 1

    def test_a_voucher_is_given_or_used(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        members = members_with_points(2, 2_000, noon)
        made = redeem(members[0], new_reward("pin", points=100), "r1", quantity=20)
        found = list(made.vouchers.order_by("id"))

        def work(number: int) -> Any:
            voucher = found[number // 2]
            if number % 2:
                return self.give(voucher, members[1], noon, members[0])
            return use(voucher, number, noon)

        results = committed_db.run_parallel(work, 40, CONNECTIONS)

        for place, voucher in enumerate(found):
            used, given = results[2 * place], results[2 * place + 1]
            # Used first, it stays where it was; given first, the receiver's till used it.
            assert isinstance(used, Voucher)
            is_given = not isinstance(given, Exception)
            assert is_given or isinstance(given, AlreadyUsed)
            steps = list(voucher.steps.order_by("id").values_list("kind", flat=True))
            assert steps == ["issued", "given", "used"] if is_given else ["issued", "used"]
            holder = Voucher.objects.get(pk=voucher.pk).member
            assert holder == members[1 if is_given else 0]

    @pytest.mark.usefixtures("unlocked")
    def test_without_guards_a_used_one_is_given_away(
        self,
        committed_db: Any,
        cast: tuple[list[Member], Voucher],
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        members, voucher = cast
        both_have_read = Barrier(2)

        def read(pk: int, _at: datetime, also: Any = ()) -> Member:
            holder = Voucher.objects.select_related("member").get(pk=pk).member
            both_have_read.wait(WAIT)
            return holder

        for module in (vouchers, voucher_gifts):
            monkeypatch.setattr(module, "lock_holder", read)

        def work(number: int) -> Any:
            if number % 2:
                return self.give(voucher, members[1], noon, members[0])
            return use(voucher, number, noon)

        results = committed_db.run_parallel(work, 2, 2)
        # Both went through: the receiver got a voucher that was used up.
        assert kinds(results) == {"Voucher": 1, "Given": 1}


class TestVoid:
    def test_a_voucher_is_void_or_used(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        (member,) = members_with_points(1, 2_000, noon)
        made = redeem(member, new_reward("pin", points=100), "r1", quantity=20)
        found = list(made.vouchers.order_by("id"))

        def work(number: int) -> Any:
            voucher = found[number // 2]
            if number % 2:
                return vouchers.void_one(code=voucher.code, reason="x", by="", at=noon)
            return use(voucher, number, noon)

        results = committed_db.run_parallel(work, 40, CONNECTIONS)

        for place in range(20):
            used, void = results[2 * place], results[2 * place + 1]
            assert isinstance(used, Voucher) == isinstance(void, AlreadyUsed)
            assert isinstance(used, VoucherVoid) == isinstance(void, Voucher)
        assert VoucherStep.objects.exclude(kind="issued").count() == 20

    def test_without_guards_a_used_voucher_is_voided(
        self,
        committed_db: Any,
        cast: tuple[list[Member], Voucher],
        noon: datetime,
        unlocked: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        _members, voucher = cast
        # The one that voids has looked at the voucher; the till is done with it.
        has_looked, is_used = Event(), Event()

        def void_all(found: Any, **_said: Any) -> int:
            has_looked.set()
            assert is_used.wait(WAIT)
            for each in found:
                Voucher.objects.filter(pk=each.pk).update(state="void", used_at=None)
            return len(found)

        monkeypatch.setattr(vouchers, "void_all", void_all)

        def work(number: int) -> Any:
            if number % 2:
                return vouchers.void_one(code=voucher.code, reason="x", by="", at=noon)
            assert has_looked.wait(WAIT)
            used = use(voucher, number, noon)
            is_used.set()
            return used

        results = committed_db.run_parallel(work, 2, 2)
        # The till handed something over for it, and the voucher says that it never was used.
        assert kinds(results) == {"Voucher": 2}
        assert Voucher.objects.get().state == "void"
