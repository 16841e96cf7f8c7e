"""What an order says, as reported by a till, a shop or a file."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from loyalty.models import Order


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
    """An order as reported. `member` is a member number, `member_external_id` the name other systems use."""

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
    points_paid_amount: Decimal = Decimal(0)
    payments: tuple[tuple[str, Decimal], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What is unique for ever."""
        return self.source, self.number

    @property
    def amount(self) -> Decimal:
        """The sum of the lines that are not negative."""
        return sum((line.amount for line in self.lines if line.amount > 0), Decimal(0))
