"""Campaigns for tests, made without the editing verbs: what is stored is what those store."""

from decimal import Decimal
from typing import Any

from campaigns.models import Budget, Campaign
from loyalty import ordering
from loyalty.models import Order
from loyalty.order_facts import Line, OrderFacts
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import order as order_facts


def campaign(
    code: str = "double-day",
    *,
    effect: dict[str, Any] | None = None,
    trigger: str = "order.paid",
    state: str = "active",
    limits: dict[str, Any] | None = None,
    combine: dict[str, Any] | None = None,
    **conditions: Any,
) -> Campaign:
    """An active campaign without a window; without an effect it doubles."""
    made = Campaign.objects.create(
        code=code,
        name=code.replace("-", " "),
        state=state,
        trigger=trigger,
        effect=effect or double(),
        limits=limits or {},
        combine=combine or {},
        conditions=conditions,
    )
    budget = (limits or {}).get("budget_points")
    if budget is not None:
        Budget.objects.create(campaign=made, points=budget)
    return made


def double(factor: str = "2", scope: str = "order") -> dict[str, Any]:
    return {"type": "multiplier", "value": factor, "scope": scope}


def bonus(points: int = 100, **more: Any) -> dict[str, Any]:
    return {"type": "bonus", "points": points, **more}


def line(sku: str, amount: str, **more: Any) -> Line:
    return Line(sku=sku, amount=Decimal(amount), **more)


def place(number: str, *amounts: str, member: Member, **more: Any) -> Order:
    """Place an order of a member at noon of the tests' day."""
    placed = ordering.place(order=order_facts(number, *amounts, member=member, **more), at=NOON)
    assert placed.order is not None
    return placed.order


def place_facts(facts: OrderFacts) -> Order:
    placed = ordering.place(order=facts, at=NOON)
    assert placed.order is not None
    return placed.order


def parts(order: Order) -> list[tuple[str, str, int]]:
    """What the explanation says: rule, kind, points."""
    return [(part["rule"], part["kind"], part["points"]) for part in order.explanation]
