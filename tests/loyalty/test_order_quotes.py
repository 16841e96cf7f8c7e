"""What an order would earn, before it is placed."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from loyalty import ordering
from loyalty.models import Order
from members.errors import InvalidInput, NotFound
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    books,
    day,
    order,
)
from tests.loyalty.order_builders import place


class TestQuote:
    def test_is_the_order_that_follows_and_writes_nothing(self, bob: Member) -> None:
        place(order("1", "5000.00", member=bob, placed_at=day(-1)))
        before = books()
        facts = order(
            "2", "33.33", "-1.00", "12.00", member=bob, points_paid_amount=Decimal("5.00")
        )

        quoted = ordering.quote(order=replace(facts, number=""), at=NOON).order

        assert not quoted.pk
        assert books() == before
        assert Order.objects.count() == 1
        made = place(facts)
        for name in (
            "points",
            "status_points",
            "amount",
            "explanation",
            "active_from",
            "expires_at",
        ):
            assert getattr(quoted, name) == getattr(made, name), name
        assert made.points == 48  # (45.33 − 5.00) × 1.2 = 48.396

    def test_shows_the_rules_with_what_was_seen(self, bob: Member) -> None:
        place(order("1", "5000.00", member=bob, placed_at=day(-1)))

        rules = ordering.quote(order=order("2", "10.00", member=bob), at=NOON).rules

        assert [(rule["rule"], rule["matched"]) for rule in rules] == [
            ("base", True),
            ("tier", True),
        ]
        assert rules[1]["conditions"][0]["seen"] == "1.2"
        json.dumps(rules)

    def test_refuses_what_the_order_would_be_refused_for(self, bob: Member) -> None:
        with pytest.raises(InvalidInput):
            ordering.quote(order=order("", "10.00", member=bob, store="nowhere"), at=NOON)
        with pytest.raises(NotFound):
            ordering.quote(order=order("", "10.00", member=None, member_external_id="x"), at=NOON)

    def test_of_a_passer_by_earns_nothing(self, db: None) -> None:
        quoted = ordering.quote(order=order("", "10.00", member=None), at=NOON)

        assert (quoted.order.points, quoted.order.amount) == (0, Decimal("10.00"))
