"""What an order says, as reported by a till, a shop or a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from loyalty.models import Order, OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: `amount` is its total, what the customer pays for it; negative lines earn nothing."""

    sku: str
    amount: Decimal
    quantity: int = 1
    name: str = ""
    category: str = ""
    brand: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """An order as reported. `member` is a member number, `member_external_id` the name other systems use.

    Without `points_paid_amount` a hold pays what it is worth; an order without a hold is then paid with money alone.
    """

    number: str
    placed_at: datetime
    lines: tuple[Line, ...]
    source: str = "default"
    member: str | None = None
    member_external_id: str | None = None
    store: str | None = None
    channel: str = ""
    status: str = Order.Status.PAID
    coupon: str = ""
    hold: str | None = None
    points_paid_amount: Decimal | None = None
    payments: tuple[tuple[str, Decimal], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What is unique for ever."""
        return self.source, self.number

    @property
    def amount(self) -> Decimal:
        """The sum of the lines that are not negative."""
        return sum((line.amount for line in self.lines if line.amount > 0), Decimal(0))

    @property
    def paid_with_points(self) -> Decimal:
        """The part of the amount that points paid, as far as it was said."""
        return self.points_paid_amount or Decimal(0)


def as_stored(order: Order, lines: Sequence[OrderLine]) -> OrderFacts:
    """The facts of an order that was stored before (with member and store loaded), to be judged later."""
    return OrderFacts(
        number=order.number,
        source=order.source,
        member=order.member.number if order.member else None,
        store=order.store.code if order.store else None,
        channel=order.channel,
        placed_at=order.placed_at,
        status=order.status,
        coupon=order.coupon,
        points_paid_amount=order.points_paid_amount,
        payments=tuple((each["method"], Decimal(each["amount"])) for each in order.payments),
        lines=tuple(
            Line(
                sku=line.sku,
                amount=line.amount,
                quantity=line.quantity,
                name=line.name,
                category=line.category,
                brand=line.brand,
                tags=tuple(line.tags),
            )
            for line in lines
        ),
    )
