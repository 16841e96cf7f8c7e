"""Orders for tests: placed, taken on their way, refunded, and what must be as it was."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty import order_steps, ordering, refunds
from loyalty.models import Entry, Order, OrderStep, Refund
from loyalty.order_facts import OrderFacts
from loyalty.ordering import Placed
from loyalty.refunds import Refunded, RefundFacts, RefundLine
from members.models import Member, TierChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    books,
    order,
)

ROAD = ("created", "paid", "shipped", "completed")
LATER = ("paid", "shipped", "completed")


def place(facts: OrderFacts, at: datetime = NOON) -> Order:
    placed = ordering.place(order=facts, at=at).order
    assert placed is not None
    return placed


def created(member: Member | None, *amounts: str, number: str = "1", **more: Any) -> Order:
    """An order of which nothing is paid yet."""
    return place(order(number, *(amounts or ("64.00",)), member=member, status="created", **more))


def advance(status: str, at: datetime | None = NOON, *, number: str = "1") -> Order:
    return order_steps.advance(
        source="default", number=number, status=status, at=at, now=max(at or NOON, NOON)
    )


def refund(
    reference: str, amount: str | None = None, *, at: Any = NOON, number: str = "1", **lines: str
) -> Refunded:
    """Give back an amount, or amounts on the SKUs A, B, C …: `refund("r1", A="10.00")`."""
    facts = RefundFacts(
        reference=reference,
        at=at,
        amount=None if amount is None else Decimal(amount),
        lines=tuple(RefundLine(sku=sku, amount=Decimal(value)) for sku, value in lines.items())
        or None,
    )
    return refunds.refund(source="default", number=number, facts=facts, now=max(at or NOON, NOON))


def steps() -> list[tuple[str, datetime]]:
    return list(OrderStep.objects.order_by("id").values_list("status", "at"))


def stored() -> Order:
    return Order.objects.get(number="1")


def everything() -> dict[str, Any]:
    """The books, the orders, their steps and refunds."""
    return {
        **books(),
        "orders": list(Order.objects.order_by("id").values()),
        "steps": steps(),
        "refunds": list(Refund.objects.order_by("id").values()),
    }


def assert_waits(made: Order) -> None:
    """Nothing has been given for the order."""
    made = Order.objects.get(pk=made.pk)
    assert (made.points, made.status_points, made.explanation) == (0, 0, [])
    assert (made.awarded_at, made.active_from, made.expires_at) == (None, None, None)
    assert not Entry.objects.filter(reference=made.reference).exists()


def place_all(*orders: OrderFacts, at: Any = NOON) -> list[Placed]:
    return ordering.place_all(orders=orders, at=at)


def problems(placed: list[Placed]) -> list[str]:
    return [type(each.problem).__name__ if each.problem else "" for each in placed]


def tiers_of(member: Member) -> list[tuple[str, Any, Any]]:
    """The steps after enrolment: (code, since, status points seen)."""
    changes = TierChange.objects.filter(member=member).exclude(reason="enrolled")
    return [
        (change.tier.code, change.at, change.details["status_points"])
        for change in changes.select_related("tier").order_by("at", "id")
    ]
