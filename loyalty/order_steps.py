"""An order on its way: paid, shipped, completed or cancelled, and what it earns or loses by that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import late_awards, order_reversals
from loyalty.errors import OrderClosed
from loyalty.ledger import Held
from loyalty.models import Order, OrderStep
from loyalty.order_shares import Target
from loyalty.reversal_causes import Cause
from members.errors import InvalidInput
from members.transactions import in_transaction

#: What can be reported of an order that is stored.
STEPS = Order.REPORTED[1:]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What cancelling an order would bring back: points and status points to take, points to give back."""

    points: int
    status_points: int
    returned: int


def advance(*, source: str, number: str, status: str, at: datetime | None, now: datetime) -> Order:
    """Note that an order reached a status at a moment (without one: now); returns the order.

    The first step that reaches the program's `award_on` gives the points; `cancelled` takes back all that is left.
    The same or an earlier status again changes nothing. Raises NotFound, InvalidInput (status) or OrderClosed (a step
    forward after the order was cancelled or refunded).
    """
    if status not in STEPS:
        raise InvalidInput(
            "/status",
            "invalid_choice",
            _("Choose one of: %(choices)s.") % {"choices": ", ".join(STEPS)},
        )
    return in_transaction(lambda: _advance(source, number, status, at or now, now))


def _advance(source: str, number: str, status: str, at: datetime, now: datetime) -> Order:
    order, held = order_reversals.lock(source=source, number=number, at=now)
    steps = list(order.steps.values_list("status", flat=True))
    if status in steps:
        return order
    if status == Order.Status.CANCELLED:
        _cancel(order, min(at, now), held)
    elif _rank(status) > max(map(_rank, steps), default=-1):
        _go_on(order, status, min(at, now), held)
    OrderStep(order=order, status=status, at=at).save(force_insert=True)
    return order


def _rank(status: str) -> int:
    """How far a status is along the road; the end of an order is no place on it."""
    return Order.ROAD.index(Order.Status(status)) if status in Order.ROAD else -1


def _go_on(order: Order, status: str, at: datetime, held: Held) -> None:
    if order.status in Order.CLOSED:
        raise OrderClosed(state=order.status)
    # That a part was refunded stays to be seen until the whole is.
    if order.status != Order.Status.PARTIALLY_REFUNDED:
        order.status = status
        order.save(update_fields=["status"])
    late_awards.award(order=order, reached=status, at=at, held=held)


# ---- cancelling -------------------------------------------------------------------------------------
def cancellation(*, order: Order) -> Cancellation:
    """What cancelling the order now would bring back, debt and what has expired left aside."""
    captured = sum(hold.captured_points for hold in order_reversals.captured_for(order))
    return Cancellation(
        points=order.points - order.points_reversed,
        status_points=order.status_points - order.status_points_reversed,
        returned=captured - order.points_returned,
    )


def _cancel(order: Order, at: datetime, held: Held) -> None:
    """Take back all that is left; an order that was refunded whole stays what it is."""
    if order.status == Order.Status.REFUNDED:
        return
    cause = Cause(
        rule="cancelled",
        reference=order_reversals.reference(order),
        at=at,
        amount=order.amount - order.refunded_amount,
    )
    everything = Target(order.points, order.status_points, order.amount, is_full=True)
    order_reversals.take_back(order=order, target=everything, cause=cause, held=held)
    order.status = Order.Status.CANCELLED
    order.refunded_amount = order.amount
    order.save(update_fields=["status", "refunded_amount", *order_reversals.NOTED])


# ---- for people -------------------------------------------------------------------------------------
def possible(*, order: Order, steps: Sequence[OrderStep]) -> list[str]:
    """The steps that would change something, in the order in which they come."""
    if order.status in Order.CLOSED:
        return []
    reached = max((_rank(step.status) for step in steps), default=-1)
    return [*(status for status in STEPS[:-1] if _rank(status) > reached), Order.Status.CANCELLED]
