"""Orders that are paid with points set aside: what a hold is worth, and capturing it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import holds, ledger, order_reversals, paying, queries
from loyalty.errors import HoldClosed, WalletFrozen
from loyalty.ledger import Held
from loyalty.models import Hold, Order, Program
from loyalty.order_facts import OrderFacts
from loyalty.reversal_causes import Cause
from members.errors import NotFound
from members.models import Member

LONGEST_ID = 18


def named_by(orders: Iterable[OrderFacts]) -> dict[str, Hold]:
    """The holds that the orders name, by the name used, in one query at most."""
    names = {facts.hold: int(facts.hold) for facts in orders if facts.hold and _is_id(facts.hold)}
    if not names:
        return {}
    of_tills = Hold.objects.filter(purpose="").select_related("wallet")
    found = of_tills.in_bulk(names.values())
    return {name: found[pk] for name, pk in names.items() if pk in found}


def _is_id(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= LONGEST_ID


def paid_with(
    facts: OrderFacts, hold: Hold | None, member: Member | None, program: Program, at: datetime
) -> OrderFacts:
    """The facts with what the hold pays, if they do not say it: its worth, but never more than the order.

    Raises NotFound (no hold of this member), HoldClosed, WalletFrozen, or ShareReached where there is nothing to pay.
    """
    if hold is None or member is None or hold.wallet.member_id != member.pk:
        raise NotFound(_("Hold"), "/hold")
    state = queries.hold_state(hold, at)
    if state != Hold.State.HELD:
        raise HoldClosed(state=state)
    if member.status == Member.Status.FROZEN:
        raise WalletFrozen
    if facts.points_paid_amount is not None:
        return facts
    worth = queries.value_of(hold.points, program)
    if worth and not facts.amount:
        paying.refuse_beyond_share(
            money=worth, points=hold.points, amount=facts.amount, program=program
        )
    return replace(facts, points_paid_amount=min(worth, facts.amount))


def needed(said: OrderFacts, hold: Hold, program: Program) -> int:
    """How many of the hold's points pay the order: all, unless they are worth more than the order and nothing else is said."""
    is_worth_as_said = said.points_paid_amount is not None
    if is_worth_as_said or queries.value_of(hold.points, program) <= said.amount:
        return hold.points
    return min(hold.points, paying.enough_points(said.amount, program))


def refuse_beyond_share(facts: OrderFacts, hold: Hold | None, program: Program) -> None:
    """Refuse what points pay above the program's share of the order (ShareReached); then the hold stays."""
    if facts.paid_with_points:
        paying.refuse_beyond_share(
            money=facts.paid_with_points,
            points=hold.points if hold is not None else None,
            amount=facts.amount,
            program=program,
        )


def as_known(facts: OrderFacts, known: Order) -> OrderFacts:
    """The facts of an order that was stored before, with what its hold was worth then."""
    if facts.hold is None or facts.points_paid_amount is not None:
        return facts
    return replace(facts, points_paid_amount=known.points_paid_amount)


def capture(*, order: Order, hold: Hold, points: int, held: Held) -> Hold:
    """Spend so many of the hold's points for an order that is about to be stored, and release the rest.

    `link` connects the two afterwards.

    Points that paid for an order that was called off before it was reported go straight back.
    """
    assert order.member is not None
    captured = holds.capture_for_order(
        hold_id=hold.pk, member=order.member, order=order, points=points, held=held
    )
    if order.status == Order.Status.CANCELLED:
        _return_at_once(order, captured, held)
    return captured


def _return_at_once(order: Order, hold: Hold, held: Held) -> None:
    cause = Cause(
        rule="cancelled",
        reference=order_reversals.reference(order),
        at=order.placed_at,
        amount=order.amount,
    )
    posting = order_reversals.return_of(hold, order, hold.captured_points, cause, held)
    ledger.post(postings=[posting], at=held.at, held=held)
    order.points_returned = hold.captured_points


def link(*, order: Order, hold: Hold) -> None:
    """Note which order the hold paid for, once the order is stored."""
    hold.order = order
    hold.save(update_fields=["order"])
