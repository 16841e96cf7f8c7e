"""Races over real connections; each has a twin with its guard switched off, which must show the damage."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from loyalty import awarding, expiry, ordering, queries, refunds, spending
from loyalty.awarding import Award
from loyalty.errors import InsufficientPoints
from loyalty.ledger import statements, writing
from loyalty.models import Entry, Order, Refund
from loyalty.refunds import RefundFacts
from members import enrolment, transactions
from members.errors import InvalidInput, NotFound, Refusal
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    entries,
    figures,
    order,
    post,
    wallet_of,
)

LOCKING = " FOR NO KEY UPDATE OF w"


def enrol(count: int = 1) -> list[Member]:
    newcomers = [enrolment.Newcomer(phone=f"+86136{number:08d}") for number in range(count)]
    found = enrolment.enrol_all(newcomers=newcomers, at=NOON)
    return [each.member for each in found if each.member]


def outcomes(results: list[Any]) -> Counter[str]:
    return Counter(type(each).__name__ for each in results)


def broken(results: list[Any]) -> int:
    """How many met what no caller may ever see: anything raised that is no refusal (a unique key, lots gone, …)."""
    refusals = (Refusal, InvalidInput, NotFound)
    return sum(isinstance(each, Exception) and not isinstance(each, refusals) for each in results)


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wallets are read without a lock, and everybody has read before anybody writes."""
    for name in ("LOCK_BY_MEMBER", "LOCK_BY_ID"):
        statement = getattr(statements, name)
        assert LOCKING in statement
        monkeypatch.setattr(statements, name, statement.replace(LOCKING, ""))
    as_it_is = writing._known

    def slowly(postings: Any, wallets: Any) -> Any:
        found = as_it_is(postings, wallets)
        time.sleep(0.1)
        return found

    monkeypatch.setattr(writing, "_known", slowly)


class TestSpend:
    def spend(self, member: Member) -> Callable[[int], Entry]:
        return lambda number: spending.spend(
            member=member,
            points=100,
            reference=f"R{number}",
            details={},
            explanation=[{"rule": "mug", "kind": "reward", "points": -100}],
            at=NOON,
        )

    def test_20_spends_of_100_from_500_are_exactly_5(self, committed_db: Any) -> None:
        member = enrol()[0]
        for number in range(5):
            post(credit(wallet_of(member), 100, f"in {number}", expires_at=day(number + 1)))

        results = committed_db.run_parallel(self.spend(member), 20)

        assert outcomes(results) == {"Entry": 5, "InsufficientPoints": 15}
        assert sorted(each.balance for each in results if isinstance(each, Entry)) == [
            0,
            100,
            200,
            300,
            400,
        ]
        refusals = [each for each in results if isinstance(each, InsufficientPoints)]
        assert {each.data["available"] for each in refusals} == {0}
        assert figures(wallet_of(member)) == {"earned": 500, "spent": 500}
        assert_clean()

    def test_without_locks_the_database_has_to_refuse_what_would_oversell(
        self, committed_db: Any, without_locks: None
    ) -> None:
        member = enrol()[0]
        post(credit(wallet_of(member), 500, "in"))

        results = committed_db.run_parallel(self.spend(member), 20)

        # All saw 500 points and wanted the same lots and the same place in the books.
        assert broken(results) > 0


