"""Tasks and challenges with a member's progress."""

from datetime import timedelta
from typing import Any

import pytest

from campaigns import acts, progress
from campaigns.acts import ActFacts
from campaigns.models import Campaign
from campaigns.offers import Offers
from campaigns.progress import Task
from loyalty import programs
from members.models import Member
from tests.campaigns.builders import bonus, campaign, place
from tests.conftest import NOON
from tests.loyalty.builders import day


def tasks(member: Member, at: Any = NOON) -> list[Task]:
    return list(progress.tasks(Offers(member=member, at=at, program=programs.current())))


def only(member: Member, at: Any = NOON) -> Task:
    (found,) = tasks(member, at)
    return found


def do(member: Member, type: str, reference: str, at: Any = NOON) -> None:
    act = ActFacts(member=member.number, type=type, reference=reference, at=at)
    acts.record(act=act, now=at)


def state(task: Task) -> tuple[int, int | None, str]:
    return int(task.done), None if task.goal is None else int(task.goal), task.state


class TestWhatIsATask:
    @pytest.mark.parametrize(
        "trigger",
        [
            "check_in",
            "referral.converted",
            "birthday",
            "anniversary",
            "tier.upgraded",
            "order.paid",
        ],
    )
    def test_not_what_has_its_own_page_or_comes_by_itself(self, bob: Member, trigger: str):
        campaign("other", trigger=trigger, effect=bonus(10))

        assert tasks(bob) == []

    def test_not_what_is_no_campaign_for_members_now(self, bob: Member):
        hidden: dict[str, dict[str, Any]] = {
            "paused": {"state": "paused"},
            "draft": {"state": "draft"},
            "secret": {"is_public": False},
            "over": {"ends_at": NOON},
            "coming": {"starts_at": NOON + timedelta(microseconds=1)},
        }
        for code, changes in hidden.items():
            campaign(code, trigger="review", effect=bonus(10))
            Campaign.objects.filter(code=code).update(**changes)

        assert tasks(bob) == []

    def test_not_what_is_for_other_members(self, bob: Member):
        campaign("gold", trigger="review", effect=bonus(10), tiers=["gold"])
        campaign("new", trigger="review", effect=bonus(10), enrolled_within_days=1)

        assert [each.campaign.code for each in tasks(bob)] == ["new"]


class TestActs:
    def test_without_limits_are_there_each_time(self, bob: Member):
        campaign("review", trigger="review", effect=bonus(30))
        do(bob, "review", "1")

        assert state(only(bob)) == (0, None, "open")

    def test_once_in_all(self, bob: Member):
        campaign("survey", trigger="survey", effect=bonus(50), limits={"per_member": 50})
        assert state(only(bob)) == (0, 1, "open")

        do(bob, "survey", "1")

        task = only(bob)
        assert state(task) == (1, 1, "claimed")
        assert (task.period, task.again_on) == ("ever", None)

    def test_so_often_a_day_begin_again_with_the_programs_day(self, bob: Member):
        campaign("share", trigger="share", effect=bonus(20), limits={"per_member_per_day": 60})
        do(bob, "share", "1")
        do(bob, "share", "2")

        task = only(bob)
        assert state(task) == (2, 3, "open")
        assert str(task.again_on) == "2026-11-22"
        midnight = NOON + timedelta(hours=12)
        assert state(only(bob, midnight - timedelta(microseconds=1))) == (2, 3, "open")
        assert state(only(bob, midnight)) == (0, 3, "open")

    def test_a_completed_profile_counts_once(self, bob: Member):
        campaign("profile", trigger="member.profile_completed", effect=bonus(50))

        assert state(only(bob)) == (0, 1, "open")


class TestChallenges:
    def test_orders_of_the_month(self, bob: Member):
        campaign("three", effect=bonus(200), period_count={"period": "month", "orders": 3})
        place("1", "10", member=bob, placed_at=day(-25))  # October
        place("2", "10", member=bob, placed_at=day(-5))
        place("3", "10", member=bob)

        task = only(bob)
        assert state(task) == (2, 3, "open")
        assert str(task.again_on) == "2026-12-01"
        assert task.is_challenge

        place("4", "10", member=bob)
        assert state(only(bob)) == (3, 3, "claimed")
        assert state(only(bob, day(10))) == (0, 3, "open")

    def test_money_of_the_month(self, bob: Member):
        campaign("sum", effect=bonus(200), period_sum={"period": "month", "amount": "100.00"})
        place("1", "60.50", member=bob)

        task = only(bob)
        assert (str(task.done), task.is_money) == ("60.50", True)
        assert state(task) == (60, 100, "open")

    def test_acts_of_the_week(self, bob: Member):
        campaign(
            "three",
            trigger="share",
            effect=bonus(60),
            period_count={"period": "week", "events": 3},
        )
        do(bob, "share", "before", day(-6))  # Sunday
        do(bob, "share", "1", day(-5))  # Monday
        do(bob, "review", "other")

        assert state(only(bob)) == (1, 3, "open")
        do(bob, "share", "2")
        do(bob, "share", "3")
        assert state(only(bob)) == (3, 3, "claimed")

    def test_that_was_reached_before_it_began_is_done_and_not_given(self, bob: Member):
        place("1", "10", member=bob)
        campaign("one", effect=bonus(200), period_count={"period": "month", "orders": 1})

        assert state(only(bob)) == (1, 1, "done")

    def test_ends_with_its_campaign(self, bob: Member):
        campaign("three", effect=bonus(200), period_count={"period": "month", "orders": 3})
        Campaign.objects.update(ends_at=day(3))

        assert only(bob).ends_at == day(3)


def test_the_nearest_to_its_goal_comes_first_and_what_was_given_last(bob: Member):
    campaign("far", effect=bonus(200), period_count={"period": "month", "orders": 10})
    campaign("near", effect=bonus(200), period_count={"period": "month", "orders": 3})
    campaign("survey", trigger="survey", effect=bonus(50), limits={"per_member": 50})
    place("1", "10", member=bob)
    do(bob, "survey", "1")

    assert [each.campaign.code for each in tasks(bob)] == ["near", "far", "survey"]


@pytest.mark.parametrize("count", [1, 25])
def test_needs_the_same_queries_however_many(
    bob: Member, count: int, django_assert_max_num_queries: Any
):
    for number in range(count):
        campaign(f"a{number}", trigger=f"t{number}", effect=bonus(5), limits={"per_member": 50})
        campaign(
            f"b{number}",
            trigger=f"t{number}",
            effect=bonus(5),
            period_count={"period": "week", "events": 3},
        )
        campaign(f"c{number}", effect=bonus(5), period_count={"period": "month", "orders": 5})
    program = programs.current()

    with django_assert_max_num_queries(7):
        offers = Offers(member=bob, at=NOON, program=program)
        assert len(progress.tasks(offers)) == 3 * count
