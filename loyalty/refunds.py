"""Refunds: money given back, and the points it takes back, exactly, however the refund is split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from loyalty import ledger, programs, queries
from loyalty.errors import AlreadyReversed
from loyalty.ledger import Posted, Reversal
from loyalty.models import Entry, Order, OrderLine, Program, Refund
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
    """Record a refund and take back its share of the order's points and status points.

    Raises NotFound, InvalidInput (unknown SKU, nothing given back), AlreadyReversed (more than is left) or ReferenceReused.
    """
    return in_transaction(lambda: _refund(source, number, facts, now))


def _refund(source: str, number: str, facts: RefundFacts, now: datetime) -> Refunded:
    order = queries.order(source=source, number=number)
    held = ledger.lock(members=[order.member_id] if order.member_id else [], at=now)
    # Wallets first, then the order: the same way round as when it was placed.
    order = Order.objects.select_for_update(no_key=True, of=("self",)).get(pk=order.pk)
    before = list(order.refunds.order_by("id"))
    digest = _digest(facts)
    for known in before:
        if known.reference == facts.reference:
            if known.digest != digest:
                raise ReferenceReused(reference=facts.reference)
            return Refunded(known, queries.order(source=source, number=number), is_new=False)
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
    _take_back(order, made, _Targets(order, [*before, made]), held)
    made.save(force_insert=True)
    order.save(
        update_fields=["refunded_amount", "status", "points_reversed", "status_points_reversed"]
    )
    return Refunded(made, queries.order(source=source, number=number), is_new=True)


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


class _Targets:
    """How much all refunds so far, replayed in order, should have taken back.

    Each line keeps its exact share of the points; a refund by lines moves the target by those shares, one by amount
    spreads over what is left of each line. Target = floor(Σ shares refunded); a full refund takes all.
    """

    def __init__(self, order: Order, refunds: Sequence[Refund]) -> None:
        lines = list(order.lines.order_by("position"))
        self.skus = {line.sku for line in lines}
        self.lines = [line for line in lines if line.amount > 0]
        self.left = [Fraction(line.amount) for line in self.lines]
        for each in refunds:
            self._give(each)
        self.is_full = sum(self.left) == 0
        self.points, self.status_points = order.points, order.status_points
        if not self.is_full:
            self.points = self._floor(_points_rate)
            self.status_points = self._status(order) if order.status_points else 0

    def _floor(self, rate: Any) -> int:
        return int(
            sum(
                (rate(line) * (1 - left / Fraction(line.amount)))
                for line, left in zip(self.lines, self.left, strict=True)
            )
            // 1
        )

    def _status(self, order: Order) -> int:
        """Status points spread over the lines by what of them could earn, like the order's base."""
        total = sum(Fraction(line.amount) for line in self.lines)
        exact = _exact_status(order)
        return self._floor(lambda line: exact * Fraction(line.amount) / total)

    def _give(self, refund: Refund) -> None:
        if refund.lines is None:
            open_amount = sum(self.left)
            share = Fraction(refund.amount) / open_amount
            self.left = [left * (1 - share) for left in self.left]
            return
        for index, line in enumerate(refund.lines):
            self._give_line(index, line["sku"], Fraction(line["amount"]))

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


def _money(exact: Fraction | int) -> str:
    cents = int(exact * 100)
    return f"{Decimal(cents) / 100:.2f}"


def _points_rate(line: OrderLine) -> Fraction:
    return Fraction(line.share)


def _exact_status(order: Order) -> Fraction:
    """The status points before rounding: what could earn × the status rate at that time."""
    wallet = queries.wallet_of(member=order.member, type_code="status")  # type: ignore[arg-type]
    entry = queries.entry_of(wallet=wallet.pk, kind=Entry.Kind.EARN, reference=order.reference)
    part = entry.explanation[0]
    return Fraction(part["amount"]) * Fraction(part["rate"])


def _take_back(order: Order, made: Refund, targets: _Targets, held: ledger.Held) -> None:
    program = programs.current()
    points = targets.points - order.points_reversed
    status_points = targets.status_points - order.status_points_reversed
    order.refunded_amount += made.amount
    order.status = Order.Status.REFUNDED if targets.is_full else Order.Status.PARTIALLY_REFUNDED
    order.points_reversed = targets.points
    order.status_points_reversed = targets.status_points
    taken = _reverse(order, made, "points", points, held, program)
    status_taken = _reverse(order, made, "status", status_points, held, program)
    made.points_reversed = -taken.points
    made.debt_added = taken.debt_added
    made.status_points_reversed = -status_taken.points


def _reverse(
    order: Order, made: Refund, code: str, points: int, held: ledger.Held, program: Program
) -> Posted:
    if not points or order.member_id is None:
        return Posted(0, 0, is_new=True)
    posting = Reversal(
        wallet=held.of(order.member_id, code).id,
        kind=Entry.Kind.REVERSE,
        points=points,
        reference=_reference(order, made),
        at=made.at,
        details={
            "order": order.number,
            "source": order.source,
            "refund": made.reference,
            "amount": f"{made.amount:.2f}",
        },
        explanation=[{"rule": "refund", "kind": "refund", "points": -points}],
        of=order.reference,
        clamp=program.reversal == Program.Reversal.CLAMP,
    )
    return ledger.post(postings=[posting], at=held.at, held=held)[0]


def _reference(order: Order, made: Refund) -> str:
    """Source, number and refund in one; a slash inside the number must not move the borders."""
    number = order.number.replace("%", "%25").replace("/", "%2F")
    return f"{order.source}/{number}/{made.reference}"


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
