"""The tiers that orders earn at and lift to."""

from datetime import timedelta
from decimal import Decimal

from members.models import Member, Tier
from tests.conftest import NOON
from tests.loyalty.builders import (
    day,
    order,
    post,
    reversal,
    wallet_of,
)
from tests.loyalty.order_builders import place, place_all, tiers_of


class TestTiers:
    def test_the_order_that_lifts_a_tier_earns_at_the_old_one(self, bob: Member) -> None:
        first = place(order("1", "4999.00", member=bob, placed_at=day(-3)))
        lifting = place(order("2", "100.00", member=bob, placed_at=day(-2)))
        after = place(order("3", "100.00", member=bob, placed_at=day(-1)))

        assert (first.points, lifting.points, after.points) == (4999, 100, 120)
        assert tiers_of(bob) == [("silver", day(-2), 5099)]
        assert Member.objects.get(pk=bob.pk).tier.code == "silver"

    def test_a_tier_reached_in_the_middle_of_a_batch_holds_from_there(self, bob: Member) -> None:
        placed = place_all(
            order("1", "5000.00", member=bob, placed_at=day(-3)),
            order("2", "100.00", member=bob, placed_at=day(-3)),
            order("3", "100.00", member=bob, placed_at=day(-4)),
            order("4", "15000.00", member=bob, placed_at=day(-2)),
            order("5", "100.00", member=bob, placed_at=day(-1)),
        )

        points = [each.order.points for each in placed if each.order]
        assert points == [5000, 120, 100, 18000, 150]
        # The late order 3 counts before the others, so silver is reached with more.
        assert tiers_of(bob) == [("silver", day(-3), 5000), ("gold", day(-2), 20200)]
        assert Member.objects.get(pk=bob.pk).tier.code == "gold"

    def test_exactly_the_threshold_reaches_and_one_less_does_not(
        self, bob: Member, mallory: Member
    ) -> None:
        place_all(order("1", "5000.00", member=bob), order("2", "4999.99", member=mallory))

        assert tiers_of(bob) == [("silver", NOON, 5000)]
        assert tiers_of(mallory) == []

    def test_a_late_order_earns_at_the_tier_held_when_it_was_placed(self, bob: Member) -> None:
        place(order("1", "5000.00", member=bob, placed_at=day(-10)))

        late = place(order("2", "100.00", member=bob, placed_at=day(-10) - timedelta(seconds=1)))
        on_time = place(order("3", "100.00", member=bob, placed_at=day(-10)))

        assert (late.points, on_time.points) == (100, 120)

    def test_a_late_order_may_lift_at_the_order_after_it(self, bob: Member) -> None:
        place(order("1", "3000.00", member=bob, placed_at=day(-5)))

        place(order("2", "2500.00", member=bob, placed_at=day(-9)))

        assert tiers_of(bob) == [("silver", day(-5), 5500)]
        assert place(order("3", "100.00", member=bob, placed_at=day(-4))).points == 120
        assert place(order("4", "100.00", member=bob, placed_at=day(-6))).points == 100

    def test_jumps_two_tiers_in_one_step(self, bob: Member) -> None:
        place(order("1", "20000.00", member=bob))

        assert tiers_of(bob) == [("gold", NOON, 20000)]

    def test_only_status_of_the_last_12_months_counts(self, bob: Member) -> None:
        place(order("1", "4000.00", member=bob, placed_at=day(-400)))
        place(order("2", "4000.00", member=bob, placed_at=day(-20)))
        assert tiers_of(bob) == []

        place(order("3", "1000.00", member=bob, placed_at=day(-10)))

        assert tiers_of(bob) == [("silver", day(-10), 5000)]

    def test_an_old_purchase_counts_with_its_neighbours_of_then(self, bob: Member) -> None:
        place(order("1", "3000.00", member=bob, placed_at=day(-400)))

        place(order("2", "2000.00", member=bob, placed_at=day(-390)))

        assert tiers_of(bob) == [("silver", day(-390), 5000)]
        assert Member.objects.get(pk=bob.pk).tier.code == "silver"

    def test_what_was_taken_back_never_counted(self, bob: Member) -> None:
        status = wallet_of(bob, "status")
        place(order("1", "3000.00", member=bob, placed_at=day(-20)))
        post(reversal(status, 3000, "refund", of="default/1"))

        place(order("2", "3000.00", member=bob, placed_at=day(-10)))

        assert tiers_of(bob) == []

    def test_what_was_taken_back_after_it_had_lapsed_never_counted_either(
        self, bob: Member
    ) -> None:
        status = wallet_of(bob, "status")
        place(order("1", "3000.00", member=bob, placed_at=day(-400)))
        post(reversal(status, 3000, "refund", of="default/1"))

        place(order("2", "3000.00", member=bob, placed_at=day(-390)))

        assert tiers_of(bob) == []

    def test_walks_the_tiers_as_they_are_defined(self, bob: Member) -> None:
        Tier.objects.filter(code="silver").update(threshold=100, multiplier=Decimal("1.255"))

        place(order("1", "100.00", member=bob, placed_at=day(-1)))

        assert place(order("2", "100.00", member=bob)).points == 125
