"""The tiers of members: read, written, shown and looked for."""

import itertools
import random
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import ordering, spending, tiers
from loyalty.ordering import OrderFacts
from members import enrolment, tiering
from members import queries as member_queries
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import credit, day, order, post, program, wallet_of
from tests.loyalty.tier_builders import (
    LAPSE,
    SHANGHAI,
    TICK,
    falling,
    fresh,
    history,
    ordering_of,
    place,
    shown,
)


class TestLoadWalks:
    def test_reads_the_credits_only_of_those_who_may_reach_a_tier(
        self, bob: Member, mallory: Member
    ) -> None:
        for member in (bob, mallory):
            post(credit(wallet_of(member, "status"), 3000, "before"))

        walks = tiers.load_walks(
            expected={bob.pk: 2000, mallory.pk: 1999},
            lifetimes={bob.pk: 3000, mallory.pk: 3000},
            since=NOON,
        )

        climb = walks[bob.pk].climb
        assert climb is not None
        assert [each.points for each in climb.credits] == [3000]
        assert walks[mallory.pk].climb is None

    def test_leaves_out_what_had_lapsed_before(self, bob: Member) -> None:
        status = wallet_of(bob, "status")
        post(
            credit(status, 3000, "lapsed", active_from=day(-9), expires_at=day(-2)),
            credit(status, 4000, "then", active_from=day(-9), expires_at=day(-1)),
            credit(status, 5000, "now"),
        )

        walks = tiers.load_walks(expected={bob.pk: 1}, lifetimes={bob.pk: 12000}, since=day(-2))

        climb = walks[bob.pk].climb
        assert climb is not None
        assert sorted(each.points for each in climb.credits) == [4000, 5000]

    def test_reads_no_credits_of_a_tier_that_is_not_due(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)

        later = tiers.load_walks(
            expected={bob.pk: 10}, lifetimes={bob.pk: 5000}, since=day(1), at=day(1)
        )
        due = tiers.load_walks(
            expected={bob.pk: 10}, lifetimes={bob.pk: 5000}, since=LAPSE, at=LAPSE
        )

        assert later[bob.pk].climb is None
        assert due[bob.pk].climb is not None


class TestRecord:
    def test_writes_history_tier_review_and_tells(
        self, bob: Member, told: list[tuple[str, str, str, datetime]]
    ) -> None:
        falling()
        place(bob, "1", "6000.00", day(-3))
        place(bob, "2", "14000.00", day(-2))

        changes = (
            bob.tier_changes.exclude(reason="enrolled")
            .order_by("at")
            .values_list("before__code", "tier__code", "at", "reason", "details")
        )
        assert list(changes) == [
            ("base", "silver", day(-3), "reached", {"status_points": 6000, "threshold": 5000}),
            ("silver", "gold", day(-2), "reached", {"status_points": 20000, "threshold": 20000}),
        ]
        member = fresh(bob)
        assert member.tier.code == "gold"
        # The first order's lot lapses with 18 November 2027.
        assert member.tier_review_at == datetime(2027, 11, 19, tzinfo=SHANGHAI)
        assert told == [
            ("tier_upgraded", "Bob", "silver", day(-3)),
            ("tier_upgraded", "Bob", "gold", day(-2)),
        ]

    def test_notes_no_review_where_no_tier_falls(self, bob: Member) -> None:
        place(bob, "1", "6000.00", NOON)

        assert fresh(bob).tier_review_at is None

    def test_walks_old_orders_through_the_falls_between_them(self, bob: Member) -> None:
        falling("one_down")
        place(bob, "1", "20000.00", datetime(2022, 1, 10, tzinfo=SHANGHAI))
        place(bob, "2", "100.00", datetime(2023, 3, 1, tzinfo=SHANGHAI))
        place(bob, "3", "100.00", datetime(2024, 3, 1, tzinfo=SHANGHAI))

        assert [ordering_of(number).points for number in "123"] == [20000, 120, 100]
        assert history(bob) == [
            (datetime(2022, 1, 10, tzinfo=SHANGHAI), "gold", "reached"),
            (datetime(2023, 1, 11, tzinfo=SHANGHAI), "silver", "not_kept"),
            (datetime(2024, 1, 12, tzinfo=SHANGHAI), "base", "not_kept"),
        ]

    def test_shuffled_orders_end_at_the_same_tier(self, db: None) -> None:
        falling(grace_days=20, retain_threshold=3000)
        program(status_expiry_months=2)
        orders = [
            ("3000.00", 0),
            ("2500.00", 40),
            ("3000.00", 75),
            ("9000.00", 200),
            ("50.00", 330),
        ]
        ends = set()
        for number, arrival in enumerate(itertools.permutations(orders)):
            if number % 7:
                continue
            person = enrolment.enrol(
                newcomer=enrolment.Newcomer(phone=f"+86138{number:08d}"), at=NOON
            )
            for place_in_time, (amount, after) in enumerate(arrival):
                place(person, f"{number}-{place_in_time}", amount, day(after - 400))
            walked = tiers.load_walks(
                expected={person.pk: 1}, lifetimes={person.pk: 9**9}, since=day(-400), at=NOON
            )[person.pk]
            ends.add(
                (
                    shown(person, NOON),
                    *(walked.told_at(day(after - 400)).code for _amount, after in orders),
                )
            )

        assert ends == {("base", "base", "silver", "silver", "silver", "base")}

    def test_a_batch_gives_what_the_orders_give_one_by_one(self, db: None) -> None:
        falling("one_down", grace_days=10)
        program(status_expiry_months=1)
        chance = random.Random(7)
        said = [
            (chance.choice(["100.00", "2500.00", "5000.00", "20000.00"]), chance.randrange(500))
            for _order in range(40)
        ]
        ends = []
        for name, size in (("1", 1), ("2", 40), ("3", 7)):
            person = enrolment.enrol(
                newcomer=enrolment.Newcomer(phone=f"+8613900000{name}00"), at=NOON
            )
            facts: list[OrderFacts] = [
                order(f"{name}-{place}", amount, member=person, placed_at=day(after - 500))
                for place, (amount, after) in enumerate(said)
            ]
            for start in range(0, len(facts), size):
                ordering.place_all(orders=facts[start : start + size], at=NOON)
            changes = person.tier_changes.order_by("id").values_list(
                "before__code", "tier__code", "at", "reason", "details"
            )
            ends.append((list(changes), fresh(person).tier.code, fresh(person).tier_review_at))

        assert ends[0] == ends[1] == ends[2]
        assert len(ends[0][0]) > 10


