"""From an order as reported to the row that is stored and the credits that are posted."""

from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from loyalty import earning
from loyalty.errors import out_of_range
from loyalty.ledger import Credit
from loyalty.models import Entry, Order, Program
from loyalty.order_facts import OrderFacts
from loyalty.tiers import StatusCredit
from members.errors import InvalidInput
from members.models import Member, Store, Tier

#: The states in which an order may be reported: each of them is paid for.
AWARDED = (Order.Status.PAID, Order.Status.SHIPPED, Order.Status.COMPLETED)
# The widest sum of money that is kept: 18 digits before the point.
LARGEST_AMOUNT = Decimal(10) ** 18


def refuse_unsound(facts: OrderFacts) -> None:
    """Refuse what no order says (InvalidInput), whoever placed it."""
    if "/" in facts.source:
        # References are "source/number": with a slash two orders could share one.
        raise InvalidInput(
            "/source",
            "invalid",
            _("The source must not contain a slash: it is part of addresses."),
        )
    if facts.status not in AWARDED:
        raise InvalidInput(
            "/status",
            "invalid_choice",
            _("Report an order when it is paid: paid, shipped or completed."),
        )
    if facts.amount >= LARGEST_AMOUNT:
        raise out_of_range("/lines")
    if not 0 <= facts.points_paid_amount <= facts.amount:
        raise InvalidInput(
            "/points_paid_amount",
            "invalid",
            _("More is paid with points than the order amounts to."),
        )


def as_reported(facts: OrderFacts, member: Member | None, store: Store | None) -> Order:
    """The order's row (unsaved) without what it earns."""
    return Order(
        source=facts.source,
        number=facts.number,
        member=member,
        store=store,
        channel=facts.channel,
        placed_at=facts.placed_at,
        status=facts.status,
        coupon=facts.coupon,
        payments=[
            {"method": method, "amount": f"{amount:.2f}"} for method, amount in facts.payments
        ],
        amount=facts.amount,
        points_paid_amount=facts.points_paid_amount,
    )


def digest(facts: OrderFacts, member: Member | None) -> str:
    """SHA-256 of the content, with every value in one form."""
    words = [
        member.number if member else str(facts.member or facts.member_external_id),
        str(facts.store),
        facts.channel,
        str(facts.placed_at.timestamp()),
        facts.status,
        facts.coupon,
        str(facts.hold),
        f"{facts.points_paid_amount:.2f}",
    ]
    words += [f"{method}\x1e{amount:.2f}" for method, amount in facts.payments]
    words += [
        f"{each.sku}\x1e{each.name}\x1e{each.category}\x1e{each.brand}\x1e{each.tags}\x1e"
        f"{each.quantity}\x1e{each.amount:.2f}"
        for each in facts.lines
    ]
    return sha256("\x1f".join(words).encode()).hexdigest()


def points_credit(order: Order, wallet: int) -> Credit:
    """What the order posts to the wallet (id) of redeemable points."""
    assert order.active_from is not None
    return Credit(
        wallet=wallet,
        kind=Entry.Kind.EARN,
        points=order.points,
        reference=order.reference,
        at=order.placed_at,
        details=_details(order),
        explanation=order.explanation,
        active_from=order.active_from,
        expires_at=order.expires_at,
    )


def status_credit(order: Order, wallet: int, credit: StatusCredit, program: Program) -> Credit:
    """What the order posts to the wallet (id) of status points."""
    return Credit(
        wallet=wallet,
        kind=Entry.Kind.EARN,
        points=order.status_points,
        reference=order.reference,
        at=order.placed_at,
        details=_details(order),
        explanation=[_status_part(order, program)],
        active_from=credit.active_from,
        expires_at=credit.expires_at,
    )


def earnable(facts: OrderFacts, program: Program) -> tuple[Decimal, ...] | tuple[Fraction, ...]:
    """What of each line can earn: nothing of a negative line, nothing of the share paid with points."""
    amounts = tuple(max(line.amount, Decimal(0)) for line in facts.lines)
    if not facts.points_paid_amount or program.earn_on_points_paid:
        return amounts
    total = Fraction(facts.amount)
    kept = (total - Fraction(facts.points_paid_amount)) / total
    return tuple(Fraction(amount) * kept for amount in amounts)


def _details(order: Order) -> dict[str, Any]:
    details = {"order": order.number, "source": order.source, "amount": f"{order.amount:.2f}"}
    if order.store is not None:
        details["store"] = order.store.name
    return details


def _status_part(order: Order, program: Program) -> dict[str, Any]:
    base = order.explanation[0]
    return {
        "rule": "status",
        "kind": "base",
        "points": order.status_points,
        "amount": base["amount"],
        "rate": earning.text(program.status_rate),
    }


def rules(order: Order, tier: Tier) -> list[dict[str, Any]]:
    """The rules looked at, with what each expected and saw."""
    matched = {part["rule"] for part in order.explanation}
    return [
        {"rule": "base", "matched": "base" in matched, "conditions": []},
        {
            "rule": "tier",
            "matched": "tier" in matched,
            "conditions": [
                {
                    "name": "multiplier",
                    "expected": "≠ 1",
                    "seen": earning.text(tier.multiplier),
                    "met": tier.multiplier != 1,
                }
            ],
        },
    ]
