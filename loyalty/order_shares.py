"""How much of an order's points its refunds have to take back: exact shares, whatever the split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from loyalty.errors import AlreadyReversed
from loyalty.models import Order, OrderLine, Refund
from members.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Target:
    """What refunds should have taken back and given back by now: points and money in total."""

    points: int
    status_points: int
    money: Decimal
    is_full: bool


class Shares:
    """The lines of an order with what is left of each while refunds are replayed in order.

    Each line keeps its exact share of the points; a refund by lines moves the target by those shares, one by amount
    spreads over what is left of each line. Target = floor(Σ shares refunded); a full refund takes all.
    """

    def __init__(self, lines: Sequence[OrderLine]) -> None:
        self.skus = {line.sku for line in lines}
        self.lines = [line for line in lines if line.amount > 0]
        self.left = [Fraction(line.amount) for line in self.lines]
        self.money = Decimal(0)

    def give(self, refund: Refund) -> None:
        """Replay one refund. Raises InvalidInput (unknown SKU) or AlreadyReversed (more than is left of a line)."""
        self.money += refund.amount
        if refund.lines is None:
            share = Fraction(refund.amount) / sum(self.left)
            self.left = [left * (1 - share) for left in self.left]
            return
        for index, line in enumerate(refund.lines):
            self._give_line(index, line["sku"], Fraction(line["amount"]))

    def target(self, order: Order, status_points: Callable[[], Fraction]) -> Target:
        """What should be taken back of the order after the refunds so far.

        `status_points` tells its status points before rounding; it is asked only where they are to be shared out.
        """
        if sum(self.left) == 0:
            return Target(order.points, order.status_points, self.money, is_full=True)
        return Target(
            self._floor(lambda line: Fraction(line.share)),
            self._status(status_points) if order.status_points else 0,
            self.money,
            is_full=False,
        )

    def _floor(self, share: Callable[[OrderLine], Fraction]) -> int:
        refunded = (
            share(line) * (1 - left / Fraction(line.amount))
            for line, left in zip(self.lines, self.left, strict=True)
        )
        return int(sum(refunded) // 1)

    def _status(self, status_points: Callable[[], Fraction]) -> int:
        """Status points spread over the lines by what of them could earn, like the order's base."""
        total = sum(Fraction(line.amount) for line in self.lines)
        exact = status_points()
        return self._floor(lambda line: exact * Fraction(line.amount) / total)

    def _give_line(self, index: int, sku: str, amount: Fraction) -> None:
        positions = [place for place, line in enumerate(self.lines) if line.sku == sku]
        if sku not in self.skus:
            raise InvalidInput(
                f"/lines/{index}/sku",
                "unknown_sku",
                _("The order has no line with the SKU %(sku)s.") % {"sku": sku},
            )
        refundable = sum((self.left[place] for place in positions), Fraction(0))
        if amount > refundable:
            raise AlreadyReversed(refundable=_money(refundable))
        for place in positions:
            given = min(self.left[place], amount)
            self.left[place] -= given
            amount -= given


def exact_status(parts: Sequence[Mapping[str, Any]]) -> Fraction:
    """Status points before rounding, from their explanation: what could earn × the status rate then, and bonuses."""
    return sum(
        (
            Fraction(part["amount"]) * Fraction(part["rate"])
            if "rate" in part
            else Fraction(part["points"])
            for part in parts
        ),
        Fraction(0),
    )


def points_to_return(order: Order, captured: int, money: Decimal, *, points_first: bool) -> int:
    """How many of the points that paid for the order are back after `money` was refunded; all at the full refund.

    Points first: money given back counts as points until those are all back. Cash first: the other way round.
    """
    if money >= order.amount:
        return captured
    paid = order.points_paid_amount
    back = min(money, paid) if points_first else max(Decimal(0), money - (order.amount - paid))
    return int(captured * Fraction(back) / Fraction(paid) // 1) if paid else 0


def _money(exact: Fraction | int) -> str:
    cents = int(exact * 100)
    return f"{Decimal(cents) / 100:.2f}"
