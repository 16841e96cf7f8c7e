"""Refunds: money given back, and the points it takes back, exactly, however the refund is split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from loyalty import order_reversals
from loyalty.errors import AlreadyReversed
from loyalty.ledger import Held
from loyalty.models import Order, Refund
from loyalty.order_shares import Shares
from members.errors import InvalidInput, ReferenceReused
from members.transactions import in_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """Money given back on the order's lines with this SKU."""

    sku: str
    amount: Decimal
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """A refund as reported: either an amount or lines; without `at` it happens now."""

    reference: str
    at: datetime | None = None
    amount: Decimal | None = None
    lines: tuple[RefundLine, ...] | None = None

    @property
    def total(self) -> Decimal:
        """The money given back."""
        if self.lines is None:
            return self.amount or Decimal(0)
        return sum((line.amount for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Refunded:
    """The refund and its order as they are now; `is_new` False when it was known before."""

    refund: Refund
    order: Order
    is_new: bool


def refund(*, source: str, number: str, facts: RefundFacts, now: datetime) -> Refunded:
    """Record a refund: take back its share of what the order gave, give back its share of the points that paid for it.

    Raises NotFound, InvalidInput (unknown SKU, nothing given back), AlreadyReversed (more than is left) or ReferenceReused.
    """
    return in_transaction(lambda: _refund(source, number, facts, now))


def _refund(source: str, number: str, facts: RefundFacts, now: datetime) -> Refunded:
    order, held = order_reversals.lock(source=source, number=number, at=now)
    before = list(order.refunds.order_by("id"))
    digest = _digest(facts)
    for known in before:
        if known.reference == facts.reference:
            if known.digest != digest:
                raise ReferenceReused(reference=facts.reference)
            return Refunded(known, order, is_new=False)
    _refuse_nothing(facts)
    refundable = order.amount - order.refunded_amount
    if facts.total > refundable:
        raise AlreadyReversed(refundable=f"{refundable:.2f}")
    made = Refund(
        order=order,
        reference=facts.reference,
        at=facts.at or now,
        amount=facts.total,
        lines=_as_json(facts),
        digest=digest,
    )
    _take_back(order, [*before, made], held)
    return Refunded(made, order, is_new=True)


def _take_back(order: Order, refunds: Sequence[Refund], held: Held) -> None:
    """Take back what the last of the refunds adds to those before it, and store it."""
    shares = Shares(list(order.lines.order_by("position")))
    for each in refunds:
        shares.give(each)
    target = shares.target(order, order_reversals.status_base(order, held))
    made = refunds[-1]
    cause = order_reversals.cause_of(order, made)
    taken = order_reversals.take_back(order=order, target=target, cause=cause, held=held)
    made.points_reversed = taken.points
    made.status_points_reversed = taken.status_points
    made.debt_added = taken.debt_added
    made.points_returned = taken.returned
    made.save(force_insert=True)
    order.refunded_amount += made.amount
    order.status = Order.Status.REFUNDED if target.is_full else Order.Status.PARTIALLY_REFUNDED
    order.save(update_fields=["refunded_amount", "status", *order_reversals.NOTED])


def _refuse_nothing(facts: RefundFacts) -> None:
    """A refund gives money back, and no line of it takes money."""
    for index, line in enumerate(facts.lines or ()):
        if line.amount < 0:
            raise InvalidInput(
                f"/lines/{index}/amount", "min_value", _("A refund cannot be negative.")
            )
    if facts.total <= 0:
        pointer = "/amount" if facts.lines is None else "/lines"
        raise InvalidInput(pointer, "min_value", _("A refund gives at least 0.01 back."))


def _as_json(facts: RefundFacts) -> list[dict[str, Any]] | None:
    if facts.lines is None:
        return None
    return [
        {"sku": line.sku, "amount": f"{line.amount:.2f}", "quantity": line.quantity}
        for line in facts.lines
    ]


def _digest(facts: RefundFacts) -> str:
    lines: Sequence[Mapping[str, Any]] | None = _as_json(facts)
    words = [str(facts.at and facts.at.timestamp()), f"{facts.total:.2f}", str(lines)]
    return sha256("\x1f".join(words).encode()).hexdigest()
