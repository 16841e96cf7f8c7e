"""From an order as reported to the row that is stored, and from what it earns to the credits that are posted."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from loyalty import earning, expiry, stacking
from loyalty.earning import Earned
from loyalty.errors import out_of_range
from loyalty.ledger import Credit, Held
from loyalty.models import Entry, Order, Program
from loyalty.order_facts import OrderFacts
from loyalty.promotions import Promotions
from loyalty.tiers import StatusCredit
from members.errors import InvalidInput
from members.models import Member, Store, Tier

# The widest sum of money that is kept: 18 digits before the point.
LARGEST_AMOUNT = Decimal(10) ** 18
NOTHING = Decimal(0)


def refuse_unsound(facts: OrderFacts) -> None:
    """Refuse what no order says (InvalidInput), whoever placed it."""
    if "/" in facts.source:
        # References are "source/number": with a slash two orders could share one.
        raise InvalidInput(
            "/source",
            "invalid",
            _("The source must not contain a slash: it is part of addresses."),
        )
    if facts.status not in Order.REPORTED:
        raise InvalidInput(
            "/status",
            "invalid_choice",
            _("Choose one of: %(choices)s.") % {"choices": ", ".join(Order.REPORTED)},
        )
    if facts.amount >= LARGEST_AMOUNT:
        raise out_of_range("/lines")
    if not 0 <= facts.paid_with_points <= facts.amount:
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
        points_paid_amount=facts.paid_with_points,
        # Nothing can be given back any more of an order that was called off.
        refunded_amount=facts.amount if facts.status == Order.Status.CANCELLED else Decimal(0),
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
        f"{facts.paid_with_points:.2f}",
    ]
    words += [f"{method}\x1e{amount:.2f}" for method, amount in facts.payments]
    words += [
        f"{each.sku}\x1e{each.name}\x1e{each.category}\x1e{each.brand}\x1e{each.tags}\x1e"
        f"{each.quantity}\x1e{each.amount:.2f}"
        for each in facts.lines
    ]
    return sha256("\x1f".join(words).encode()).hexdigest()


# ---- what it earns ----------------------------------------------------------------------------------
def is_due(status: str, program: Program) -> bool:
    """Whether an order that has come this far has earned its points."""
    road = Order.ROAD
    return status in road and road.index(status) >= road.index(program.award_on)


def seen(
    *,
    facts: OrderFacts,
    tier: Tier,
    program: Program,
    member: Member | None = None,
    promotions: Promotions | None = None,
) -> earning.Facts:
    """The order as the rules look at it."""
    sold = _sold(facts)
    return earning.Facts(
        amounts=earnable(facts, program) if facts.paid_with_points else sold,
        spread=sold,
        tier=tier,
        program=program,
        order=facts,
        member=member,
        promotions=promotions,
    )


def nothing(facts: OrderFacts) -> Earned:
    """What an order earns that is nobody's, or is not due yet."""
    return Earned(points=0, status_points=0, explanation=[], lines=len(facts.lines))


def note(order: Order, earned: Earned, program: Program, *, at: datetime, held: Held) -> None:
    """Put on the order (unsaved) what it earns at a moment; validity starts then, but never after now."""
    order.awarded_at = at
    order.points = earned.points
    order.status_points = earned.status_points
    order.explanation = earned.explanation
    order.status_parts = earned.status_explanation
    if earned.points:
        order.active_from = expiry.active_from(program, min(at, held.at))
        last = _last_activity(order, held, "points")
        order.expires_at = expiry.points_lapse_at(program, order.active_from, last)


def counted(order: Order, program: Program, held: Held) -> StatusCredit:
    """The awarded order's status points with their validity: they count at once, also where points wait."""
    assert order.awarded_at is not None
    start = min(order.awarded_at, held.at)
    last = _last_activity(order, held, "status")
    expires_at = expiry.status_lapses_at(program, start, last)
    return StatusCredit(start, expires_at, order.status_points)


def _last_activity(order: Order, held: Held, type_code: str) -> datetime | None:
    """When the member last did something, where wallets are locked; a quote locks none."""
    if order.member_id is None or not held.wallets:
        return None
    return held.of(order.member_id, type_code).last_activity_at


def postings(order: Order, program: Program, held: Held) -> list[Credit]:
    """What the awarded order posts to its member's wallets."""
    assert order.member_id is not None
    made = []
    if order.points:
        assert order.active_from is not None
        made.append(
            Credit(
                wallet=held.of(order.member_id).id,
                points=order.points,
                explanation=order.explanation,
                active_from=order.active_from,
                expires_at=order.expires_at,
                **_common(order, program),
            )
        )
    if order.status_points:
        count = counted(order, program, held)
        made.append(
            Credit(
                wallet=held.of(order.member_id, "status").id,
                points=order.status_points,
                explanation=order.status_parts,
                active_from=count.active_from,
                expires_at=count.expires_at,
                **_common(order, program),
            )
        )
    return made


def _common(order: Order, program: Program) -> dict[str, Any]:
    return {
        "kind": Entry.Kind.EARN,
        "reference": order.reference,
        "at": order.awarded_at,
        "details": _details(order, program),
        "store": order.store_id,
    }


def earnable(facts: OrderFacts, program: Program) -> tuple[Decimal, ...] | tuple[Fraction, ...]:
    """What of each line can earn: nothing of a negative line, nothing of the share paid with points."""
    amounts = _sold(facts)
    if not facts.paid_with_points or program.earn_on_points_paid:
        return amounts
    total = Fraction(facts.amount)
    kept = (total - Fraction(facts.paid_with_points)) / total
    return tuple(Fraction(amount) * kept for amount in amounts)


def _sold(facts: OrderFacts) -> tuple[Decimal, ...]:
    return tuple(line.amount if line.amount > NOTHING else NOTHING for line in facts.lines)


def _details(order: Order, program: Program) -> dict[str, Any]:
    details = {"order": order.number, "source": order.source, "amount": f"{order.amount:.2f}"}
    if order.points_paid_amount and not program.earn_on_points_paid:
        details["paid_with_points"] = f"{order.points_paid_amount:.2f}"
    if order.store is not None:
        details["store"] = order.store.name
    return details


def rules(seen: earning.Facts) -> list[dict[str, Any]]:
    """The rules looked at, with what each expected and saw: the program's own, then those of promotions."""
    multiplier = seen.tier.multiplier
    own: list[dict[str, Any]] = [
        {"rule": "base", "matched": True, "conditions": []},
        {
            "rule": "tier",
            "matched": multiplier != 1,
            "conditions": [
                {
                    "name": "multiplier",
                    "expected": "≠ 1",
                    "seen": stacking.text(multiplier),
                    "met": multiplier != 1,
                }
            ],
        },
    ]
    return own + (seen.promotions.rules(seen) if seen.promotions is not None else [])
