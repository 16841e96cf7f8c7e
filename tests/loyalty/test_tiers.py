from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from loyalty import ordering, tiers
from loyalty.models import Program
from loyalty.tiers import StatusCredit, Walk
from members import queries as member_queries
from members.models import Member, Tier
from tests.conftest import NOON
from tests.loyalty.builders import credit, day, order, post, program, wallet_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


def ladder() -> list[Tier]:
    return [
        Tier(code=code, name=code, rank=rank, threshold=threshold)
        for rank, (code, threshold) in enumerate([("base", 0), ("silver", 100), ("gold", 300)])
    ]


def walk(*history: tuple[float, int]) -> Walk:
    """A walk over the ladder: (day, rank) of the steps so far."""
    steps = ladder()
    return Walk(steps, [(day(at), steps[rank]) for at, rank in history], lifetime=0)


def steps(walked: Walk) -> list[tuple[datetime, str, str, int]]:
    return [
        (step.at, step.before.code, step.tier.code, step.status_points) for step in walked.steps
    ]


class TestWalk:
    def test_holds_the_lowest_tier_without_a_history(self) -> None:
        assert walk().held_at(NOON).code == "base"
        assert walk((0, 0)).held_at(day(-1)).code == "base"

    def test_holds_a_tier_from_its_very_moment(self) -> None:
        walked = walk((-9, 0), (0, 1))

        assert walked.held_at(day(0)).code == "silver"
        assert walked.held_at(day(-0.000001)).code == "base"

    def test_steps_up_when_a_credit_reaches_the_threshold(self) -> None:
        walked = walk((-9, 0))

        walked.add(StatusCredit(day(0), None, 99))
        walked.add(StatusCredit(day(1), None, 1))
        walked.add(StatusCredit(day(2), None, 500))

        assert steps(walked) == [
            (day(1), "base", "silver", 100),
            (day(2), "silver", "gold", 600),
        ]
        assert walked.highest().code == "gold"

    def test_does_not_count_what_had_lapsed_at_that_moment(self) -> None:
        walked = walk((-9, 0))

        walked.add(StatusCredit(day(0), day(5), 60))
        walked.add(StatusCredit(day(5), day(9), 60))
        assert steps(walked) == []

        walked.add(StatusCredit(day(4), day(9), 40))

        assert steps(walked) == [(day(4), "base", "silver", 100)]

    def test_looks_at_later_credits_when_one_arrives_late(self) -> None:
        walked = walk((-9, 0))

        walked.add(StatusCredit(day(3), None, 60))
        walked.add(StatusCredit(day(1), None, 50))

        assert steps(walked) == [(day(3), "base", "silver", 110)]

    def test_never_steps_down(self) -> None:
        walked = walk((-9, 0), (-5, 2))

        walked.add(StatusCredit(day(0), None, 150))

        assert steps(walked) == []
        assert walked.next_threshold(day(0)) == float("inf")

    def test_may_reach_a_tier_before_a_higher_one_held_later(self) -> None:
        walked = walk((-9, 0), (5, 2))

        walked.add(StatusCredit(day(0), None, 150))

        assert steps(walked) == [(day(0), "base", "silver", 150)]
        assert walked.highest().code == "gold"


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

        assert [each.points for each in walks[bob.pk].credits] == [3000]
        assert walks[mallory.pk].credits == []

    def test_leaves_out_what_had_lapsed_before(self, bob: Member) -> None:
        status = wallet_of(bob, "status")
        post(
            credit(status, 3000, "lapsed", active_from=day(-9), expires_at=day(-2)),
            credit(status, 4000, "then", active_from=day(-9), expires_at=day(-1)),
            credit(status, 5000, "now"),
        )

        walks = tiers.load_walks(expected={bob.pk: 1}, lifetimes={bob.pk: 12000}, since=day(-2))

        assert sorted(each.points for each in walks[bob.pk].credits) == [4000, 5000]


