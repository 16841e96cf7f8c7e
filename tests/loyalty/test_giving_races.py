"""Holds and gifts raced over real connections; each has a twin with its guard switched off."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from loyalty import holds, queries, transfers
from loyalty.errors import HoldClosed, InsufficientPoints, TransferLimit
from loyalty.holds import HoldRequest
from loyalty.ledger import writing
from loyalty.models import Entry, Hold, Transfer
from loyalty.transfers import TransferRequest
from members import transactions
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, credit, figures, post, program, wallet_of
from tests.loyalty.test_races import broken, enrol, outcomes, without_locks
from tests.prove.sizes import size

__all__ = ["without_locks"]

# How often two members give to each other, each way; more in `make prove`.
TIMES = size("gifts", 100)


def allow(**rules: Any) -> None:
    off = {"min": None, "per_transfer": None, "per_day": None, "fee": 0}
    program(transfer={"enabled": True, **off, **rules})


def rich(points: int, count: int = 2) -> list[Member]:
    """So many members; the first has points."""
    members = enrol(count)
    post(credit(wallet_of(members[0]), points, "in"))
    return members


def gift(sender: Member, receiver: Member, reference: str, points: int = 100) -> Any:
    request = TransferRequest(
        sender=sender.number, receiver=receiver.number, points=points, reference=reference
    )
    return transfers.transfer(request=request, at=NOON)


class TestGive:
    def giving(self, pair: list[Member]) -> Callable[[int], Any]:
        return lambda number: gift(pair[0], pair[1], f"t{number}")

    def test_20_gifts_of_100_from_100_are_exactly_one(self, committed_db: Any) -> None:
        allow()
        pair = rich(100)

        results = committed_db.run_parallel(self.giving(pair), 20)

        assert outcomes(results) == {"Transferred": 1, "InsufficientPoints": 19}
        refusals = [each for each in results if isinstance(each, InsufficientPoints)]
        assert {each.data["available"] for each in refusals} == {0}
        assert figures(wallet_of(pair[0])) == {"earned": 100}
        assert figures(wallet_of(pair[1])) == {"active": 100}
        assert Transfer.objects.count() == 1
        assert_clean()

    def test_without_locks_the_database_has_to_refuse_what_would_double_points(
        self, committed_db: Any, without_locks: None
    ) -> None:
        allow()
        pair = rich(100)

        results = committed_db.run_parallel(self.giving(pair), 20)

        assert broken(results) > 0

    def test_one_gift_asked_for_20_times_is_given_once(self, committed_db: Any) -> None:
        allow(per_day=100)
        pair = rich(1000)

        results = committed_db.run_parallel(lambda _: gift(pair[0], pair[1], "t"), 20)

        assert outcomes(results) == {"Transferred": 20}
        assert sum(each.is_new for each in results) == 1
        assert figures(wallet_of(pair[1])) == {"active": 100}
        assert_clean()

    def test_the_limit_of_a_day_is_exact(self, committed_db: Any) -> None:
        allow(per_day=500)
        members = rich(2000, 6)

        results = committed_db.run_parallel(
            lambda number: gift(members[0], members[1 + number % 5], f"t{number}"), 20
        )

        assert outcomes(results) == {"Transferred": 5, "TransferLimit": 15}
        refusals = [each for each in results if isinstance(each, TransferLimit)]
        assert {each.data["used"] for each in refusals} == {500}
        assert figures(wallet_of(members[0]))["active"] == 1500
        assert_clean()

    def test_without_a_look_under_the_lock_more_than_the_limit_is_given(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allow(per_day=500)
        members = rich(2000, 6)
        monkeypatch.setattr(queries, "points_given_today", lambda **_: 0)

        results = committed_db.run_parallel(
            lambda number: gift(members[0], members[1 + number % 5], f"t{number}"), 20
        )

        assert outcomes(results)["Transferred"] > 5


class TestGiveToEachOther:
    """Two members give to each other at the same time."""

    def crossing(self, pair: list[Member]) -> Callable[[int], Any]:
        def work(number: int) -> Any:
            sender, receiver = pair if number % 2 else pair[::-1]
            return gift(sender, receiver, f"t{number}", 1)

        return work

    def test_many_times_leaves_both_as_they_were(self, committed_db: Any) -> None:
        allow()
        pair = rich(1000)
        post(credit(wallet_of(pair[1]), 1000, "in"))

        results = committed_db.run_parallel(self.crossing(pair), 2 * TIMES)

        assert outcomes(results) == {"Transferred": 2 * TIMES}
        assert [figures(wallet_of(each)) for each in pair] == [
            {"active": 1000, "earned": 1000}
        ] * 2
        assert Counter(Entry.objects.values_list("kind", flat=True)) == {
            "earn": 2,
            "transfer_out": 2 * TIMES,
            "transfer_in": 2 * TIMES,
        }
        assert_clean()

    def test_without_an_order_of_locks_deadlocks(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allow()
        pair = rich(1000)
        post(credit(wallet_of(pair[1]), 1000, "in"))
        as_it_is = writing._hold
        turn = threading.local()

        def crosswise(statement: str, parameters: list[Any], at: Any) -> Any:
            ids, *others = parameters
            for pk in sorted(ids, reverse=turn.is_odd):
                as_it_is(statement, [[pk], *others], at)
                time.sleep(0.05)
            return as_it_is(statement, parameters, at)

        monkeypatch.setattr(writing, "_hold", crosswise)
        monkeypatch.setattr(transactions, "ATTEMPTS", 1)

        def work(number: int) -> Any:
            turn.is_odd = bool(number % 2)
            return self.crossing(pair)(number)

        results = committed_db.run_parallel(work, 2, connections_at_once=2)

        problem = next(each for each in results if isinstance(each, Exception))
        assert isinstance(problem, OperationalError)
        assert transactions.is_transient(problem)


def held_for(member: Member, reference: str, points: int = 100) -> holds.Placed:
    request = HoldRequest(member=member.number, points=points, reference=reference)
    return holds.hold(request=request, at=NOON)


class TestHold:
    def test_20_holds_of_100_from_500_are_exactly_five(self, committed_db: Any) -> None:
        member = rich(500, 1)[0]

        results = committed_db.run_parallel(lambda number: held_for(member, f"h{number}"), 20)

        assert outcomes(results) == {"Placed": 5, "InsufficientPoints": 15}
        assert figures(wallet_of(member)) == {"reserved": 500, "earned": 500}
        assert_clean()

    def test_without_locks_holds_and_wallet_disagree(
        self, committed_db: Any, without_locks: None
    ) -> None:
        member = rich(500, 1)[0]

        results = committed_db.run_parallel(lambda number: held_for(member, f"h{number}"), 20)

        placed = outcomes(results)["Placed"]
        kept = figures(wallet_of(member)).get("reserved", 0)
        assert placed > 5 or kept != placed * 100 or broken(results) > 0

    def test_one_hold_asked_for_20_times_is_one(self, committed_db: Any) -> None:
        member = rich(500, 1)[0]

        results = committed_db.run_parallel(lambda _: held_for(member, "h"), 20)

        assert outcomes(results) == {"Placed": 20}
        assert sum(each.is_new for each in results) == 1
        assert figures(wallet_of(member)) == {"active": 400, "reserved": 100, "earned": 500}


class TestClose:
    """Twenty tills want to end one hold, half by capturing and half by releasing it."""

    def closing(self, pk: int) -> Callable[[int], Hold]:
        def work(number: int) -> Hold:
            if number % 2:
                return holds.capture(hold=pk, points=None, order=None, at=NOON)
            return holds.release(hold=pk, at=NOON)

        return work

    def test_ends_it_one_way_alone(self, committed_db: Any) -> None:
        member = rich(500, 1)[0]
        pk = held_for(member, "h").hold.pk

        results = committed_db.run_parallel(self.closing(pk), 20)

        state = Hold.objects.get().state
        done = [each for each in results if isinstance(each, Hold)]
        refused = [each for each in results if isinstance(each, HoldClosed)]
        assert {each.state for each in done} == {state}
        assert {each.data["state"] for each in refused} == {state}
        assert len(done) == (1 if state == "captured" else 10)
        assert len(done) + len(refused) == 20
        spent = {"spent": 100} if state == "captured" else {}
        active = 400 if state == "captured" else 500
        assert figures(wallet_of(member)) == {"active": active, "earned": 500, **spent}
        assert_clean()

    def test_without_locks_it_is_captured_twice_but_for_the_unique_key(
        self, committed_db: Any, without_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unlocked(queryset: Any, **_: Any) -> Any:
            return queryset

        monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
        member = rich(500, 1)[0]
        pk = held_for(member, "h").hold.pk

        results = committed_db.run_parallel(
            lambda _: holds.capture(hold=pk, points=None, order=None, at=NOON), 8, 8
        )

        assert broken(results) > 0