class TestShow:
    @pytest.mark.parametrize(
        ("at", "code"), [(LAPSE - TICK, "silver"), (LAPSE, "base"), (LAPSE + TICK, "base")]
    )
    def test_knows_a_fall_before_anybody_wrote_it(
        self, bob: Member, at: datetime, code: str
    ) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)

        assert shown(bob, at) == code
        assert fresh(bob).tier.code == "silver"
        assert history(bob) == [(NOON, "silver", "reached")]

    def test_asks_nothing_where_nothing_is_due(self, bob: Member) -> None:
        member = fresh(bob)

        with CaptureQueriesContext(connection) as asked:
            tiers.show(members=[member], at=day(9999))

        assert len(asked) == 0

    def test_decides_what_a_member_may_redeem(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)

        assert spending.lock_member(member=bob, at=LAPSE - TICK).tier.code == "silver"
        assert spending.lock_member(member=bob, at=LAPSE).tier.code == "base"

    def test_takes_as_many_queries_for_many(self, bob: Member, mallory: Member) -> None:
        falling()
        for member in (bob, mallory):
            place(member, member.name, "5000.00", NOON)
        members = [fresh(bob), fresh(mallory)]

        with CaptureQueriesContext(connection) as asked:
            tiers.show(members=members, at=LAPSE)

        assert len(asked) == 4
        assert [each.tier.code for each in members] == ["base", "base"]


class TestJudge:
    def test_lifts_by_points_that_came_otherwise(self, bob: Member) -> None:
        post(credit(wallet_of(bob, "status"), 5000, "opening", active_from=day(-3)))

        tiers.judge(members=[bob.pk], since=day(-3), at=NOON)

        assert history(bob) == [(day(-3), "silver", "reached")]
        assert fresh(bob).tier.code == "silver"


class TestHolding:
    def test_finds_members_by_the_tier_they_hold_now(self, bob: Member, mallory: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)
        place(mallory, "2", "5000.00", day(9))
        codes = {tier.code: tier for tier in member_queries.tiers()}
        everybody = Member.objects.all()

        def found(code: str, at: datetime) -> set[str]:
            members = tiering.holding(members=everybody, tier=codes[code], at=at)
            return {member.name for member in members}

        assert found("silver", LAPSE - TICK) == {"Bob", "Mallory"}
        assert found("silver", LAPSE) == {"Mallory"}
        assert found("base", LAPSE) == {"Bob"}
