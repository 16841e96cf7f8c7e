"""Taking back what an order gave, and giving back the points that paid for it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from loyalty import holds, ledger, order_shares, programs, promotions, queries, spending, tiers
from loyalty.ledger import Held, Posted, Return, Reversal
from loyalty.models import Entry, Hold, Order, Program, Refund
from loyalty.order_shares import Target
from loyalty.reversal_causes import Cause
from members.models import Member

#: What `take_back` notes on an order.
NOTED = ("points_reversed", "status_points_reversed", "points_returned")


@dataclass(frozen=True, slots=True)
class Taken:
    """What really came back: points and status points taken, debt made on the way, points given back."""

    points: int = 0
    status_points: int = 0
    debt_added: int = 0
    returned: int = 0


def lock(*, source: str, number: str, at: datetime) -> tuple[Order, Held]:
    """Lock the wallets of the order's member, then the order: the same way round as when it was placed.

    Raises NotFound.
    """
    order = queries.order(source=source, number=number)
    owner = order.member_id
    held = _lock_wallets(owner, at)
    # While waiting, a merge may have moved the order to another member.
    while (now := queries.order(source=source, number=number).member_id) != owner:
        owner, held = now, _lock_wallets(now, at)
    locked = Order.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("member", "store").get(pk=order.pk), held


def _lock_wallets(member: int | None, at: datetime) -> Held:
    if member is None:
        return ledger.lock(members=[], at=at)
    # Whoever got points by the order too: all at once, in id order.
    return ledger.lock(members={member, *promotions.concerned(member=member)}, at=at)


def reference(order: Order, refund: str = "") -> str:
    """The reference of what a refund, or else the cancelling, of the order posts.

    Source, number and refund in one; a slash inside the number must not move the borders.
    """
    number = order.number.replace("%", "%25").replace("/", "%2F")
    return f"{order.source}/{number}" + (f"/{refund}" if refund else "")


def status_base(order: Order, held: Held) -> Callable[[], Fraction]:
    """Tells the order's status points before rounding, from the entry that gave them."""

    def exact() -> Fraction:
        assert order.member_id is not None
        wallet = held.of(order.member_id, "status")
        entry = queries.award_entry(
            wallets=[wallet.id, *wallet.merged_from], reference=order.reference
        )
        return order_shares.exact_status(entry.explanation)

    return exact


def cause_of(order: Order, refund: Refund) -> Cause:
    """A refund as the reason why something comes back."""
    return Cause(
        rule="refund",
        reference=reference(order, refund.reference),
        at=refund.at,
        amount=refund.amount,
        refund=refund.reference,
    )


def take_back(*, order: Order, target: Target, cause: Cause, held: Held) -> Taken:
    """Give back the points that paid and take back what was earned, up to the target; notes both on the order (unsaved).

    A tier that the status points had reached falls at once.
    """
    # What paid for the order comes back first: it may pay what is taken.
    returned = _give_back(order, target.money, cause, held)
    at = min(cause.at, held.at)
    is_status = target.status_points > order.status_points_reversed
    if is_status and order.member_id is not None:
        # What time alone did to the tier comes first: it happened with these points.
        tiers.settle(members=[order.member_id], at=at)
    taken = take_earned(order=order, target=target, cause=cause, held=held)
    if is_status and order.member_id is not None:
        tiers.taken_back(order.member_id, at, order)
    promotions.order_came_back(order=order, target=target, cause=cause, held=held)
    return replace(taken, returned=returned)


def take_earned(*, order: Order, target: Target, cause: Cause, held: Held) -> Taken:
    """Take back what is missing to the target, and note it on the order (unsaved); tiers are left as they are."""
    points = target.points - order.points_reversed
    status_points = target.status_points - order.status_points_reversed
    order.points_reversed = target.points
    order.status_points_reversed = target.status_points
    taken = _reverse(order, "points", points, cause, held)
    status_taken = _reverse(order, "status", status_points, cause, held)
    return Taken(-taken.points, -status_taken.points, taken.debt_added)


def _reverse(order: Order, code: str, points: int, cause: Cause, held: Held) -> Posted:
    if not points or order.member_id is None:
        return Posted(0, 0, is_new=True)
    target = order.points_reversed if code == "points" else order.status_points_reversed
    before = target - points
    posting = Reversal(
        wallet=held.of(order.member_id, code).id,
        kind=Entry.Kind.REVERSE,
        points=points,
        reference=cause.reference,
        at=cause.at,
        details=cause.details(order),
        explanation=[
            {
                "rule": cause.rule,
                "kind": "refund",
                "points": -points,
                "target": target,
                "before": before,
            }
        ],
        store=order.store_id,
        of=order.reference,
        clamp=programs.current().reversal == Program.Reversal.CLAMP,
    )
    return ledger.post(postings=[posting], at=held.at, held=held)[0]


# ---- the points that paid ---------------------------------------------------------------------------
def captured_for(order: Order) -> list[Hold]:
    """The holds that paid for the order, in the order in which they were captured."""
    found = Hold.objects.filter(order=order, state=Hold.State.CAPTURED)
    return list(found.order_by("closed_at", "id"))


def _give_back(order: Order, money: Decimal, cause: Cause, held: Held) -> int:
    """Give back what is due of the points that paid, once `money` has been refunded in all.

    Nobody has points any more whose membership was closed.
    """
    if order.member is None or order.member.status == Member.Status.CLOSED:
        return 0
    program = programs.current()
    paid = captured_for(order)
    due = order_shares.points_to_return(
        order,
        sum(hold.captured_points for hold in paid),
        money,
        points_first=program.refund_first == Program.RefundFirst.POINTS,
    )
    returns = [
        return_of(hold, order, points, cause, held)
        for hold, points in _split(paid, order.points_returned, due)
    ]
    ledger.post(postings=returns, at=held.at, held=held)
    returned = sum(each.points for each in returns)
    order.points_returned += returned
    return returned


def _split(paid: Sequence[Hold], before: int, due: int) -> Iterator[tuple[Hold, int]]:
    """Which hold gives back how much; the one captured first is the first to be given back whole."""
    for hold in paid:
        done, wanted = min(before, hold.captured_points), min(due, hold.captured_points)
        before, due = before - done, due - wanted
        if wanted > done:
            yield hold, wanted - done


def return_of(hold: Hold, order: Order, points: int, cause: Cause, held: Held) -> Return:
    """Give points of a captured hold back to the lots they came from."""
    assert order.member_id is not None
    return Return(
        wallet=held.of(order.member_id).id,
        kind=Entry.Kind.RETURN,
        points=points,
        reference=f"hold/{hold.pk}/{cause.reference}",
        at=cause.at,
        details=cause.details(order),
        explanation=[{"rule": cause.rule, "kind": "return", "points": points}],
        store=order.store_id,
        of=holds.capture_reference(hold.pk),
        grace_until=spending.grace_until(programs.current(), held.at),
    )
