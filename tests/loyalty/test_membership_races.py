"""Races of decisions about members; each has a twin with its guard switched off, which must show the damage."""

import time
from typing import Any

import pytest
from django.db.models import QuerySet

from loyalty import adjustments, awarding, closing, ledger, merging, spending
from loyalty.adjustments import AdjustmentFacts
from loyalty.ledger import statements
from loyalty.models import Adjustment, Entry
from members import lifecycle
from members.models import Member, StatusChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    credit,
    entries,
    figures,
    post,
    program,
    wallet_of,
)
from tests.loyalty.test_races import LOCKING, broken, enrol, outcomes


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for anybody: neither wallets nor rows are locked, and all have read before anybody writes."""

    def unlocked(queryset: Any, **_: Any) -> Any:
        return queryset

    for name in ("LOCK_BY_MEMBER", "LOCK_BY_ID"):
        statement = getattr(statements, name)
        assert LOCKING in statement
        monkeypatch.setattr(statements, name, statement.replace(LOCKING, ""))
    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)


def spend(member: Member, reference: str) -> Entry:
    return spending.spend(
        member=member,
        points=10,
        reference=reference,
        details={},
        explanation=[{"rule": "mug", "kind": "reward", "points": -10}],
        at=NOON,
    )


class TestApprove:
    def waiting(self, points: int = 100) -> Adjustment:
        program(approval_threshold=0)
        said = AdjustmentFacts(
            member=enrol()[0].number, points=points, reason="goodwill", reference="a1"
        )
        return adjustments.adjust(facts=said, requested_by="asker", at=NOON).adjustment

    def test_many_approvers_post_once(self, committed_db: Any) -> None:
        made = self.waiting()

        results = committed_db.run_parallel(
            lambda n: adjustments.approve(adjustment=made.pk, by=f"boss {n}", at=NOON), 40
        )

        assert outcomes(results) == {"Adjustment": 40}
        assert len({each.decided_by for each in results}) == 1
        assert entries(wallet_of(made.member)) == [("adjust", 100, 100)]
        assert_clean()

    def test_whoever_asked_never_gets_in_between(self, committed_db: Any) -> None:
        made = self.waiting()

        results = committed_db.run_parallel(
            lambda n: adjustments.approve(
                adjustment=made.pk, by="boss" if n % 2 else "asker", at=NOON
            ),
            40,
        )

        assert outcomes(results) == {"Adjustment": 20, "SelfApproval": 20}
        made.refresh_from_db()
        assert (made.state, made.decided_by) == ("posted", "boss")
        assert entries(wallet_of(made.member)) == [("adjust", 100, 100)]

    def test_approved_or_rejected_is_one_of_the_two(self, committed_db: Any) -> None:
        made = self.waiting()

        def decide(number: int) -> Adjustment:
            verb = adjustments.approve if number % 2 else adjustments.reject
            return verb(adjustment=made.pk, by=f"boss {number}", at=NOON)

        results = committed_db.run_parallel(decide, 40)

        assert outcomes(results) == {"Adjustment": 20, "AdjustmentDecided": 20}
        made.refresh_from_db()
        posted = [("adjust", 100, 100)] if made.state == "posted" else []
        assert entries(wallet_of(made.member)) == posted

    def test_without_locks_approvers_meet_the_unique_key(
        self, committed_db: Any, without_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = self.waiting()
        as_it_is = adjustments._is_open

        def slowly(*words: Any) -> bool:
            found = as_it_is(*words)
            time.sleep(0.2)
            return found

        monkeypatch.setattr(adjustments, "_is_open", slowly)

        results = committed_db.run_parallel(
            lambda n: adjustments.approve(adjustment=made.pk, by=f"boss {n}", at=NOON),
            4,
            connections_at_once=4,
        )

        assert broken(results) > 0 or len(entries(wallet_of(made.member))) > 1

    def test_without_the_check_the_database_refuses_whoever_asked(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = self.waiting()
        monkeypatch.setattr(adjustments, "_is_open", lambda *_: True)

        results = committed_db.run_parallel(
            lambda _: adjustments.approve(adjustment=made.pk, by="asker", at=NOON), 4
        )

        assert outcomes(results) == {"IntegrityError": 4}
        assert all("adjustment_decided_by_somebody_else" in str(each) for each in results)
        assert Entry.objects.count() == 0


class TestFreeze:
    def test_of_many_at_once_is_noted_once(self, committed_db: Any) -> None:
        member = enrol()[0]

        results = committed_db.run_parallel(
            lambda n: lifecycle.freeze(member=member, reason=f"{n}", by="owner", at=NOON), 20
        )

        assert outcomes(results) == {"Member": 20}
        assert StatusChange.objects.count() == 1

    def test_beside_spends_never_ends_in_a_deadlock_and_holds_for_later_ones(
        self, committed_db: Any
    ) -> None:
        member = enrol()[0]
        post(credit(wallet_of(member), 1000, "in"))

        def work(number: int) -> Any:
            if number == 20:
                return lifecycle.freeze(member=member, reason="r", by="owner", at=NOON)
            return spend(member, f"R{number}")

        results = committed_db.run_parallel(work, 41)

        counted = outcomes(results)
        assert set(counted) <= {"Member", "Entry", "WalletFrozen"}
        assert figures(wallet_of(member)).get("spent", 0) == 10 * counted["Entry"]
        later = committed_db.run_parallel(lambda n: spend(member, f"L{n}"), 10)
        assert outcomes(later) == {"WalletFrozen": 10}

    def test_without_locks_is_noted_twice(
        self, committed_db: Any, without_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        member = enrol()[0]
        as_it_is = lifecycle.lock

        def slowly(**words: Any) -> Any:
            found = as_it_is(**words)
            time.sleep(0.2)
            return found

        monkeypatch.setattr(lifecycle, "lock", slowly)

        committed_db.run_parallel(
            lambda n: lifecycle.freeze(member=member, reason=f"{n}", by="owner", at=NOON), 4
        )

        assert StatusChange.objects.count() > 1


class TestClose:
    def work(self, member: Member, number: int) -> Any:
        if number == 10:
            asked = closing.Closing(member=member.number, forfeit=True)
            return closing.close(closing=asked, by="owner", at=NOON)
        return awarding.award(
            member=member, points=10, reference=f"in {number}", details={}, at=NOON
        )

    def test_beside_awards_leaves_no_point_behind(self, committed_db: Any) -> None:
        member = enrol()[0]

        results = committed_db.run_parallel(lambda n: self.work(member, n), 40)

        counted = outcomes(results)
        assert set(counted) <= {"Member", "Posted", "MemberClosed"}
        earned = 10 * counted["Posted"]
        assert figures(wallet_of(member)) == ({"earned": earned} if earned else {})
        assert_clean()

    def test_without_the_closed_wallet_points_are_stranded(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        member = enrol()[0]
        monkeypatch.setattr(ledger, "close", lambda **_: None)

        self.work(member, 10)
        self.work(member, 1)

        assert figures(wallet_of(member)) == {"active": 10, "earned": 10}


class TestMerge:
    def pair(self) -> tuple[Member, Member]:
        source, target = enrol(2)
        post(credit(wallet_of(source), 1000, "in"))
        return source, target

    def merge(self, source: Member, target: Member) -> Member:
        return merging.merge(source=source.number, into=target.number, by="owner", at=NOON)

    def test_beside_spends_and_awards_of_the_source_loses_and_doubles_nothing(
        self, committed_db: Any
    ) -> None:
        source, target = self.pair()

        def work(number: int) -> Any:
            if number == 15:
                return self.merge(source, target)
            if number % 2:
                return spend(source, f"R{number}")
            return awarding.award(
                member=source, points=7, reference=f"in {number}", details={}, at=NOON
            )

        results = committed_db.run_parallel(work, 60)

        counted = outcomes(results)
        assert set(counted) <= {"Member", "Entry", "Posted", "MemberClosed"}
        assert counted["Member"] == 1
        earned, spent = 1000 + 7 * counted["Posted"], 10 * counted["Entry"]
        found = {"active": earned - spent, "earned": earned, "spent": spent}
        assert figures(wallet_of(source)) == {}
        assert figures(wallet_of(target)) == {name: sum_ for name, sum_ in found.items() if sum_}
        assert_clean()

    def test_of_many_at_once_happens_once(self, committed_db: Any) -> None:
        source, target = self.pair()

        results = committed_db.run_parallel(lambda _: self.merge(source, target), 20)

        assert outcomes(results) == {"Member": 20}
        assert entries(wallet_of(target)) == [("merge", 1000, 1000)]
        assert StatusChange.objects.count() == 1
        assert_clean()

    def test_crosswise_lets_one_win(self, committed_db: Any) -> None:
        source, target = self.pair()

        results = committed_db.run_parallel(
            lambda n: self.merge(source, target) if n % 2 else self.merge(target, source), 20
        )

        assert outcomes(results) == {"Member": 10, "MemberClosed": 10}
        assert Member.objects.filter(status="closed").count() == 1
        left = Member.objects.get(status="active")
        assert figures(wallet_of(left)) == {"active": 1000, "earned": 1000}
        assert_clean()

    def test_an_approval_follows_the_member(self, committed_db: Any) -> None:
        source, target = self.pair()
        program(approval_threshold=0)
        waiting = [
            adjustments.adjust(
                facts=AdjustmentFacts(
                    member=source.number, points=1, reason="other", reference=f"{n}"
                ),
                requested_by="asker",
                at=NOON,
            ).adjustment
            for n in range(20)
        ]

        def work(number: int) -> Any:
            if number == 5:
                return self.merge(source, target)
            pk = waiting[number % 20].pk
            return adjustments.approve(adjustment=pk, by="boss", at=NOON)

        results = committed_db.run_parallel(work, 41)

        assert outcomes(results) == {"Member": 1, "Adjustment": 40}
        assert figures(wallet_of(target)) == {"active": 1020, "earned": 1000}
        assert_clean()

    def test_without_locks_the_database_has_to_refuse_what_would_double(
        self, committed_db: Any, without_locks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source, target = self.pair()
        as_it_is = lifecycle.lock

        def slowly(**words: Any) -> Any:
            found = as_it_is(**words)
            time.sleep(0.3)
            return found

        monkeypatch.setattr(lifecycle, "lock", slowly)

        results = committed_db.run_parallel(
            lambda _: self.merge(source, target), 4, connections_at_once=4
        )

        doubled = figures(wallet_of(target)).get("earned", 0) != 1000
        assert broken(results) or doubled or StatusChange.objects.count() > 1
