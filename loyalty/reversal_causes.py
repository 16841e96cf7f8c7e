"""Why something of an order comes back."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something comes back: a rule (refund, cancelled), a reference unique for ever, the money, which refund."""

    rule: str
    reference: str
    at: datetime
    amount: Decimal
    refund: str = ""

    def details(self, order: Order) -> dict[str, Any]:
        """What the entries say beside the explanation."""
        what = {"refund": self.refund} if self.refund else {"cancelled": True}
        amount = f"{self.amount:.2f}"
        return {"order": order.number, "source": order.source, **what, "amount": amount}
