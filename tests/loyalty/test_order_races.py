"""Races around one order over real connections; a guard switched off must show the damage."""

import time
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import QuerySet

from loyalty import holds, order_reversals, order_steps, ordering, refunds
from loyalty.ledger import statements
from loyalty.models import Entry, Hold, Order, OrderStep, Refund
from loyalty.refunds import RefundFacts
from members import enrolment
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, credit, entries, figures, order, post, wallet_of
from tests.loyalty.test_races import broken

LOCKING = " FOR NO KEY UPDATE OF w"


def enrol() -> Member:
    return enrolment.enrol(newcomer=enrolment.Newcomer(phone="+8613800000001"), at=NOON)


def outcomes(results: list[Any]) -> Counter[str]:
    return Counter(type(each).__name__ for each in results)


def advance(status: str) -> Order:
    return order_steps.advance(source="default", number="1", status=status, at=NOON, now=NOON)


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither wallets nor orders are locked, and everybody has read the order before anybody goes on."""
    for name in ("LOCK_BY_MEMBER", "LOCK_BY_ID"):
        statement = getattr(statements, name)
        assert LOCKING in statement
        monkeypatch.setattr(statements, name, statement.replace(LOCKING, ""))
    monkeypatch.setattr(QuerySet, "select_for_update", lambda queryset, **_how: queryset)
    as_it_is = order_reversals.lock

    def slowly(**which: Any) -> Any:
        found = as_it_is(**which)
        time.sleep(0.2)
        return found

    monkeypatch.setattr(order_reversals, "lock", slowly)


class TestAdvance:
    def test_20_reports_of_a_payment_award_once(self, committed_db: Any) -> None:
        member = enrol()
        ordering.place(order=order("1", "64.00", member=member, status="created"), at=NOON)
        statuses = ["paid", "shipped", "completed", "paid"] * 5

        results = committed_db.run_parallel(lambda number: advance(statuses[number]), 20)

        assert outcomes(results) == {"Order": 20}
        assert entries(wallet_of(member)) == [("earn", 64, 64)]
        assert Order.objects.get().status == "completed"
        assert OrderStep.objects.count() == 4
        assert_clean()

    def test_without_locks_callers_meet_the_unique_keys(
        self, committed_db: Any, without_locks: None
    ) -> None:
        ordering.place(order=order("1", "64.00", member=enrol(), status="created"), at=NOON)

        results = committed_db.run_parallel(lambda _: advance("paid"), 8, connections_at_once=8)

        assert broken(results) > 0
        assert OrderStep.objects.count() == 2

    def test_20_steps_of_a_passer_bys_order_are_stored_once(self, committed_db: Any) -> None:
        ordering.place(order=order("1", "64.00", member=None), at=NOON)

        results = committed_db.run_parallel(lambda _: advance("shipped"), 20)

        assert outcomes(results) == {"Order": 20}
        assert OrderStep.objects.count() == 2


class TestCancelAgainstRefund:
    def work(self, number: int) -> Any:
        if number % 2:
            return advance("cancelled")
        facts = RefundFacts(reference=f"r{number}", at=NOON, amount=Decimal("3.33"))
        return refunds.refund(source="default", number="1", facts=facts, now=NOON)

    def test_takes_every_point_exactly_once(self, committed_db: Any) -> None:
        member = enrol()
        wallet = wallet_of(member)
        post(credit(wallet, 500, "in"))
        request = holds.HoldRequest(member=member.number, points=500, reference="h")
        hold = holds.hold(request=request, at=NOON).hold
        facts = order("1", "64.00", "36.00", member=member, hold=str(hold.pk))
        ordering.place(order=facts, at=NOON)

        results = committed_db.run_parallel(self.work, 20)

        found = outcomes(results)
        assert found["Order"] == 10
        assert found["Refunded"] + found["AlreadyReversed"] == 10
        made = Order.objects.get()
        assert (made.status, made.points_reversed, made.points_returned) == ("cancelled", 95, 500)
        assert Refund.objects.count() == found["Refunded"]
        assert figures(wallet) == {"active": 500, "earned": 500}
        assert Entry.objects.filter(reference="default/1", kind="reverse").count() == 2
        assert_clean()

    def test_without_locks_somebody_is_stopped_by_the_database(
        self, committed_db: Any, without_locks: None
    ) -> None:
        ordering.place(order=order("1", "100.00", member=enrol()), at=NOON)

        results = committed_db.run_parallel(self.work, 8, connections_at_once=8)

        assert broken(results) > 0


class TestOneHoldForManyOrders:
    def test_pays_for_exactly_one(self, committed_db: Any) -> None:
        member = enrol()
        post(credit(wallet_of(member), 500, "in"))
        request = holds.HoldRequest(member=member.number, points=500, reference="h")
        hold = holds.hold(request=request, at=NOON).hold

        def place(number: int) -> Any:
            facts = order(f"{number}", "64.00", member=member, hold=str(hold.pk))
            return ordering.place(order=facts, at=NOON)

        results = committed_db.run_parallel(place, 20)

        assert outcomes(results) == {"Placed": 1, "HoldClosed": 19}
        assert Order.objects.count() == 1
        assert Hold.objects.get().order == Order.objects.get()
        assert figures(wallet_of(member)) == {"active": 59, "earned": 559, "spent": 500}
        assert_clean()
