from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from campaigns import editing
from campaigns.models import Campaign
from loyalty import explaining, order_steps, ordering
from loyalty.models import Order
from members.models import Member
from tests.campaigns.builders import bonus, campaign, double, place
from tests.conftest import NOON
from tests.loyalty.builders import examples, program, sandbox
from tests.loyalty.builders import order as order_facts

BEFORE = NOON - timedelta(days=400)


def make(code: str, **changes: Any) -> Campaign:
    words = {"code": code, "name": code, "effect": bonus(10), "state": "active", **changes}
    return editing.create(changes=words, by="owner", at=BEFORE)


def rule(rules: list[dict[str, Any]], code: str) -> dict[str, Any]:
    return next(each for each in rules if each["rule"] == code)


class TestRulesFor:
    def test_says_what_each_condition_saw(self, bob: Member) -> None:
        make("big", conditions={"min_amount": "50.00"})
        make("first", conditions={"first_order": True})
        first, second = place("1", "49.99", member=bob), place("2", "50.00", member=bob)

        early, late = explaining.rules_for(first), explaining.rules_for(second)

        assert [each["rule"] for each in early] == ["base", "big", "first"]
        assert rule(early, "big")["conditions"] == [
            {"name": "min_amount", "expected": "50.00", "seen": "49.99", "met": False}
        ]
        assert rule(early, "first")["matched"]
        assert not rule(late, "first")["matched"]
        assert rule(late, "big")["matched"]

    def test_keeps_to_the_versions_of_the_moment(self, bob: Member) -> None:
        made = make("big", conditions={"min_amount": "50.00"})
        order = place("1", "60.00", member=bob)
        editing.change(
            campaign=made,
            changes={"conditions": {"min_amount": "100.00"}, "state": "paused"},
            by="owner",
            at=Order.objects.get().created_at + timedelta(seconds=1),
        )

        found = rule(explaining.rules_for(order), "big")

        assert (found["version"], found["matched"]) == (1, True)

    def test_has_nothing_to_say_before_the_award(self, bob: Member) -> None:
        program(award_on="completed")
        make("big")
        order = place("1", "60.00", member=bob)
        assert explaining.rules_for(order) == []

        done = order_steps.advance(
            source="default", number="1", status="completed", at=NOON, now=NOON
        )

        assert done.points == 70
        assert rule(explaining.rules_for(done), "big")["matched"]


class TestQuote:
    @given(
        basket=st.lists(
            st.tuples(st.integers(0, 20_000), st.sampled_from(["dairy", "meat", ""])),
            min_size=1,
            max_size=4,
        ),
        stacking=st.sampled_from(["multiply", "add", "best"]),
        rounding=st.sampled_from(["floor", "half_up"]),
        factors=st.lists(st.sampled_from(["0", "0.5", "1.2", "2", "3.3333"]), max_size=3),
        cap=st.none() | st.integers(0, 300),
        is_whole=st.booleans(),
    )
    @examples(40)
    def test_equals_the_order_that_follows(self, bob: Member, **drawn: Any) -> None:
        with sandbox():
            program(stacking=drawn["stacking"], rounding=drawn["rounding"])
            limits: dict[str, Any] = (
                {"per_member": drawn["cap"]} if drawn["cap"] is not None else {}
            )
            limits |= {"on_exceed": "refuse"} if drawn["is_whole"] else {}
            for place_of, factor in enumerate(drawn["factors"]):
                scope = "matching_lines" if place_of % 2 else "order"
                conditions: dict[str, Any] = {"categories": ["dairy"]} if place_of % 2 else {}
                campaign(f"m{place_of}", effect=double(factor, scope), limits=limits, **conditions)
            campaign("b", effect=bonus(17, multiplied=True), limits=limits)
            lines = tuple(
                ordering.Line(sku=f"S{n}", amount=cents_of(cents), category=category)
                for n, (cents, category) in enumerate(drawn["basket"])
            )
            facts = order_facts("1", member=bob, lines=lines)

            quoted = ordering.quote(order=facts, at=NOON)
            order = ordering.place(order=facts, at=NOON).order

            assert order is not None
            for name in ("points", "status_points", "explanation", "active_from", "expires_at"):
                assert getattr(quoted.order, name) == getattr(order, name)
            assert sum(part["points"] for part in order.explanation) == order.points
            matched = {each["rule"]: each["matched"] for each in quoted.rules}
            assert matched["b"]


def cents_of(cents: int) -> Any:
    from decimal import Decimal

    return Decimal(cents) / 100
