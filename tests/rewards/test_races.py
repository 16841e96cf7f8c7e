"""Over at least 20 real connections; each race has a twin without its guard, which shows the damage."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from loyalty import awarding, ledger, spending
from loyalty.models import Entry, Wallet
from loyalty.spending import Spender, Spending
from members import codes, enrolment
from members.models import Member
from rewards import queries, redemption, stock, vouchers
from rewards.errors import AlreadyUsed, LimitReached, OutOfStock
from rewards.models import Redemption, Reward, Voucher
from tests.rewards.conftest import new_reward

CONNECTIONS = 20
# Long enough for others to read the same before it is written back.
PAUSE = 0.02

Redeem = Callable[..., Redemption]


def members_with_points(count: int, points: int, at: datetime) -> list[Member]:
    newcomers = [
        enrolment.Newcomer(phone=f"+86137{number:08d}", name=f"M{number}")
        for number in range(count)
    ]
    found = [one.member for one in enrolment.enrol_all(newcomers=newcomers, at=at) if one.member]
    awards = [
        awarding.Award(member=one.pk, points=points, reference="welcome", at=at, expires_at=None)
        for one in found
    ]
    awarding.award_all(awards=awards, at=at)
    return found


def kinds(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def active_in_all() -> int:
    return sum(Wallet.objects.filter(point_type__code="points").values_list("active", flat=True))


class TestStock:
    def test_ten_pieces_go_to_ten_of_two_hundred(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        members = members_with_points(200, 1000, noon)
        few = new_reward("few", points=100, stock=10)

        def work(number: int) -> Redemption:
            return redeem(members[number], few, f"r{number}")

        results = committed_db.run_parallel(work, 200, CONNECTIONS)
        assert kinds(results) == {"Redemption": 10, "OutOfStock": 190}
        assert {r.data["left"] for r in results if isinstance(r, OutOfStock)} == {0}
        assert Reward.objects.get().stock == 0
        assert Redemption.objects.count() == Voucher.objects.count() == 10
        assert Entry.objects.filter(kind="redeem", points=-100).count() == 10
        assert active_in_all() == 200 * 1000 - 10 * 100

    def test_without_the_guard_it_is_oversold(
        self,
        committed_db: Any,
        redeem: Redeem,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def read_check_write(_statement: str, shelf: Any, made: Redemption, _at: datetime) -> bool:
            pieces = Reward.objects.values_list("stock", flat=True).get(pk=shelf.pk)
            time.sleep(PAUSE)
            if pieces is None or pieces < made.quantity:
                return False
            Reward.objects.filter(pk=shelf.pk).update(stock=pieces - made.quantity)
            return True

        monkeypatch.setattr(stock, "_move", read_check_write)
        members = members_with_points(50, 1000, noon)
        few = new_reward("few", points=100, stock=10)

        def work(number: int) -> Redemption:
            return redeem(members[number % 50], few, f"r{number}")

        results = committed_db.run_parallel(work, 200, CONNECTIONS)
        assert kinds(results)["Redemption"] > 10

    def test_cancelling_and_redeeming_at_once_loses_no_piece(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        members = members_with_points(20, 1000, noon)
        few = new_reward("few", points=100, stock=20)
        made = [redeem(one, few, "first") for one in members]

        def work(number: int) -> Redemption:
            if number % 2:
                return redemption.cancel(number=made[number // 2].number, at=noon)
            return redeem(members[number // 2], few, "second")

        results = committed_db.run_parallel(work, 40, CONNECTIONS)
        assert set(kinds(results)) <= {"Redemption", "OutOfStock"}
        standing = Redemption.objects.exclude(state="cancelled").count()
        pieces = Reward.objects.get().stock
        assert pieces is not None
        assert standing + pieces == 20
        assert active_in_all() == 20 * 1000 - standing * 100


class TestLimit:
    def test_one_piece_per_member_is_one_of_sixty_four(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        (member,) = members_with_points(1, 10_000, noon)
        once = new_reward("once", points=100, per_member=1)
        results = committed_db.run_parallel(
            lambda number: redeem(member, once, f"r{number}"), 64, CONNECTIONS
        )
        assert kinds(results) == {"Redemption": 1, "LimitReached": 63}
        refusals = [result.data for result in results if isinstance(result, LimitReached)]
        assert refusals == [{"limit": 1, "used": 1}] * 63
        assert Redemption.objects.count() == Voucher.objects.count() == 1
        assert active_in_all() == 9_900

    def test_without_the_lock_the_limit_is_passed(
        self,
        committed_db: Any,
        redeem: Redeem,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        lock, take = spending.lock_spender, spending.take

        def read_only(*, member: int, at: datetime) -> Spender:
            return Spender(Member.objects.get(pk=member), ledger.Held({}, at))

        def take_later(*, spender: Spender, spending: Spending, at: datetime) -> None:
            take(spender=lock(member=spender.member.pk, at=at), spending=spending, at=at)

        counted = queries.pieces_taken

        def slowly(**asked: Any) -> dict[int, int]:
            taken = counted(**asked)
            time.sleep(PAUSE)
            return taken

        monkeypatch.setattr(spending, "lock_spender", read_only)
        monkeypatch.setattr(spending, "take", take_later)
        monkeypatch.setattr(queries, "pieces_taken", slowly)
        (member,) = members_with_points(1, 10_000, noon)
        once = new_reward("once", points=100, per_member=1)
        results = committed_db.run_parallel(
            lambda number: redeem(member, once, f"r{number}"), 64, CONNECTIONS
        )
        assert kinds(results)["Redemption"] > 1

    def test_the_points_suffice_for_ten_of_sixty_four(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        (member,) = members_with_points(1, 1_000, noon)
        pin = new_reward("pin", points=100)
        results = committed_db.run_parallel(
            lambda number: redeem(member, pin, f"r{number}"), 64, CONNECTIONS
        )
        assert kinds(results) == {"Redemption": 10, "InsufficientPoints": 54}
        assert active_in_all() == 0

    def test_one_reference_is_one_redemption(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        (member,) = members_with_points(1, 1_000, noon)
        pin = new_reward("pin", points=100, stock=64)
        results = committed_db.run_parallel(
            lambda _number: redeem(member, pin, "r1"), 64, CONNECTIONS
        )
        assert kinds(results) == {"Redemption": 64}
        assert len({result.number for result in results}) == 1
        assert Reward.objects.get().stock == 63
        assert active_in_all() == 900


class TestVoucher:
    @pytest.fixture
    def code(self, committed_db: Any, redeem: Redeem, noon: datetime) -> str:
        (member,) = members_with_points(1, 1_000, noon)
        redeem(member, new_reward("pin", points=100), "r1")
        return Voucher.objects.get().code

    def test_one_of_a_hundred_uses_it(self, committed_db: Any, code: str, noon: datetime) -> None:
        def work(number: int) -> Voucher:
            return vouchers.use(
                code=code, store=None, reference=f"u{number}", used_by=f"till {number}", at=noon
            )

        results = committed_db.run_parallel(work, 100, CONNECTIONS)
        assert kinds(results) == {"Voucher": 1, "AlreadyUsed": 99}
        (winner,) = [number for number, one in enumerate(results) if isinstance(one, Voucher)]
        assert Voucher.objects.get().used_by == f"till {winner}"
        assert Redemption.objects.get().state == "used"

    def test_without_the_guards_more_than_one_does(
        self, committed_db: Any, code: str, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read_only(pk: int, _at: datetime) -> Member:
            return Voucher.objects.select_related("member").get(pk=pk).member

        def read_check_write(voucher: Voucher, **use: Any) -> bool:
            is_free = Voucher.objects.filter(pk=voucher.pk, state="active").exists()
            time.sleep(PAUSE)
            if is_free:
                Voucher.objects.filter(pk=voucher.pk).update(
                    state="used", used_at=use["at"], used_by=use["used_by"]
                )
            return is_free

        monkeypatch.setattr(vouchers, "lock_holder", read_only)
        monkeypatch.setattr(vouchers, "lock_redemption", lambda pk: Redemption.objects.get(pk=pk))
        monkeypatch.setattr(vouchers, "mark_used", read_check_write)

        def work(number: int) -> Voucher:
            return vouchers.use(
                code=code, store=None, reference=f"u{number}", used_by="till", at=noon
            )

        results = committed_db.run_parallel(work, 100, CONNECTIONS)
        assert kinds(results)["Voucher"] > 1

    def test_use_and_cancel_exclude_each_other(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        members = members_with_points(20, 100, noon)
        pin = new_reward("pin", points=100)
        made = [redeem(one, pin, "r1") for one in members]
        codes = [Voucher.objects.get(redemption=one).code for one in made]

        def work(number: int) -> Redemption | Voucher:
            which = number // 2
            if number % 2:
                return redemption.cancel(number=made[which].number, at=noon)
            return vouchers.use(code=codes[which], store=None, reference="", used_by="", at=noon)

        results = committed_db.run_parallel(work, 40, CONNECTIONS)
        for which in range(20):
            use, cancel = results[2 * which], results[2 * which + 1]
            assert isinstance(use, Voucher) == isinstance(cancel, AlreadyUsed)
            assert isinstance(use, Voucher) != isinstance(cancel, Redemption)
        used = Voucher.objects.filter(state="used").count()
        assert active_in_all() == (20 - used) * 100

    def test_the_last_of_many_vouchers_closes_the_redemption(
        self, committed_db: Any, redeem: Redeem, noon: datetime
    ) -> None:
        (member,) = members_with_points(1, 4_000, noon)
        redeem(member, new_reward("pin", points=100), "r1", quantity=40)
        codes = list(Voucher.objects.values_list("code", flat=True))

        def work(number: int) -> Voucher:
            return vouchers.use(code=codes[number], store=None, reference="", used_by="", at=noon)

        results = committed_db.run_parallel(work, 40, CONNECTIONS)
        assert kinds(results) == {"Voucher": 40}
        assert Redemption.objects.get().state == "used"


@pytest.mark.usefixtures("committed_db")
def test_a_number_that_is_taken_is_drawn_again(
    redeem: Redeem, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    (member,) = members_with_points(1, 1_000, noon)
    pin = new_reward("pin", points=100)
    first = redeem(member, pin, "r1")
    day, taken = first.number.split("-")
    drawn = [taken, "FREE44", "VOUCHER"]
    monkeypatch.setattr(codes, "random_code", lambda _length: drawn.pop(0))
    assert redeem(member, pin, "r2").number == f"{day}-FREE44"
    assert Redemption.objects.count() == 2
    assert active_in_all() == 800
