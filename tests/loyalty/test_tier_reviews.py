"""Falls of tiers that came due by time alone, written once by whoever comes first."""

from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty import ordering, tasks, tiers
from members import enrolment
from members.models import Member
from tests.conftest import NOON, RealDatabase
from tests.loyalty.builders import day, order
from tests.loyalty.tier_builders import (
    LAPSE,
    SHANGHAI,
    TICK,
    falling,
    fresh,
    history,
    place,
    shown,
)


def review(at: datetime) -> int:
    return tiers.review_due(at=at)


class TestReviewDue:
    def test_writes_the_falls_that_came_due_once(
        self, bob: Member, mallory: Member, told: list[tuple[str, str, str, datetime]]
    ) -> None:
        falling(grace_days=30)
        place(bob, "1", "20000.00", NOON)
        place(mallory, "2", "5000.00", day(1))
        told.clear()
        fall = datetime(2027, 12, 23, tzinfo=SHANGHAI)

        assert review(fall - TICK) == 0
        assert review(fall) == 1
        assert review(fall) == 0

        assert history(bob)[1:] == [(fall, "base", "not_kept")]
        assert bob.tier_changes.get(at=fall).details == {
            "status_points": 0,
            "keep": 20000,
            "policy": "to_eligible",
            "since": "2027-11-21T16:00:00+00:00",
        }
        assert (fresh(bob).tier.code, fresh(bob).tier_review_at) == ("base", None)
        assert fresh(mallory).tier.code == "silver"
        assert told == [("tier_downgraded", "Bob", "base", fall)]

    def test_comes_again_when_a_lower_tier_may_fall_too(self, bob: Member) -> None:
        falling("one_down")
        place(bob, "1", "20000.00", NOON)

        assert review(LAPSE) == 1

        assert fresh(bob).tier.code == "silver"
        assert fresh(bob).tier_review_at == datetime(2028, 11, 23, tzinfo=SHANGHAI)
        assert review(day(5000)) == 1
        assert [each[1] for each in history(bob)] == ["gold", "silver", "base"]

    def test_moves_the_review_where_points_came_meanwhile(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)
        place(bob, "2", "5000.00", day(100))
        assert fresh(bob).tier_review_at == LAPSE  # the order did not have to look

        assert review(LAPSE) == 1

        assert history(bob) == [(NOON, "silver", "reached")]
        assert fresh(bob).tier_review_at == datetime(2028, 3, 2, tzinfo=SHANGHAI)

    def test_judges_those_whose_tier_could_not_fall_before(self, bob: Member) -> None:
        place(bob, "1", "5000.00", NOON)
        assert review(day(900)) == 0
        falling()

        assert shown(bob, day(900)) == "silver"  # until somebody judges it by the new settings
        assert review(day(900)) == 1
        assert review(day(900)) == 0

        assert history(bob)[1:] == [(day(900), "base", "not_kept")]

    def test_takes_as_many_statements_for_many(self, db: None) -> None:
        falling()
        newcomers = [enrolment.Newcomer(phone=f"+86137{number:08d}") for number in range(60)]
        members = [each.member for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)]
        orders = [order(str(n), "5000.00", member=member) for n, member in enumerate(members)]
        ordering.place_all(orders=orders, at=NOON)

        with CaptureQueriesContext(connection) as few:
            assert tiers.review_due(at=LAPSE, limit=2) == 2
        with CaptureQueriesContext(connection) as many:
            assert tiers.review_due(at=LAPSE, limit=50) == 50

        assert len(many) == len(few)

    def test_the_task_goes_on_to_the_end(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", timezone.now() - timedelta(days=500), now=timezone.now())

        assert tasks.review_tiers() == 1
        assert tasks.review_tiers() == 0
        assert fresh(bob).tier.code == "base"


def _enrolled_with_silver(count: int) -> list[Member]:
    falling()
    newcomers = [enrolment.Newcomer(phone=f"+86137{number:08d}") for number in range(count)]
    members = [each.member for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)]
    orders = [order(str(n), "5000.00", member=member) for n, member in enumerate(members)]
    ordering.place_all(orders=orders, at=NOON)
    return [member for member in members if member]


class TestRaces:
    def test_two_workers_write_each_fall_once(self, committed_db: RealDatabase) -> None:
        members = _enrolled_with_silver(60)

        def work(_number: int) -> int:
            done = 0
            while count := tiers.review_due(at=LAPSE, limit=7):
                done += count
            return done

        answers = committed_db.run_parallel(work, 4, 4)

        assert all(isinstance(answer, int) for answer in answers), answers
        assert sum(answers) == 60
        assert [len(history(member)) for member in members] == [2] * 60

    def test_without_the_lock_falls_are_written_twice(self, committed_db: RealDatabase) -> None:
        members = _enrolled_with_silver(20)
        unlocked = tiers._DUE_BY_TIME.replace("FOR NO KEY UPDATE OF w, m SKIP LOCKED", "")

        def work(_number: int) -> int:
            return tiers.review_due(at=LAPSE, limit=20)

        with mock.patch.object(tiers, "_DUE_BY_TIME", unlocked):
            committed_db.run_parallel(work, 8, 8)

        assert sum(len(history(member)) for member in members) > 40

    def test_an_order_and_the_review_agree(self, committed_db: RealDatabase) -> None:
        members = _enrolled_with_silver(12)

        def work(number: int) -> Any:
            if number % 2:
                return tiers.review_due(at=LAPSE, limit=6)
            member = members[number // 2]
            facts = order(f"late-{number}", "5000.00", member=member, placed_at=LAPSE - TICK)
            return ordering.place(order=facts, at=LAPSE)

        answers = committed_db.run_parallel(work, 24, 12)

        assert not [answer for answer in answers if isinstance(answer, Exception)]
        while tiers.review_due(at=LAPSE):
            pass
        assert {fresh(member).tier.code for member in members} == {"silver"}
        for member in members:
            walked = tiers.load_walks(
                expected={member.pk: 1}, lifetimes={member.pk: 0}, since=LAPSE, at=LAPSE
            )[member.pk]
            assert walked.told_at(LAPSE).code == "silver"
