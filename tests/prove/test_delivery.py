"""What happened may be told in any order, late and more than once: the wallet ends the same."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import order_steps, ordering, refunds
from loyalty.refunds import RefundFacts
from members.errors import NotFound, Refusal
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    day,
    examples,
    figures,
    order,
    program,
    sandbox,
    wallet_of,
)

Fact = tuple[str, int, int]

# Orders by number with whole money (a point each), and parts of it refunded, at most a third at once.
ORDERS = st.lists(st.integers(3, 60), min_size=1, max_size=4)
REFUNDS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=4)


def facts_of(amounts: list[int], parts: list[tuple[int, int]], award_on: str) -> list[Fact]:
    """(what, which order, how much): everything that happened."""
    orders = [("order", number, amount) for number, amount in enumerate(amounts)]
    steps = [("completed", number, 0) for number, _ in enumerate(amounts)]
    taken = [0] * len(amounts)
    refunded: list[Fact] = []
    for which, part in parts:
        number = which % len(amounts)
        points = min(amounts[number] * part // 3, amounts[number] - 1 - taken[number])
        if points > 0:
            taken[number] += points
            refunded.append((f"refund {len(refunded)}", number, points))
    return [*orders, *refunded, *(steps if award_on == "completed" else [])]


class TestDelivery:
    @pytest.mark.parametrize("award_on", ["paid", "completed"])
    @given(amounts=ORDERS, parts=REFUNDS, data=st.data())
    @examples(6)
    def test_in_any_order_and_twice_leaves_the_same_wallet(
        self, bob: Member, award_on: str, amounts: list[int], parts: list[Any], data: Any
    ) -> None:
        facts = facts_of(amounts, parts, award_on)
        told = data.draw(st.permutations([*facts, *facts]))
        ends = []
        for delivery in (facts, told):
            with sandbox():
                program(award_on=award_on, status_rate=0, expiry_policy="never")
                self.deliver(bob, delivery)
                assert_clean()
                ends.append(figures(wallet_of(bob)))
        left = sum(amounts) - sum(points for what, _, points in facts if what.startswith("refund"))
        assert ends[0] == ends[1] == {"active": left, "earned": left}

    def deliver(self, member: Member, facts: list[Fact]) -> None:
        """Hand in one after another; what speaks of an order that is not there yet is handed in again later."""
        waiting = list(facts)
        now = NOON
        while waiting:
            late = []
            for fact in waiting:
                now += timedelta(minutes=1)
                try:
                    self.hand_in(member, fact, now)
                except NotFound:
                    late.append(fact)
            assert len(late) < len(waiting)
            waiting = late

    def hand_in(self, member: Member, fact: Fact, now: Any) -> None:
        what, number, points = fact
        name = f"o{number}"
        tell: dict[str, Callable[[], Any]] = {
            "order": lambda: ordering.place(
                order=order(name, f"{points}.00", member=member, placed_at=day(-1)), at=now
            ),
            "refund": lambda: refunds.refund(
                source="default",
                number=name,
                facts=RefundFacts(reference=what, at=NOON, amount=Decimal(points)),
                now=now,
            ),
            "completed": lambda: order_steps.advance(
                source="default", number=name, status="completed", at=NOON, now=now
            ),
        }
        try:
            tell[what.split()[0]]()
        except NotFound:
            raise
        except Refusal as refusal:
            raise AssertionError((fact, refusal)) from refusal
