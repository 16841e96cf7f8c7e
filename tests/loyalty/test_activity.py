"""Points that live as long as their member does something: the policy `inactivity`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from loyalty import (
    adjustments,
    awarding,
    holds,
    ordering,
    programs,
    queries,
    refunds,
    spending,
    transfers,
)
from loyalty.adjustments import AdjustmentFacts
from loyalty.holds import HoldRequest
from loyalty.ledger import database, extending
from loyalty.models import Lot, Order, Program, Wallet
from loyalty.refunds import RefundFacts
from loyalty.transfers import TransferRequest
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    figures,
    lot_of,
    order,
    post,
    program,
    sandbox,
    settle,
    wallet_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def idle_half_a_year(db: None) -> Program:
    """Points lapse after six months without activity."""
    return program(expiry_policy="inactivity", expiry_months=6)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def expiries(member: Member, code: str = "points") -> dict[str, str]:
    """The last day of each open lot by its reference."""
    lots = Lot.objects.filter(wallet=wallet_of(member, code), remaining__gt=0)
    return {
        lot.entry.reference: "never"
        if lot.expires_at is None
        else f"{(lot.expires_at - MICROSECOND).astimezone(SHANGHAI):%Y-%m-%d}"
        for lot in lots.select_related("entry").order_by("id")
    }


def last_activity(member: Member, code: str = "points") -> datetime | None:
    return Wallet.objects.get(pk=wallet_of(member, code)).last_activity_at


def buy(member: Member, number: str, at: datetime, amount: str = "100.00", **more: Any) -> Order:
    placed = ordering.place(
        order=order(number, amount, member=member, placed_at=at, **more), at=max(at, NOON)
    )
    assert placed.order is not None
    return placed.order


def redeem(member: Member, points: int, at: datetime, reference: str = "R1") -> None:
    spending.spend(
        member=member,
        points=points,
        reference=reference,
        details={},
        explanation=[{"rule": "mug", "kind": "reward", "points": -points}],
        at=at,
    )


def hold(member: Member, points: int, at: datetime, seconds: int = 1800) -> int:
    said = HoldRequest(member=member.number, points=points, reference="h", expires_in=seconds)
    return holds.hold(request=said, at=at).hold.pk


@pytest.mark.usefixtures("idle_half_a_year")
class TestAnActivity:
    def test_of_buying_moves_all_open_lots_to_the_end_of_the_day_n_months_later(
        self, bob: Member
    ) -> None:
        buy(bob, "1", local("2026-11-21T09:00"))
        assert expiries(bob) == {"default/1": "2027-05-21"}

        buy(bob, "2", local("2027-03-31T23:59:59.999999"))

        assert expiries(bob) == {"default/1": "2027-09-30", "default/2": "2027-09-30"}
        assert last_activity(bob) == local("2027-03-31T23:59:59.999999")
        assert_clean()

    @pytest.mark.parametrize("act", ["redeem", "capture"])
    def test_of_spending_moves_what_is_left(self, bob: Member, act: str) -> None:
        buy(bob, "1", local("2026-11-21T09:00"))
        at = local("2027-01-05T10:00")

        if act == "redeem":
            redeem(bob, 40, at)
        else:
            holds.capture(hold=hold(bob, 60, at), points=40, order=None, at=at)

        assert figures(wallet_of(bob)) == {"active": 60, "earned": 100, "spent": 40}
        assert expiries(bob) == {"default/1": "2027-07-05"}
        assert last_activity(bob) == at
        assert_clean()

    def test_counts_at_its_business_time(self, bob: Member) -> None:
        buy(bob, "1", local("2026-09-01T09:00"))
        buy(bob, "2", local("2026-10-15T09:00"))
        assert expiries(bob) == {"default/1": "2027-04-15", "default/2": "2027-04-15"}

        buy(bob, "3", local("2026-08-01T09:00"))  # told late: older than what is known

        assert set(expiries(bob).values()) == {"2027-04-15"}
        assert last_activity(bob) == local("2026-10-15T09:00")

    def test_never_makes_a_lot_shorter_or_mortal(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 5, "long", expires_at=local("2030-01-01T00:00")))
        post(credit(wallet, 5, "eternal"))

        buy(bob, "1", NOON)

        assert expiries(bob) == {
            "long": "2029-12-31",
            "eternal": "never",
            "default/1": "2027-05-21",
        }

    def test_lets_a_pending_lot_live_n_months_from_its_activation(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        starts = local("2027-02-10T12:00")
        post(
            credit(wallet, 5, "soon", active_from=starts, expires_at=starts + timedelta(days=1)),
        )

        buy(bob, "1", NOON)

        assert expiries(bob) == {"soon": "2027-08-10", "default/1": "2027-05-21"}
        assert_clean()

    def test_of_an_order_that_earns_nothing_counts_too(self, bob: Member) -> None:
        buy(bob, "1", local("2026-11-21T09:00"))

        buy(bob, "2", local("2026-12-24T09:00"), "0.00")

        assert expiries(bob) == {"default/1": "2027-06-24"}
        assert last_activity(bob) == local("2026-12-24T09:00")
        assert last_activity(bob, "status") == local("2026-12-24T09:00")

    def test_once_told_again_moves_nothing(self, bob: Member) -> None:
        buy(bob, "1", local("2026-11-21T09:00"))
        redeem(bob, 40, NOON)
        before = (books(), last_activity(bob))

        ordering.place(
            order=order("1", "100.00", member=bob, placed_at=local("2026-11-21T09:00")), at=day(60)
        )
        redeem(bob, 40, day(60))

        assert (books(), last_activity(bob)) == before

    def test_that_is_refused_moves_nothing(self, bob: Member) -> None:
        buy(bob, "1", local("2026-11-21T09:00"))
        before = (books(), last_activity(bob))

        with pytest.raises(Exception, match="100"):
            redeem(bob, 101, day(60))

        assert (books(), last_activity(bob)) == before

    def test_wakes_nothing_that_lapsed_before_it_was_told(self, bob: Member) -> None:
        buy(bob, "1", local("2026-01-10T09:00"))  # told in November: lapsed on 10 July
        assert figures(wallet_of(bob)) == {"earned": 100, "expired": 100}

        buy(bob, "2", local("2026-06-01T09:00"))

        assert figures(wallet_of(bob)) == {"active": 100, "earned": 200, "expired": 100}
        assert expiries(bob) == {"default/2": "2026-12-01"}

    def test_wakes_nothing_that_only_a_hold_still_keeps(self, bob: Member) -> None:
        buy(bob, "1", local("2026-11-21T09:00"))
        late = local("2027-05-21T23:59")
        kept = hold(bob, 60, late, seconds=3600)
        after = local("2027-05-22T00:10")

        buy(bob, "2", after)
        holds.capture(hold=kept, points=50, order=None, at=after)

        assert figures(wallet_of(bob)) == {
            "active": 100,
            "earned": 200,
            "spent": 50,
            "expired": 50,
        }
        assert lot_of(wallet_of(bob), "default/1").expires_at == local("2027-05-22T00:00")
        assert_clean()

    def test_gives_lots_that_come_later_the_time_from_it(self, bob: Member) -> None:
        buy(bob, "1", local("2026-11-20T09:00"))

        told_late = buy(bob, "2", local("2026-06-01T09:00"))

        assert told_late.expires_at == local("2027-05-21T00:00")
        assert expiries(bob)["default/2"] == "2027-05-20"

    def test_of_one_member_moves_nobody_elses_lots(self, bob: Member, mallory: Member) -> None:
        buy(bob, "1", NOON)
        buy(mallory, "2", NOON)

        buy(bob, "3", day(30))

        assert expiries(mallory) == {"default/2": "2027-05-21"}


class TestWhatIsNoActivity:
    def test_moves_nothing(self, bob: Member, mallory: Member, idle_half_a_year: Program) -> None:
        programs.change(changes={"transfer": {"enabled": True}})
        buy(bob, "1", NOON, "300.00")
        before = (expiries(bob), last_activity(bob))
        later = day(90)

        awarding.award(member=bob, points=1, reference="gift", details={}, at=later)
        adjustments.adjust(
            facts=AdjustmentFacts(
                member=bob.number, points=-1, reason="correction", reference="a1"
            ),
            requested_by="owner",
            at=later,
        )
        transfers.transfer(
            request=TransferRequest(
                sender=bob.number, receiver=mallory.number, points=10, reference="t1"
            ),
            at=later,
        )
        refunds.refund(
            source="default",
            number="1",
            facts=RefundFacts(reference="f1", amount=Decimal("10.00"), at=later),
            now=later,
        )
        holds.release(hold=hold(bob, 5, later), at=later)

        assert expiries(bob) == {**before[0], "gift": "2027-08-19"}
        assert last_activity(bob) == before[1]
        assert last_activity(mallory) is None
        assert list(expiries(mallory).values()) == ["2027-05-21"]


class TestOtherPolicies:
    @pytest.mark.parametrize("policy", ["never", "rolling", "month_end", "fixed_date"])
    def test_note_the_activity_and_move_no_lot(self, bob: Member, policy: str) -> None:
        program(expiry_policy=policy, expiry_months=6, expiry_date="12-31")
        buy(bob, "1", NOON)
        before = expiries(bob)

        buy(bob, "2", day(20))
        redeem(bob, 10, day(30))

        assert expiries(bob)["default/1"] == before["default/1"]
        assert last_activity(bob) == day(30)

    def test_cost_no_statement_more(self, bob: Member, idle_half_a_year: Program) -> None:
        buy(bob, "0", NOON)
        extending = statements(lambda: buy(bob, "1", day(10)))
        program(expiry_policy="rolling")

        assert statements(lambda: buy(bob, "2", day(20))) == extending - 2


def statements(work: Callable[[], Any]) -> int:
    """How many statements of any kind reach the database, also those below the ORM."""
    seen = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        seen += "SAVEPOINT" not in sql
        return execute(sql, params, many, context)

    def run(*args: Any) -> None:
        nonlocal seen
        seen += 1
        database.run(*args)

    def rows(*args: Any) -> Any:
        nonlocal seen
        seen += 1
        return database.rows(*args)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(count):
        patch.setattr(extending, "run", run)
        patch.setattr(extending, "rows", rows)
        work()
    return seen


@pytest.mark.usefixtures("idle_half_a_year")
class TestABatch:
    MOMENTS = ("2026-11-20", "2026-01-10", "2026-10-01", "2026-07-01", "2026-11-21", "2026-06-01")

    @pytest.mark.parametrize("reverse", [False, True])
    def test_gives_what_its_orders_give_one_by_one(
        self, bob: Member, mallory: Member, reverse: bool
    ) -> None:
        moments = [local(f"{text}T09:00") for text in self.MOMENTS]
        orders = [
            order(f"{n}", "10.00", member=(bob, mallory)[n % 2], placed_at=moment)
            for n, moment in enumerate(reversed(moments) if reverse else moments)
        ]

        with sandbox():
            ordering.place_all(orders=orders, at=NOON)
            at_once = (states(), last_activity(bob), last_activity(mallory))
        with sandbox():
            for each in orders:
                ordering.place(order=each, at=NOON)
            one_by_one = (states(), last_activity(bob), last_activity(mallory))

        assert at_once == one_by_one
        assert len(at_once[0]) == 6

    def test_costs_the_same_few_statements_whatever_its_size(
        self, bob: Member, mallory: Member
    ) -> None:
        def place(numbers: range) -> None:
            orders = [
                order(f"{n}", "10.00", member=(bob, mallory)[n % 2], placed_at=day(-n))
                for n in numbers
            ]
            ordering.place_all(orders=orders, at=NOON)

        place(range(2))  # what is prepared once

        assert statements(lambda: place(range(10, 12))) == statements(
            lambda: place(range(100, 140))
        )


def states() -> dict[str, tuple[Any, ...]]:
    lots = Lot.objects.filter(wallet__point_type__code="points").select_related("entry")
    return {
        lot.entry.reference: (lot.remaining, lot.lapsed, lot.active_from, lot.expires_at)
        for lot in lots
    }


class TestStatus:
    def test_lives_as_long_as_the_member_buys(self, bob: Member) -> None:
        program(status_expiry_policy="inactivity", status_expiry_months=3)
        buy(bob, "1", local("2026-11-21T09:00"))
        assert expiries(bob, "status") == {"default/1": "2027-02-21"}

        redeem(bob, 10, local("2026-12-10T09:00"))
        assert expiries(bob, "status") == {"default/1": "2027-02-21"}
        assert last_activity(bob, "status") == local("2026-11-21T09:00")

        buy(bob, "2", local("2027-01-31T09:00"))
        assert expiries(bob, "status") == {"default/1": "2027-04-30", "default/2": "2027-04-30"}
        assert expiries(bob) == {"default/1": "2028-11-21", "default/2": "2029-01-31"}
        assert_clean()


@pytest.mark.usefixtures("idle_half_a_year")
class TestWhenNothingHappens:
    def test_all_points_lapse_together_with_the_last_day(self, bob: Member) -> None:
        buy(bob, "1", local("2026-11-21T09:00"))
        buy(bob, "2", local("2026-12-31T23:00"))
        end = local("2027-07-01T00:00")

        shown = [
            queries.figures(member=bob, at=at).active
            for at in (end - MICROSECOND, end, end + MICROSECOND)
        ]

        assert shown == [200, 0, 0]
        settle(wallet_of(bob), end + timedelta(days=100))
        assert figures(wallet_of(bob)) == {"earned": 200, "expired": 200}
        ends = queries.entries_of(member=bob).filter(kind="expire").values_list("at", flat=True)
        assert set(ends) == {end}
