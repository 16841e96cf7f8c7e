"""What comes back when an order is cancelled, or goes on after a part was refunded."""

from decimal import Decimal

import pytest

from loyalty import order_steps
from loyalty.errors import AlreadyReversed, OrderClosed
from loyalty.models import Entry
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    day,
    debit,
    entries,
    figures,
    order,
    post,
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


class TestCancelled:
    def test_takes_back_everything(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob, placed_at=day(-2)))

        made = advance("cancelled", day(-1))

        assert (made.status, made.points, made.points_reversed) == ("cancelled", 64, 64)
        assert (made.refunded_amount, made.status_points_reversed) == (Decimal("64.00"), 64)
        assert figures(wallet_of(bob)) == figures(wallet_of(bob, "status")) == {}
        entry = Entry.objects.get(wallet=wallet_of(bob), kind="reverse")
        assert (entry.reference, entry.at, entry.points) == ("default/1", day(-1), -64)
        assert entry.details == {
            "order": "1",
            "source": "default",
            "cancelled": True,
            "amount": "64.00",
        }
        part = {"rule": "cancelled", "kind": "refund", "points": -64, "target": 64, "before": 0}
        assert entry.explanation == [part]
        assert steps() == [("paid", day(-2)), ("cancelled", day(-1))]
        assert_clean()

    def test_after_refunds_takes_exactly_the_rest(self, bob: Member) -> None:
        place(order("1", "10.50", "20.70", "5.00", member=bob))  # 36
        refund("r1", B="20.70")  # 20

        assert order_steps.cancellation(order=stored()) == order_steps.Cancellation(16, 16, 0)
        advance("cancelled")

        assert entries(wallet_of(bob))[-2:] == [("reverse", -20, 16), ("reverse", -16, 0)]
        assert order_steps.cancellation(order=stored()) == order_steps.Cancellation(0, 0, 0)
        assert_clean()

    def test_after_the_points_were_spent_makes_debt(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        post(debit(wallet_of(bob), 60, "out"))

        advance("cancelled")

        assert figures(wallet_of(bob)) == {"debt": 60, "spent": 60}

    def test_before_the_award_leaves_nothing_to_be_given(self, bob: Member) -> None:
        created(bob)

        made = advance("cancelled")

        assert made.status == "cancelled"
        assert_waits(made)

    def test_again_changes_nothing(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        advance("cancelled")
        before = everything()

        assert advance("cancelled", day(1)).status == "cancelled"
        assert everything() == before

    @pytest.mark.parametrize("status", ["shipped", "completed"])
    def test_is_the_end_of_the_road(self, bob: Member, status: str) -> None:
        place(order("1", "64.00", member=bob))
        advance("cancelled")
        before = everything()

        with pytest.raises(OrderClosed) as refusal:
            advance(status, day(1))

        assert refusal.value.data == {"state": "cancelled"}
        assert everything() == before

    def test_lets_an_earlier_status_be_told_afterwards(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob, status="shipped"))
        advance("cancelled")
        before = books()

        assert advance("paid", day(-1)).status == "cancelled"
        assert books() == before
        assert steps()[-1] == ("paid", day(-1))

    def test_leaves_nothing_to_refund(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        advance("cancelled")

        with pytest.raises(AlreadyReversed) as refusal:
            refund("r1", "0.01")

        assert refusal.value.data == {"refundable": "0.00"}

    def test_after_a_full_refund_finds_nothing_to_do(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        refund("r1", "64.00")
        before = books()

        assert advance("cancelled").status == "refunded"
        assert books() == before
        assert steps() == [("paid", NOON), ("cancelled", NOON)]

    def test_as_first_report_earns_nothing(self, bob: Member) -> None:
        made = place(order("1", "64.00", member=bob, status="cancelled"))

        assert made.status == "cancelled"
        assert_waits(made)
        with pytest.raises(AlreadyReversed):
            refund("r1", "0.01")
        with pytest.raises(OrderClosed):
            advance("paid")
        assert advance("cancelled").status == "cancelled"

    def test_of_an_order_of_nothing(self, bob: Member) -> None:
        place(order("1", "0.00", member=bob))

        assert advance("cancelled").status == "cancelled"

    def test_of_a_passer_bys_order(self, db: None) -> None:
        place(order("1", "64.00", member=None))

        assert advance("cancelled").refunded_amount == Decimal("64.00")

    def test_does_not_mistake_another_orders_refund_for_it(self, bob: Member) -> None:
        place(order("1", "10.00", member=bob))
        place(order("1/r1", "20.00", member=bob))
        refund("r1", "10.00")

        advance("cancelled", number="1/r1")

        assert figures(wallet_of(bob)) == {}

    def test_goes_on_for_frozen_and_closed_members(self, bob: Member, mallory: Member) -> None:
        place(order("1", "64.00", member=bob))
        place(order("2", "64.00", member=mallory))
        Member.objects.filter(pk=bob.pk).update(status="frozen")
        Member.objects.filter(pk=mallory.pk).update(status="closed")

        advance("cancelled")
        advance("cancelled", number="2")

        assert figures(wallet_of(bob)) == figures(wallet_of(mallory)) == {}


class TestAfterAPartWasRefunded:
    def test_the_order_goes_on_and_shows_the_refund(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        refund("r1", "32.00")

        assert advance("shipped").status == "partially_refunded"
        assert advance("completed").status == "partially_refunded"
        assert steps() == [("paid", NOON), ("shipped", NOON), ("completed", NOON)]
        assert figures(wallet_of(bob)) == {"active": 32, "earned": 32}
