"""Races over real connections: limits are exact, friends are won once, acts count once; each with its guard off, too."""

import threading
import time
from typing import Any

import pytest
from django.db.models import QuerySet

from campaigns import acts, budgets, editing, judging, usage
from campaigns.acts import ActFacts
from campaigns.models import Act, Budget, CampaignAward, Conversion
from campaigns.usage import Usage
from loyalty import ordering
from loyalty.ledger import statements
from loyalty.models import Entry
from members import enrolment
from members.enrolment import Newcomer
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, entries, figures, wallet_of
from tests.loyalty.builders import order as order_facts
from tests.loyalty.test_races import LOCKING, broken, enrol, outcomes


def unlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wallets are read without a lock."""
    for name in ("LOCK_BY_MEMBER", "LOCK_BY_ID"):
        statement = getattr(statements, name)
        assert LOCKING in statement
        monkeypatch.setattr(statements, name, statement.replace(LOCKING, ""))


def slow_down(monkeypatch: pytest.MonkeyPatch, target: Any, name: str) -> None:
    """What is called like this takes its time afterwards: everybody has read before anybody writes."""
    as_it_is = getattr(target, name)

    def slowly(*args: Any, **how: Any) -> Any:
        found = as_it_is(*args, **how)
        time.sleep(0.2)
        return found

    monkeypatch.setattr(target, name, slowly)


class TestBudget:
    def placing(self, members: list[Member]) -> Any:
        def place(number: int) -> int:
            facts = order_facts(f"{number}", "10.00", member=members[number % len(members)])
            placed = ordering.place(order=facts, at=NOON)
            assert placed.order is not None
            return placed.order.points

        return place

    def test_of_100_awards_survives_500_orders_at_once(self, committed_db: Any) -> None:
        campaign("budget", effect=bonus(10), limits={"budget_points": 1000})
        members = enrol(50)

        results = committed_db.run_parallel(self.placing(members), 500)

        assert outcomes(results) == {"int": 500}
        assert (results.count(20), results.count(10)) == (100, 400)
        budget = Budget.objects.get()
        assert (budget.used, budget.exhausted_at) == (1000, NOON)
        assert sum(CampaignAward.objects.values_list("points", flat=True)) == 1000
        assert_clean()

    def test_the_last_award_is_cut_to_what_is_left(self, committed_db: Any) -> None:
        campaign("budget", effect=bonus(10), limits={"budget_points": 45})

        results = committed_db.run_parallel(self.placing(enrol(20)), 20)

        assert sorted(results) == [10] * 15 + [15] + [20] * 4
        assert_clean()

    def test_without_the_lock_more_is_given_than_there_is(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign("budget", effect=bonus(10), limits={"budget_points": 45})
        members = enrol(20)
        as_it_is = Usage.load_budgets

        def unlocked(self: Usage, *, campaigns: Any, lock: bool) -> None:
            as_it_is(self, campaigns=campaigns, lock=False)
            time.sleep(0.2)

        monkeypatch.setattr(usage.Usage, "load_budgets", unlocked)

        results = committed_db.run_parallel(self.placing(members), 20)

        # Everybody saw 45 points left; only the database's own check kept the budget.
        assert broken(results) > 0


class TestBudgetThatComes:
    """A budget is named while an order that knows of none is on its way."""

    def race(self, committed_db: Any, monkeypatch: pytest.MonkeyPatch) -> int:
        """What a campaign has given in all when its new budget of 25 is used up."""
        made = campaign("budget", effect=bonus(10))
        members = enrol(5)
        has_read = threading.Event()
        as_it_is = judging.running

        def slowly(**how: Any) -> Any:
            found = as_it_is(**how)
            if not has_read.is_set():
                has_read.set()
                time.sleep(0.5)
            return found

        monkeypatch.setattr(judging, "running", slowly)

        def work(number: int) -> None:
            if number == 0:
                self.place(members[0], "0")
                return
            assert has_read.wait(timeout=20)
            limits = {"budget_points": 25}
            editing.change(campaign=made, changes={"limits": limits}, by="owner", at=NOON)

        results = committed_db.run_parallel(work, 2)
        assert outcomes(results) == {"NoneType": 2}
        for number, member in enumerate(members[1:], 1):
            self.place(member, str(number))
        return sum(CampaignAward.objects.values_list("points", flat=True))

    def place(self, member: Member, number: str) -> None:
        ordering.place(order=order_facts(number, "10.00", member=member), at=NOON)

    def test_counts_what_was_on_its_way(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.race(committed_db, monkeypatch) == 25
        assert Budget.objects.get().used == 25
        assert_clean()

    def test_without_waiting_more_is_given_than_there_is(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(budgets, "stand_by", lambda: None)

        assert self.race(committed_db, monkeypatch) == 35


class TestLimitOfAMember:
    def place(self, member: Member) -> Any:
        def place(number: int) -> int:
            facts = order_facts(f"{number}", "10.00", member=member)
            placed = ordering.place(order=facts, at=NOON)
            assert placed.order is not None
            return placed.order.points

        return place

    def test_is_exact_under_50_orders_at_once(self, committed_db: Any) -> None:
        campaign("day", effect=bonus(10), limits={"per_member_per_day": 95})
        member = enrol()[0]

        results = committed_db.run_parallel(self.place(member), 50)

        assert sorted(results) == [10] * 40 + [15] + [20] * 9
        assert_clean()

    def test_without_locks_more_is_given(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign("day", effect=bonus(10), limits={"per_member_per_day": 15})
        member = enrol()[0]
        unlock(monkeypatch)
        slow_down(monkeypatch, usage.Usage, "load")

        results = committed_db.run_parallel(self.place(member), 8, connections_at_once=8)

        # Either the limit is passed, or the books of the one wallet do not follow on each other.
        assert broken(results) > 0 or results.count(20) > 1


class TestReferral:
    def friend(self) -> tuple[Member, Member]:
        ada = enrol()[0]
        newcomer = Newcomer(phone="+8613500000001", referral_code=ada.referral_code)
        return ada, enrolment.enrol(newcomer=newcomer, at=NOON)

    def place(self, member: Member) -> Any:
        return lambda number: ordering.place(
            order=order_facts(f"{number}", "50.00", member=member), at=NOON
        )

    def test_two_first_orders_at_once_win_the_friend_once(self, committed_db: Any) -> None:
        campaign("both", trigger="referral.converted", effect=bonus(100, to="both"))
        ada, bob = self.friend()

        results = committed_db.run_parallel(self.place(bob), 20)

        assert outcomes(results) == {"Placed": 20}
        assert Conversion.objects.count() == 1
        assert figures(wallet_of(ada)) == {"active": 100, "earned": 100}
        assert figures(wallet_of(bob)) == {"active": 1100, "earned": 1100}
        assert_clean()

    def test_friends_of_one_member_never_wait_crosswise(self, committed_db: Any) -> None:
        campaign(
            "both",
            trigger="referral.converted",
            effect=bonus(100, to="both"),
            limits={"per_member": 500},
        )
        ada = enrol()[0]
        newcomers = [
            Newcomer(phone=f"+861350000{n:04}", referral_code=ada.referral_code) for n in range(20)
        ]
        friends = [
            each.member
            for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)
            if each.member
        ]

        results = committed_db.run_parallel(lambda number: self.place(friends[number])(number), 20)

        assert outcomes(results) == {"Placed": 20}
        assert figures(wallet_of(ada)) == {"active": 500, "earned": 500}
        assert_clean()

    def test_without_locks_the_second_meets_the_unique_key(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign("both", trigger="referral.converted", effect=bonus(100, to="both"))
        _ada, bob = self.friend()
        unlock(monkeypatch)
        slow_down(monkeypatch, usage.Usage, "load")

        class Unheard(Exception):
            """Never raised."""

        monkeypatch.setattr(ordering, "IntegrityError", Unheard)

        results = committed_db.run_parallel(self.place(bob), 8, connections_at_once=8)

        assert broken(results) > 0


class TestAct:
    def record(self, member: Member) -> Any:
        said = ActFacts(member=member.number, type="review", reference="1")
        return lambda _: acts.record(act=said, now=NOON)

    def test_reported_40_times_counts_once(self, committed_db: Any) -> None:
        campaign("review", trigger="review", effect=bonus(30))
        member = enrol()[0]

        results = committed_db.run_parallel(self.record(member), 40)

        assert outcomes(results) == {"Recorded": 40}
        assert sum(each.is_new for each in results) == 1
        assert len({each.act.pk for each in results}) == 1
        assert entries(wallet_of(member)) == [("earn", 30, 30)]
        assert_clean()

    def test_the_limit_of_a_day_is_exact(self, committed_db: Any) -> None:
        campaign("share", trigger="share", effect=bonus(20), limits={"per_member_per_day": 60})
        member = enrol()[0]

        def share(number: int) -> int:
            said = ActFacts(member=member.number, type="share", reference=str(number))
            return acts.record(act=said, now=NOON).act.points

        results = committed_db.run_parallel(share, 30)

        assert sorted(results) == [0] * 27 + [20] * 3
        assert Entry.objects.count() == 3
        assert_clean()

    def test_without_locks_the_second_meets_the_unique_key(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign("review", trigger="review", effect=bonus(30))
        member = enrol()[0]
        unlock(monkeypatch)
        slow_down(monkeypatch, QuerySet, "first")

        results = committed_db.run_parallel(self.record(member), 8, connections_at_once=8)

        assert broken(results) > 0
        assert Act.objects.count() == 1
