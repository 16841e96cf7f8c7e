"""Points for an order that is stored already, when it has come far enough."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from loyalty import (
    earning,
    ledger,
    order_awards,
    order_facts,
    order_reversals,
    order_rows,
    order_shares,
    programs,
    promotions,
    tiers,
)
from loyalty.earning import Earned
from loyalty.errors import out_of_range
from loyalty.ledger import MAX_POINTS, Held
from loyalty.models import Order, OrderLine, Program
from loyalty.order_shares import Shares
from loyalty.tiers import Walk
from members.models import Member

AWARDED = (
    "awarded_at",
    "points",
    "status_points",
    "active_from",
    "expires_at",
    "explanation",
)


def award(*, order: Order, reached: str, at: datetime, held: Held) -> None:
    """Give the order's points if the status it has reached earns them and nothing did before.

    It is judged as of its own `placed_at`: with the tier held then; the points begin at `at`. What was refunded
    before is taken off at once. A passer-by's order and that of a closed member earn nothing.
    """
    program = programs.current()
    is_due = order.awarded_at is None and order_awards.is_due(reached, program)
    if not is_due or order.member is None or order.member.status == Member.Status.CLOSED:
        return
    lines = list(order.lines.order_by("position"))
    facts = order_facts.as_stored(order, lines)
    extra = promotions.of_batch(orders=[facts], members={0: order.member}, at=held.at, own=order)
    extra.load(program=program, held=held)
    walk = _walk(order, program, at, held, extra.most_status)
    seen = order_awards.seen(
        facts=facts,
        tier=walk.held_at(order.placed_at),
        program=program,
        member=order.member,
        promotions=extra,
    )
    earned = earning.evaluate(seen)
    if max(earned.points, earned.status_points) > MAX_POINTS:
        raise out_of_range("/status")
    order_awards.note(order, earned, program, at=at, held=held)
    _store(order, lines, earned)
    ledger.post(postings=order_awards.postings(order, program, held), at=held.at, held=held)
    extra.note(order=order, facts=seen, earned=earned)
    extra.write(held=held)
    _take_off(order, lines, program, held)
    _count(order, walk, program, held)


def _walk(order: Order, program: Program, at: datetime, held: Held, most_status: int) -> Walk:
    assert order.member_id is not None
    member = order.member_id
    walks = tiers.load_walks(
        expected={member: int(order.amount * program.status_rate) + 1 + most_status},
        lifetimes={member: held.of(member, "status").earned},
        since=min(order.placed_at, at),
        at=held.at,
        program=program,
    )
    return walks[member]


def _store(order: Order, lines: Sequence[OrderLine], earned: Earned) -> None:
    for line, share in zip(lines, earned.shares, strict=True):
        line.share = order_rows.share_text(share)
    OrderLine.objects.bulk_update(lines, ["share"])
    order.save(update_fields=AWARDED)


def _take_off(order: Order, lines: Sequence[OrderLine], program: Program, held: Held) -> None:
    """Let each refund that came before the award take now what it would have taken after it."""
    assert order.awarded_at is not None
    shares = Shares(lines)
    base = order_shares.exact_status(order.status_parts)
    for refund in order.refunds.order_by("id"):
        shares.give(refund)
        cause = order_reversals.cause_of(order, refund)
        taken = order_reversals.take_earned(
            order=order,
            target=shares.target(order, lambda: base),
            cause=replace(cause, at=max(refund.at, order.awarded_at)),
            held=held,
        )
        refund.points_reversed = taken.points
        refund.status_points_reversed = taken.status_points
        refund.debt_added = taken.debt_added
        refund.save(update_fields=["points_reversed", "status_points_reversed", "debt_added"])
    order.save(update_fields=order_reversals.NOTED)


def _count(order: Order, walk: Walk, program: Program, held: Held) -> None:
    """Let what is left of the status points lift the member's tier."""
    assert order.member_id is not None
    left = order.status_points - order.status_points_reversed
    if left:
        walk.add(replace(order_awards.counted(order, program, held), points=left))
        tiers.record(walks={order.member_id: walk}, at=held.at)
