"""Races for one wallet's awards and for what refunds take back; each has a twin with its guard switched off."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import QuerySet

from loyalty import awarding, holds, ledger, ordering, refunds
from loyalty.holds import HoldRequest
from loyalty.models import Entry, Hold, Order, Refund
from loyalty.refunds import RefundFacts
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, credit, debit, figures, order, post, wallet_of
from tests.loyalty.test_races import broken, enrol, outcomes, without_locks
from tests.prove.sizes import size

__all__ = ["without_locks"]


@pytest.fixture
def without_row_locks(without_locks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither wallets nor other rows are locked."""

    def unlocked(queryset: Any, **_: Any) -> Any:
        return queryset

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)


class TestAward:
    """Powers of two: the sum shows which awards landed, and how often."""

    def award(self, member: Member) -> Callable[[int], ledger.Posted]:
        return lambda number: awarding.award(
            member=member,
            points=2 ** (number // 2),
            reference=f"a{number // 2}",
            details={},
            expires_at=None,
            at=NOON,
        )

    def test_of_40_powers_of_two_each_handed_in_twice_lands_each_once(
        self, committed_db: Any
    ) -> None:
        member = enrol()[0]

        results = committed_db.run_parallel(self.award(member), 80)

        assert outcomes(results) == {"Posted": 80}
        assert sum(each.is_new for each in results) == 40
        assert figures(wallet_of(member)) == {"active": 2**40 - 1, "earned": 2**40 - 1}
        assert_clean()

    def test_without_locks_callers_meet_what_the_database_refuses(
        self, committed_db: Any, without_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(awarding, "_at_once", lambda *_: None)

        results = committed_db.run_parallel(self.award(enrol()[0]), 80)

        assert broken(results) > 0


class TestPost:
    def debit(self, wallet: int) -> Callable[[int], list[ledger.Posted]]:
        return lambda number: post(debit(wallet, 100, f"d{number}"))

    def test_of_20_debits_of_100_from_500_takes_exactly_5(self, committed_db: Any) -> None:
        wallet = wallet_of(enrol()[0])
        post(credit(wallet, 500, "in"))

        results = committed_db.run_parallel(self.debit(wallet), 20)

        assert outcomes(results) == {"list": 5, "InsufficientPoints": 15}
        assert figures(wallet) == {"earned": 500, "spent": 500}
        assert_clean()

    def test_without_locks_callers_meet_what_the_database_refuses(
        self, committed_db: Any, without_locks: None
    ) -> None:
        wallet = wallet_of(enrol()[0])
        post(credit(wallet, 500, "in"))

        results = committed_db.run_parallel(self.debit(wallet), 20)

        assert broken(results) > 0


class TestCapture:
    def holds(self, member: Member) -> list[int]:
        awarding.award(
            member=member, points=400, reference="in", details={}, expires_at=None, at=NOON
        )
        requests = [
            HoldRequest(member=member.number, points=20, reference=f"h{number}")
            for number in range(20)
        ]
        return [holds.hold(request=each, at=NOON).hold.pk for each in requests]

    def capture(self, pks: list[int]) -> Callable[[int], Hold]:
        return lambda number: holds.capture(hold=pks[number], points=None, order=None, at=NOON)

    def test_of_20_holds_of_one_member_takes_each(self, committed_db: Any) -> None:
        member = enrol()[0]

        results = committed_db.run_parallel(self.capture(self.holds(member)), 20)

        assert outcomes(results) == {"Hold": 20}
        assert figures(wallet_of(member)) == {"earned": 400, "spent": 400}
        assert_clean()

    def test_without_locks_callers_meet_what_the_database_refuses(
        self, committed_db: Any, without_locks: None
    ) -> None:
        results = committed_db.run_parallel(self.capture(self.holds(enrol()[0])), 20)

        assert broken(results) > 0


class TestRefund:
    def refund(self, number: int) -> refunds.Refunded:
        """Each order's only refund, asked for twice."""
        facts = RefundFacts(reference="r", at=NOON, amount=Decimal("8.00"))
        return refunds.refund(source="default", number=str(number // 2), facts=facts, now=NOON)

    def test_of_many_orders_asked_twice_takes_back_once_each(self, committed_db: Any) -> None:
        count = size("reversals", 60)
        members = enrol(10)
        facts = [order(str(n), "8.00", member=members[n % 10]) for n in range(count)]
        ordering.place_all(orders=facts, at=NOON)

        results = committed_db.run_parallel(self.refund, count * 2)

        assert outcomes(results) == {"Refunded": count * 2}
        assert sum(each.is_new for each in results) == count
        assert (
            Entry.objects.filter(kind="reverse", wallet__point_type__code="points").count()
            == count
        )
        assert {tuple(figures(wallet_of(each))) for each in members} == {()}
        assert_clean()

    def part(self, number: int) -> refunds.Refunded:
        facts = RefundFacts(reference=f"r{number}", at=NOON, amount=Decimal("10.00"))
        return refunds.refund(source="default", number="1", facts=facts, now=NOON)

    def test_of_a_passer_bys_order_never_gives_back_more_than_was_paid(
        self, committed_db: Any
    ) -> None:
        ordering.place(order=order("1", "64.00", member=None), at=NOON)

        results = committed_db.run_parallel(self.part, 12)

        assert outcomes(results) == {"Refunded": 6, "AlreadyReversed": 6}
        assert Order.objects.get().refunded_amount == 60
        assert Refund.objects.count() == 6

    def test_of_a_passer_bys_order_without_locks_loses_some(
        self, committed_db: Any, without_row_locks: None
    ) -> None:
        ordering.place(order=order("1", "64.00", member=None), at=NOON)

        committed_db.run_parallel(self.part, 12)

        assert Order.objects.get().refunded_amount != Refund.objects.count() * 10 or (
            Refund.objects.count() > 6
        )
