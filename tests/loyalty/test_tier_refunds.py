"""Tiers that fall with a refund, and those that stay."""

from datetime import datetime

import pytest

from members.models import Member, Tier
from tests.conftest import NOON
from tests.loyalty.builders import day
from tests.loyalty.tier_builders import (
    SHANGHAI,
    falling,
    fresh,
    history,
    ordering_of,
    place,
    refund,
    shown,
)


class TestRefunds:
    @pytest.mark.parametrize("policy", ["none", "one_down", "to_eligible"])
    def test_take_a_tier_that_their_points_reached_at_once(
        self, bob: Member, policy: str, told: list[tuple[str, str, str, datetime]]
    ) -> None:
        falling(policy, grace_days=90)
        place(bob, "1", "5000.00", day(-9))
        place(bob, "2", "15000.00", day(-5))
        place(bob, "3", "100.00", day(-4))
        told.clear()

        refund("2", day(-1))

        assert history(bob)[2:] == [(day(-1), "silver", "refunded")]
        assert fresh(bob).tier.code == "silver"
        assert told == [("tier_downgraded", "Bob", "silver", day(-1))]
        assert ordering_of("3").points == 150  # what was awarded keeps its multiplier

    def test_of_a_part_take_it_too(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-9))

        refund("1", day(-1), "1.00")

        assert fresh(bob).tier.code == "base"
        assert bob.tier_changes.get(reason="refunded").details == {
            "status_points": 4999,
            "threshold": 5000,
        }

    @pytest.mark.parametrize("policy", ["none", "one_down", "to_eligible"])
    def test_leave_a_tier_that_would_have_been_reached_anyhow(
        self, bob: Member, policy: str
    ) -> None:
        falling(policy)
        place(bob, "1", "5000.00", day(-9))
        place(bob, "2", "5000.00", day(-5))

        refund("1", day(-1))

        assert fresh(bob).tier.code == "silver"
        assert len(history(bob)) == 1

    def test_leave_a_tier_of_long_ago_that_only_the_policy_keeps(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-900))
        place(bob, "2", "100.00", day(-5))

        refund("2", day(-1))

        assert fresh(bob).tier.code == "silver"

    def test_leave_a_tier_in_its_days_of_grace(self, bob: Member) -> None:
        falling(grace_days=60)
        place(bob, "1", "5000.00", day(-380))
        place(bob, "2", "100.00", day(-5))

        refund("2", day(-1))

        assert shown(bob, NOON) == "silver"

    def test_leave_a_tier_reached_by_a_threshold_that_was_raised(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-9))
        place(bob, "2", "100.00", day(-5))
        Tier.objects.filter(code="silver").update(threshold=8000)

        refund("2", day(-1))

        assert fresh(bob).tier.code == "silver"

    def test_of_points_that_averted_a_fall_let_it_fall(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", day(-380))
        place(bob, "2", "5000.00", day(-20))
        assert shown(bob, NOON) == "silver"

        refund("2", day(-1))

        assert history(bob)[-1] == (day(-1), "base", "refunded")
        assert fresh(bob).tier.code == "base"

    def test_write_first_what_time_had_done(self, bob: Member) -> None:
        falling("one_down")
        place(bob, "1", "20000.00", day(-380))
        place(bob, "2", "100.00", day(-379))

        refund("2", day(-1))

        assert history(bob)[1:] == [(datetime(2026, 11, 7, tzinfo=SHANGHAI), "silver", "not_kept")]

    def test_never_lift(self, bob: Member) -> None:
        place(bob, "1", "3000.00", day(-9))
        place(bob, "2", "100.00", day(-5))
        Tier.objects.filter(code="silver").update(threshold=1000)

        refund("2", day(-1))

        assert fresh(bob).tier.code == "base"

    def test_do_not_come_back_with_a_late_order(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-9))
        refund("1", day(-5))

        place(bob, "2", "100.00", day(-8))
        place(bob, "3", "100.00", day(-4))

        assert fresh(bob).tier.code == "base"
        # It was held then, and orders are judged by what was held.
        assert ordering_of("2").points == 120
        assert ordering_of("3").points == 100

    def test_leave_a_tier_given_by_hand(self, bob: Member) -> None:
        from loyalty import tier_grants

        silver = Tier.objects.get(code="silver")
        place(bob, "1", "20000.00", day(-9))
        tier_grants.give(member=bob, tier=silver, until=None, reason="", by="owner", at=day(-2))

        refund("1", day(-1))

        assert fresh(bob).tier.code == "silver"