class TestStanding:
    def test_of_a_new_member(self, bob: Member) -> None:
        standing = tiers.standing(member=bob, at=NOON)

        assert (standing.tier.code, standing.status_points, standing.valid_until) == (
            "base",
            0,
            None,
        )
        assert standing.next_tier is not None
        assert (standing.next_tier.code, standing.needed) == ("silver", 5000)

    def test_says_what_the_next_tier_still_needs(self, bob: Member) -> None:
        ordering.place(order=order("1", "4500.50", member=bob), at=NOON)

        standing = tiers.standing(member=Member.objects.get(pk=bob.pk), at=NOON)

        assert (standing.status_points, standing.needed) == (4500, 500)

    def test_lasts_until_enough_status_has_lapsed(self, bob: Member) -> None:
        for number, (amount, ago) in enumerate([("1000", 200), ("3000", 100), ("2000", 5)]):
            facts = order(str(number), amount, member=bob, placed_at=day(-ago))
            ordering.place(order=facts, at=NOON)
        member = Member.objects.select_related("tier").get(pk=bob.pk)

        standing = tiers.standing(member=member, at=NOON)

        # Without the oldest 1,000 exactly 5,000 are left; without the next 3,000 no longer.
        assert (standing.tier.code, standing.status_points) == ("silver", 6000)
        assert standing.valid_until == datetime(2027, 8, 14, tzinfo=SHANGHAI)

    def test_counts_what_is_left_at_that_moment(self, bob: Member) -> None:
        ordering.place(order=order("1", "5000.00", member=bob), at=NOON)
        member = Member.objects.select_related("tier").get(pk=bob.pk)

        standing = tiers.standing(member=member, at=day(400))

        assert (standing.tier.code, standing.status_points, standing.valid_until) == (
            "silver",
            0,
            None,
        )

    def test_at_the_top_needs_nothing_more(self, bob: Member) -> None:
        program(status_expiry_policy="never")
        ordering.place(order=order("1", "50000.00", member=bob), at=NOON)
        member = Member.objects.select_related("tier").get(pk=bob.pk)

        standing = tiers.standing(member=member, at=NOON)

        assert (standing.tier.code, standing.next_tier, standing.needed) == ("diamond", None, None)
        assert standing.valid_until is None

    def test_of_a_lowered_threshold_needs_nothing_less_than_nothing(self, bob: Member) -> None:
        ordering.place(order=order("1", "4000.00", member=bob), at=NOON)
        Tier.objects.filter(code="silver").update(threshold=1000)

        assert tiers.standing(member=bob, at=NOON).needed == 0


class TestMoneyTo:
    @pytest.mark.parametrize(
        ("needed", "rate", "money"),
        [(500, "1", "500.00"), (1, "3", "0.34"), (10, "0.5", "20.00"), (7, "0.7", "10.00")],
    )
    def test_is_what_still_has_to_be_spent(self, needed: int, rate: str, money: str) -> None:
        rules = Program(status_rate=Decimal(rate))

        assert tiers.money_to(needed=needed, program=rules) == Decimal(money)

    def test_is_unknown_where_spending_earns_no_status(self) -> None:
        assert tiers.money_to(needed=5, program=Program(status_rate=Decimal(0))) is None


class TestRecord:
    def test_writes_history_and_the_highest_tier(self, bob: Member) -> None:
        known = {tier.code: tier for tier in member_queries.tiers()}
        walked = Walk(list(known.values()), [(day(-9), known["base"])], lifetime=0)
        walked.add(StatusCredit(day(-2), None, 25_000))
        walked.add(StatusCredit(day(-3), None, 6_000))

        tiers.record(walks={bob.pk: walked})

        changes = bob.tier_changes.order_by("at", "id").values_list(
            "before__code", "tier__code", "at", "reason", "details"
        )
        assert list(changes)[:2] == [
            (
                "base",
                "silver",
                day(-3),
                "reached",
                {"status_points": 6000, "threshold": 5000},
            ),
            (
                "base",
                "gold",
                day(-2),
                "reached",
                {"status_points": 25000, "threshold": 20000},
            ),
        ]
        assert Member.objects.get(pk=bob.pk).tier.code == "gold"
