from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import ordering, standings, tier_grants, tiers
from loyalty.models import Program
from loyalty.standings import Keep, Standing
from members.models import Member, Tier
from tests.conftest import NOON
from tests.loyalty.builders import day, order, program

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(year: int, month: int, number: int) -> datetime:
    return datetime(year, month, number, tzinfo=SHANGHAI)


def falling(policy: str = "to_eligible", **more: Any) -> None:
    Tier.objects.exclude(code="base").update(downgrade=policy, **more)


def place(member: Member, number: str, amount: str, at: datetime = NOON) -> None:
    facts = order(number, amount, member=member, placed_at=at)
    ordering.place(order=facts, at=max(NOON, at))


def standing(member: Member, at: datetime = NOON) -> Standing:
    return standings.standing(member=Member.objects.get(pk=member.pk), at=at)


class TestStanding:
    def test_of_a_new_member(self, bob: Member) -> None:
        said = standing(bob)

        assert (said.tier.code, said.status_points, said.valid_until) == ("base", 0, None)
        assert said.next_tier is not None
        assert (said.next_tier.code, said.needed, said.keep) == ("silver", 5000, None)

    def test_says_what_the_next_tier_still_needs(self, bob: Member) -> None:
        place(bob, "1", "4500.50")

        said = standing(bob)

        assert (said.status_points, said.needed) == (4500, 500)

    def test_lasts_until_enough_status_has_lapsed(self, bob: Member) -> None:
        falling(grace_days=10)
        for number, (amount, ago) in enumerate([("1000", 200), ("3000", 100), ("2000", 5)]):
            place(bob, str(number), amount, day(-ago))

        said = standing(bob)

        # Without the oldest 1,000 exactly 5,000 are left; without the next 3,000 no longer.
        assert (said.tier.code, said.status_points) == ("silver", 6000)
        assert said.valid_until == local(2027, 8, 25)  # ten days after 14 August
        assert said.falls_to is not None
        assert said.falls_to.code == "base"
        assert said.keep == Keep(status_points_needed=3000, by=local(2027, 8, 25), goal=5000)
        assert said.keep.got == 2000

    def test_in_the_days_of_grace_needs_what_is_missing_now(self, bob: Member) -> None:
        falling(grace_days=30, retain_threshold=4000)
        place(bob, "1", "5000.00", day(-380))
        place(bob, "2", "1500.00", day(-3))

        said = standing(bob)

        assert (said.tier.code, said.status_points) == ("silver", 1500)
        assert said.valid_until == local(2026, 12, 8)
        assert said.keep == Keep(status_points_needed=2500, by=local(2026, 12, 8), goal=4000)

    def test_is_below_after_a_fall_that_nobody_wrote(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00")

        said = standing(bob, day(400))

        assert (said.tier.code, said.status_points, said.needed) == ("base", 0, 5000)
        assert (said.valid_until, said.keep) == (None, None)

    def test_never_ends_where_the_policy_is_none(self, bob: Member) -> None:
        place(bob, "1", "5000.00")

        said = standing(bob, day(400))

        assert (said.tier.code, said.status_points, said.valid_until) == ("silver", 0, None)
        assert said.keep is None

    def test_never_ends_where_status_never_lapses(self, bob: Member) -> None:
        falling()
        program(status_expiry_policy="never")
        place(bob, "1", "5000.00")

        said = standing(bob)

        assert (said.valid_until, said.keep) == (None, None)

    def test_on_a_fixed_day_needs_the_points_of_the_next_period(self, bob: Member) -> None:
        program(status_expiry_policy="fixed_date", status_expiry_date="12-31")
        falling(grace_days=15)
        place(bob, "1", "5000.00", day(-400))  # in 2025: stands through 2026
        place(bob, "2", "1200.00", day(-3))

        said = standing(bob)

        assert said.status_points == 1200
        assert said.keep == Keep(status_points_needed=3800, by=local(2027, 1, 1), goal=5000)
        assert said.valid_until == local(2027, 1, 17)

    def test_given_by_hand_ends_when_it_was_said_to(self, bob: Member) -> None:
        gold = Tier.objects.get(code="gold")
        falling()
        place(bob, "1", "5000.00")
        tier_grants.give(member=bob, tier=gold, until=day(30), reason="", by="owner", at=NOON)

        said = standing(bob)

        assert (said.tier.code, said.valid_until, said.keep) == ("gold", day(30), None)
        assert said.is_given
        assert said.falls_to is not None
        assert said.falls_to.code == "silver"

    def test_given_for_good_never_ends(self, bob: Member) -> None:
        gold = Tier.objects.get(code="gold")
        falling()
        tier_grants.give(member=bob, tier=gold, until=None, reason="", by="owner", at=NOON)

        said = standing(bob)

        assert (said.tier.code, said.valid_until, said.keep) == ("gold", None, None)

    def test_stands_until_it_is_judged_where_the_settings_were_changed(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-500))
        falling()

        said = standing(bob)

        assert (said.tier.code, said.valid_until) == ("silver", NOON)
        assert said.keep == Keep(status_points_needed=5000, by=NOON, goal=5000)

    def test_at_the_top_needs_nothing_more(self, bob: Member) -> None:
        place(bob, "1", "50000.00")

        said = standing(bob)

        assert (said.tier.code, said.next_tier, said.needed) == ("diamond", None, None)

    def test_of_a_lowered_threshold_needs_nothing_less_than_nothing(self, bob: Member) -> None:
        place(bob, "1", "4000.00")
        Tier.objects.filter(code="silver").update(threshold=1000)

        assert standing(bob).needed == 0

    def test_takes_four_queries(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00")

        with CaptureQueriesContext(connection) as asked:
            standings.standing(member=bob, at=NOON)

        assert len(asked) == 4


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
