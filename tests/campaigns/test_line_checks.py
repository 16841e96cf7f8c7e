"""Which lines of an order match."""

from decimal import Decimal
from typing import Any

import pytest

from campaigns import line_checks
from loyalty.order_facts import Line

LINES = (
    Line(sku="latte", category="coffee", tags=("new",), amount=Decimal(30)),
    Line(sku="mug", category="gifts", tags=("new", "sale"), amount=Decimal(20)),
    Line(sku="cake", amount=Decimal(10)),
    Line(sku="coupon", amount=Decimal(-5)),
)


class TestExcludedTags:
    @pytest.mark.parametrize(
        ("conditions", "mask"),
        [
            ({"exclude_tags": ["sale"]}, 0b0101),
            ({"exclude_tags": ["sale", "new"]}, 0b0100),
            ({"tags": ["new"], "exclude_tags": ["sale"]}, 0b0001),
            ({"exclude_tags": ["other"]}, 0b0111),
        ],
        ids=repr,
    )
    def test_leave_lines_out(self, conditions: dict[str, Any], mask: int):
        check = line_checks.of(conditions)

        assert check is not None
        assert check.mask(LINES) == mask

    def test_say_what_they_saw(self):
        check = line_checks.of({"exclude_tags": ["sale"]})

        assert check is not None
        said = {"name": "exclude_tags", "expected": ["sale"], "seen": ["new", "sale"]}
        assert check.explain(LINES) == [{**said, "met": True}]
        assert check.explain(LINES[1:2])[0]["met"] is False
