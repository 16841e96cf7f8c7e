"""Where what lies above the ledger adds to what orders earn: PROMOTIONS in the settings names who does.

For every batch one object is made; it says whose wallets to lock too, reads what it needs under the lock, contributes
effects from memory (through EARNING_RULES), and writes what hangs on the orders in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from loyalty.earning import Earned, Facts
from loyalty.ledger import Held
from loyalty.models import Order, Program
from loyalty.order_facts import OrderFacts
from loyalty.order_shares import Target
from loyalty.reversal_causes import Cause
from members.models import Member


class Promotions(Protocol):
    """What a batch of orders may earn beside the base and the tier."""

    #: The most status points that one order can get beside those for its money.
    most_status: int
    #: Whether it has to look again before a member's next order: what it reads hangs on the orders stored so far.
    looks_again: bool

    def lock_too(self) -> Collection[int]:
        """Members beside the orders' own who may get points by them."""

    def load(self, *, program: Program, held: Held | None) -> None:
        """Read what judging needs, under the lock; without `held` nothing is locked and nothing will be written."""

    def rules(self, facts: Facts) -> list[dict[str, Any]]:
        """Every rule with its conditions and what they saw."""

    def note(self, *, order: Order, facts: Facts, earned: Earned) -> None:
        """An order was awarded."""

    def write(self, *, held: Held) -> None:
        """Write what hangs on the noted orders, which are stored by now."""


def of_batch(
    *,
    orders: Sequence[OrderFacts],
    members: Mapping[int, Member],
    at: datetime,
    own: Order | None = None,
) -> Promotions:
    """The promotions for orders of these members (by position in `orders`); `own`: the one order, if it is stored already."""
    made: Promotions = import_string(settings.PROMOTIONS)(
        orders=orders, members=members, at=at, own=own
    )
    return made


def concerned(*, member: int) -> Collection[int]:
    """Who else has to be locked before an order of a member goes on or back: those who got points by it."""
    found: Collection[int] = import_string(settings.PROMOTIONS).concerned(member)
    return found


def explained(*, order: Order) -> list[dict[str, Any]]:
    """Every rule that was in force when a stored order was awarded, with its conditions and what they saw."""
    found: list[dict[str, Any]] = import_string(settings.PROMOTIONS).explained(order)
    return found


def orders_placed(*, orders: Sequence[Order], held: Held) -> None:
    """Tell whoever ORDERS_PLACED names which orders were stored, all of a batch at once; in the caller's transaction."""
    for name in settings.ORDERS_PLACED:
        import_string(name)(orders=orders, held=held)


def named_vouchers(*, orders: Sequence[Order], at: datetime) -> list[list[dict[str, Any]]]:
    """What became of the vouchers that each order names, as ORDER_VOUCHERS know it: code, state and why it is not used."""
    answers = [import_string(name)(orders=orders, at=at) for name in settings.ORDER_VOUCHERS]
    return [[each for answer in answers for each in answer[place]] for place in range(len(orders))]


def order_came_back(*, order: Order, target: Target, cause: Cause, held: Held) -> None:
    """Tell whoever ORDER_EFFECTS names that an order was cancelled or refunded; in the caller's transaction.

    The target says how much of it is back by now, and whether that is all; the order itself is as it was before.
    """
    for name in settings.ORDER_EFFECTS:
        import_string(name)(order=order, target=target, cause=cause, held=held)