class TestPlace:
    @pytest.mark.parametrize("is_known", [True, False])
    def test_160_submits_of_one_order_have_one_effect(
        self, committed_db: Any, is_known: bool
    ) -> None:
        member = enrol()[0]
        facts = order("1", "64.00", member=member if is_known else None)

        results = committed_db.run_parallel(lambda _: ordering.place(order=facts, at=NOON), 160)

        assert outcomes(results) == {"Placed": 160}
        assert sum(each.is_new for each in results) == 1
        assert len({each.order.pk for each in results}) == 1
        assert Order.objects.count() == 1
        if is_known:
            assert figures(wallet_of(member)) == {"active": 64, "earned": 64}
        assert_clean()

    def test_without_locks_and_a_second_look_callers_meet_the_unique_key(
        self, committed_db: Any, without_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Unheard(Exception):
            """Never raised."""

        monkeypatch.setattr(ordering, "IntegrityError", Unheard)
        facts = order("1", "64.00", member=enrol()[0])

        results = committed_db.run_parallel(lambda _: ordering.place(order=facts, at=NOON), 20)

        assert broken(results) > 0
        assert Order.objects.count() == 1


class TestExpireDue:
    WALLETS = 40

    def overdue(self) -> list[int]:
        wallets = [wallet_of(member) for member in enrol(self.WALLETS)]
        post(*(credit(each, 10, "in", expires_at=day(1)) for each in wallets))
        return wallets

    def work(self, _: int) -> int:
        settled = 0
        while count := expiry.expire_due(at=day(2), limit=7):
            settled += count
        return settled

    def test_four_workers_let_each_lot_lapse_once(self, committed_db: Any) -> None:
        wallets = self.overdue()

        results = committed_db.run_parallel(self.work, 4, connections_at_once=4)

        assert sum(results) == self.WALLETS
        assert Entry.objects.filter(kind="expire").count() == self.WALLETS
        assert {tuple(entries(each)) for each in wallets} == {
            (("earn", 10, 10), ("expire", -10, 0))
        }
        assert_clean()

    def test_one_worker_with_three_connections_does_all_of_it(self, committed_db: Any) -> None:
        wallets = self.overdue()

        assert expiry.expire_all(at=day(2), connections=3) == self.WALLETS
        assert expiry.expire_all(at=day(2), connections=3) == 0
        assert {tuple(entries(each)) for each in wallets} == {
            (("earn", 10, 10), ("expire", -10, 0))
        }
        assert_clean()

    def test_without_locks_two_workers_settle_the_same_wallets(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.overdue()
        chosen = threading.Barrier(2)

        def unlocked(*, at: Any, limit: int) -> list[int]:
            found = queries.ledger._rows(
                "SELECT id FROM loyalty_wallet WHERE next_due_at <= %s ORDER BY id", [at]
            )
            chosen.wait(timeout=30)
            return [row[0] for row in found]

        monkeypatch.setattr(queries, "due_wallets_locked", unlocked)

        results = committed_db.run_parallel(
            lambda _: expiry.expire_due(at=day(2)), 2, connections_at_once=2
        )

        # Either the database refuses the second expiry, or somebody is told of work not done.
        told = sum(each for each in results if isinstance(each, int))
        assert outcomes(results)["IntegrityError"] or told > self.WALLETS


class TestRefund:
    def refund(self, _: int) -> refunds.Refunded:
        facts = RefundFacts(reference="r1", at=NOON, amount=Decimal("64.00"))
        return refunds.refund(source="default", number="1", facts=facts, now=NOON)

    def test_asked_for_20_times_takes_the_points_once(self, committed_db: Any) -> None:
        member = enrol()[0]
        ordering.place(order=order("1", "64.00", member=member), at=NOON)

        results = committed_db.run_parallel(self.refund, 20)

        assert outcomes(results) == {"Refunded": 20}
        assert sum(each.is_new for each in results) == 1
        assert {each.refund.points_reversed for each in results} == {64}
        assert entries(wallet_of(member)) == [("earn", 64, 64), ("reverse", -64, 0)]
        assert Refund.objects.count() == 1
        assert_clean()

    def test_without_locks_callers_meet_the_unique_key(
        self, committed_db: Any, without_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unlocked(queryset: Any, **_: Any) -> Any:
            return queryset

        monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
        ordering.place(order=order("1", "64.00", member=enrol()[0]), at=NOON)

        results = committed_db.run_parallel(self.refund, 8, connections_at_once=8)

        assert broken(results) > 0
        assert Refund.objects.count() == 1


class TestOppositeOrder:
    """Two callers name the same two members the other way round."""

    def batch(self, members: list[Member]) -> Callable[[int], int]:
        def award(number: int) -> int:
            pair = members if number % 2 else members[::-1]
            awards = [
                Award(member=each.pk, points=1, reference=f"{number}", at=NOON) for each in pair
            ]
            return len(awarding.award_all(awards=awards, at=NOON))

        return award

    def test_of_200_batches_never_ends_in_a_deadlock(self, committed_db: Any) -> None:
        members = enrol(2)
        wallets = [wallet_of(each) for each in members]

        results = committed_db.run_parallel(self.batch(members), 200)

        assert outcomes(results) == {"int": 200}
        assert [figures(each) for each in wallets] == [{"active": 200, "earned": 200}] * 2
        assert_clean()

    def test_without_an_order_of_locks_deadlocks(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        members = enrol(2)
        as_it_is = writing._hold
        turn = threading.local()
        both_hold_one = threading.Barrier(2)

        def crosswise(statement: str, parameters: list[Any], at: Any) -> Any:
            ids, *others = parameters
            for pk in sorted(ids, reverse=turn.is_odd):
                as_it_is(statement, [[pk], *others], at)
                # Each waits until the other has its first wallet; at the second ones nobody comes any more.
                with suppress(threading.BrokenBarrierError):
                    both_hold_one.wait(timeout=10)
                both_hold_one.abort()
            return as_it_is(statement, parameters, at)

        monkeypatch.setattr(writing, "_hold", crosswise)
        monkeypatch.setattr(transactions, "ATTEMPTS", 1)

        def award(number: int) -> int:
            turn.is_odd = bool(number % 2)
            return self.batch(members)(number)

        results = committed_db.run_parallel(award, 2, connections_at_once=2)

        problem = next(each for each in results if isinstance(each, Exception))
        assert isinstance(problem, OperationalError)
        assert transactions.is_transient(problem)
