"""What an order earns when it comes as far as the program's `award_on`, refunds before it counted."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import order_steps
from loyalty.errors import OrderClosed
from loyalty.models import Entry, Lot, Refund
from members.models import Member, Store, Tier, TierChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    day,
    entries,
    examples,
    figures,
    lot_of,
    order,
    program,
    sandbox,
    wallet_of,
)
from tests.loyalty.order_builders import (
    advance,
    assert_waits,
    created,
    everything,
    place,
    refund,
    steps,
    stored,
)


class TestLateAward:
    def test_is_judged_as_of_the_moment_the_order_was_placed(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "100.00", "20.40", member=bob, placed_at=day(-3)))
        place(order("0", "5000.00", member=bob, placed_at=day(-2), status="completed"))
        place(order("2", "100.00", member=bob, placed_at=day(-1)))

        # Silver (× 1.2) has been held since the second order.
        assert advance("completed", day(-1)).points == 120
        assert advance("completed", number="2").points == 120
        assert stored().explanation == [
            {"rule": "base", "kind": "base", "points": 120, "amount": "120.4", "rate": "1"}
        ]
        shares = stored().lines.order_by("position").values_list("share", flat=True)
        assert list(shares) == ["100", "20.4"]

    def test_lifts_the_tier_when_it_is_given(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "5000.00", member=bob, placed_at=day(-9)))

        advance("completed", day(-2))

        change = TierChange.objects.exclude(reason="enrolled").get()
        assert (change.tier.code, change.at, change.details["status_points"]) == (
            "silver",
            day(-2),
            5000,
        )
        assert Member.objects.get(pk=bob.pk).tier.code == "silver"

    def test_does_not_lift_the_tier_by_what_was_refunded_before(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "5000.00", member=bob, placed_at=day(-9)))
        refund("r1", "1.00", at=day(-3))

        advance("completed", day(-2))

        assert figures(wallet_of(bob, "status")) == {"active": 4999, "earned": 4999}
        assert not TierChange.objects.exclude(reason="enrolled").exists()

    def test_begins_and_lapses_from_the_moment_of_the_status(self, bob: Member) -> None:
        program(award_on="shipped", pending_days=7, expiry_months=1)
        created(bob, placed_at=day(-90))

        made = advance("shipped", day(-1))

        lot = lot_of(wallet_of(bob), "default/1")
        assert (made.awarded_at, made.active_from) == (day(-1), day(6))
        # 27 November + 1 month, at the end of the day in Shanghai
        assert made.expires_at is not None
        assert made.expires_at.isoformat() == "2026-12-27T16:00:00+00:00"
        assert (lot.active_from, lot.expires_at) == (made.active_from, made.expires_at)
        assert figures(wallet_of(bob)) == {"pending": 64, "earned": 64}
        status = lot_of(wallet_of(bob, "status"), "default/1")
        assert status.active_from == day(-1)

    @pytest.mark.parametrize(
        ("at", "expires_at"),
        [
            ("2026-11-20T15:59:59.999999+00:00", "2026-12-20T16:00:00+00:00"),
            ("2026-11-20T16:00:00+00:00", "2026-12-21T16:00:00+00:00"),
        ],
    )
    def test_counts_days_by_the_programs_midnight(
        self, bob: Member, at: str, expires_at: str
    ) -> None:
        program(award_on="completed", expiry_months=1)
        created(bob, placed_at=day(-9))

        made = advance("completed", datetime.fromisoformat(at))

        assert made.expires_at == datetime.fromisoformat(expires_at)

    def test_a_little_ahead_of_the_clock_is_given_now(self, bob: Member) -> None:
        created(bob)
        ahead = NOON + timedelta(minutes=4)

        made = order_steps.advance(source="default", number="1", status="paid", at=ahead, now=NOON)

        assert made.awarded_at == NOON
        assert figures(wallet_of(bob)) == {"active": 64, "earned": 64}
        assert steps() == [("created", NOON), ("paid", ahead)]

    def test_without_a_moment_happens_now(self, bob: Member) -> None:
        created(bob, placed_at=day(-2))

        assert advance("paid", None).awarded_at == NOON

    def test_says_what_for_and_where(self, bob: Member) -> None:
        store = Store.objects.create(code="jingan", name="静安寺店")
        created(bob, store="jingan", placed_at=day(-2))

        advance("paid", day(-1))

        for entry in Entry.objects.all():
            assert (entry.reference, entry.at, entry.store_id) == (
                "default/1",
                day(-1),
                store.pk,
            )
            assert entry.details == {
                "order": "1",
                "source": "default",
                "amount": "64.00",
                "store": "静安寺店",
            }

    def test_of_a_part_paid_with_points_leaves_that_part_out(self, bob: Member) -> None:
        created(bob, "10.00", "20.00", points_paid_amount=Decimal("10.00"))

        assert advance("paid").points == 20
        shares = stored().lines.order_by("position").values_list("share", flat=True)
        assert list(shares) == ["20/3", "40/3"]

    def test_of_nothing_makes_no_lot_and_no_entry(self, bob: Member) -> None:
        created(bob, "0.99")

        made = advance("paid")

        assert (made.points, made.awarded_at, made.active_from) == (0, NOON, None)
        assert Entry.objects.count() == Lot.objects.count() == 0

    def test_goes_on_for_a_frozen_member(self, bob: Member) -> None:
        created(bob)
        Member.objects.filter(pk=bob.pk).update(status="frozen")

        assert advance("paid").points == 64

    def test_gives_nothing_to_a_closed_member(self, bob: Member) -> None:
        created(bob)
        Member.objects.filter(pk=bob.pk).update(status="closed")

        made = advance("paid")

        assert made.status == "paid"
        assert_waits(made)

    def test_gives_nothing_for_a_passer_bys_order(self, db: None) -> None:
        created(None)

        made = advance("completed")

        assert made.status == "completed"
        assert_waits(made)


class TestRefundBeforeTheAward:
    def test_is_taken_off_when_the_points_are_given(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "10.50", "20.70", "5.00", member=bob, placed_at=day(-9)))  # 36.20 → 36

        first = refund("r1", B="20.70", at=day(-8))
        assert (first.refund.points_reversed, first.order.status) == (0, "partially_refunded")
        refund("r2", A="0.50", C="5.00", at=day(-7))
        made = advance("completed", day(-2))

        assert (made.points, made.points_reversed, made.status) == (36, 26, "partially_refunded")
        assert made.status_points_reversed == 26
        # As if the award had come first: 20.70 → 20, 26.20 → 26.
        taken = Refund.objects.order_by("id").values_list("points_reversed", flat=True)
        assert list(taken) == [20, 6]
        assert entries(wallet_of(bob)) == [
            ("earn", 36, 36),
            ("reverse", -20, 16),
            ("reverse", -6, 10),
        ]
        taken_at = Entry.objects.filter(kind="reverse").values_list("at", flat=True)
        assert set(taken_at) == {day(-2)}
        assert refund("r3", "10.00").refund.points_reversed == 10
        assert figures(wallet_of(bob)) == figures(wallet_of(bob, "status")) == {}
        assert_clean()

    def test_of_the_whole_order_leaves_nothing_to_be_given(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "64.00", member=bob))
        refund("r1", "64.00")
        before = everything()

        with pytest.raises(OrderClosed) as refusal:
            advance("completed")

        assert refusal.value.data == {"state": "refunded"}
        assert everything() == before

    def test_that_comes_again_says_what_it_took_in_the_end(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "64.00", member=bob))
        refund("r1", "32.00")
        advance("completed")

        again = refund("r1", "32.00")

        assert (again.is_new, again.refund.points_reversed) == (False, 32)
        assert figures(wallet_of(bob)) == {"active": 32, "earned": 32}

    @given(
        amounts=st.lists(st.integers(1, 9_999), min_size=1, max_size=4),
        paid=st.integers(0, 100),
        multiplier=st.sampled_from(["1", "1.2", "0.3333"]),
        parts=st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=5),
        award_after=st.integers(0, 5),
        ends=st.sampled_from(["", "refund", "cancel"]),
    )
    @examples(15)
    def test_gives_the_same_whenever_the_award_comes(
        self,
        bob: Member,
        amounts: list[int],
        paid: int,
        multiplier: str,
        parts: list[tuple[bool, int]],
        award_after: int,
        ends: str,
    ) -> None:
        outcomes = []
        for turn in (0, award_after):
            with sandbox():
                program(status_rate=Decimal("1.7"))
                Tier.objects.filter(code="base").update(multiplier=Decimal(multiplier))
                lines = [f"{Decimal(cents) / 100:.2f}" for cents in amounts]
                with_points = Decimal(sum(amounts) * paid // 100) / 100
                created(bob, *lines, points_paid_amount=with_points)
                outcomes.append(self.run(bob, parts, turn, ends))
        assert outcomes[0] == outcomes[1]

    def run(self, member: Member, parts: list[tuple[bool, int]], turn: int, ends: str) -> Any:
        """Refund some parts, with the award after so many of them; then perhaps the rest."""
        left = [line.amount for line in stored().lines.order_by("position")]
        for number, part in enumerate(parts):
            if number == turn:
                advance("paid")
            self.refund_some(f"r{number}", left, *part)
        if turn >= len(parts):
            advance("paid")
        if ends == "refund":
            refund("rest", f"{stored().amount - stored().refunded_amount}")
        elif ends == "cancel":
            advance("cancelled")
        assert_clean()
        made = stored()
        if ends:
            assert figures(wallet_of(member)) == figures(wallet_of(member, "status")) == {}
        return (
            figures(wallet_of(member)),
            figures(wallet_of(member, "status")),
            (made.points, made.points_reversed, made.status_points_reversed, made.status),
            list(Refund.objects.order_by("id").values_list("reference", "points_reversed")),
        )

    def refund_some(
        self, reference: str, left: list[Decimal], by_line: bool, percent: int
    ) -> None:
        """Give back a percentage of the first line or of all that is left, in whole cents."""
        whole = stored().amount - stored().refunded_amount
        part = left[0] if by_line else whole
        given = (part * percent / 100).quantize(Decimal("0.01"))
        if not 0 < given < whole:
            return
        if by_line:
            left[0] -= given
            refund(reference, A=f"{given}")
            return
        left[0] = Decimal(0)  # how much of the line is left is a fraction now
        refund(reference, f"{given}")
