"""Holds: points set aside for a payment at a till, then captured, released or timed out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from loyalty import activity, ledger, owning, paying, programs, queries, spending
from loyalty.errors import HoldClosed, InsufficientPoints, MonthlyCap
from loyalty.ledger import Capture, Held, Release, Reserve
from loyalty.models import Entry, Hold, Order
from members import queries as member_queries
from members import validation
from members.errors import NotFound, ReferenceReused
from members.models import Member
from members.transactions import in_transaction

DEFAULT_SECONDS = 1_800
MOST_SECONDS = 30 * 24 * 60 * 60

_POINTS = validation.whole_number(least=1)
_REFERENCE = validation.text(longest=100, shortest=1)
_SECONDS = validation.whole_number(least=1, most=MOST_SECONDS)
_ORDER = validation.text(longest=200, shortest=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """Points to be set aside: `member` is a member number, `expires_in` are seconds."""

    member: str
    points: int
    reference: str
    expires_in: int = DEFAULT_SECONDS


@dataclass(frozen=True, slots=True)
class Placed:
    """The hold; `is_new` False when the reference was known with the same content."""

    hold: Hold
    is_new: bool


def hold(*, request: HoldRequest, at: datetime) -> Placed:
    """Set active points aside for a payment until they are captured, released or time out.

    Raises InvalidInput, NotFound (member), ReferenceReused, MemberClosed, WalletFrozen, NotInSteps, MonthlyCap, InDebt
    or InsufficientPoints; then nothing is set aside and the reference is not used up.
    """
    _POINTS(request.points, "/points")
    _SECONDS(request.expires_in, "/expires_in")
    reference = _REFERENCE(request.reference, "/reference")
    return in_transaction(lambda: _hold(request, reference, at))


def _hold(request: HoldRequest, reference: str, at: datetime) -> Placed:
    member = member_queries.by_number(request.member, "/member")
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    wallet = held.of(member.pk)
    known = Hold.objects.filter(wallet=wallet.id, reference=reference).first()
    if known is not None:
        if (known.points, known.expires_in) != (request.points, request.expires_in):
            raise ReferenceReused(reference=reference)
        return Placed(queries.hold(pk=known.pk), is_new=False)
    spending.check_may_spend(member=Member.objects.get(pk=member.pk))
    paying.refuse_odd_points(request.points, programs.current())
    _check_cap(request.points, [wallet.id, *wallet.merged_from], at)
    made = Hold(
        wallet_id=wallet.id,
        points=request.points,
        reference=reference,
        expires_in=request.expires_in,
        at=at,
        expires_at=at + timedelta(seconds=request.expires_in),
    )
    made.save(force_insert=True)
    reserve = Reserve(
        wallet=wallet.id,
        kind="",
        points=made.points,
        reference="",
        at=at,
        details={},
        explanation=[],
        hold=made.pk,
        until=made.expires_at,
    )
    ledger.post(postings=[reserve], at=at, held=held)
    return Placed(queries.hold(pk=made.pk), is_new=True)


def _check_cap(points: int, wallets: list[int], at: datetime) -> None:
    """Refuse what would pass the month's cap; what is held now may be captured whatever is redeemed meanwhile."""
    program = programs.current()
    cap = program.monthly_redemption_cap
    if cap is None:
        return
    used = queries.points_redeemed_this_month(wallets=wallets, at=at, zone=program.zone)
    if used + points > cap:
        raise MonthlyCap(limit=cap, used=used)


# ---- capturing --------------------------------------------------------------------------------------
def capture(*, hold: int, points: int | None, order: str | None, at: datetime) -> Hold:
    """Spend what the hold (id) keeps, or `points` of it; the rest is released.

    `order` is the member's order that it pays for, as "source/number" or a number of the default source. Raises
    InvalidInput, NotFound (hold, order), HoldClosed, MemberClosed, WalletFrozen, InsufficientPoints (more than is
    held), NotInSteps (a part) or ShareReached (of the order).
    """
    if points is not None:
        _POINTS(points, "/points")
    if order is not None:
        order = _ORDER(order, "/order")
    return in_transaction(lambda: _capture_part(hold, points, order, at))


def _capture_part(pk: int, points: int | None, order: str | None, at: datetime) -> Hold:
    found, held = _locked(pk, at)
    member = Member.objects.get(pk=held.wallets[found.wallet_id].member_id)
    paid = None if order is None else _order_of(member, order)
    _check_open(found, at)
    spending.check_may_spend(member=member)
    if points is not None and points > found.points:
        raise InsufficientPoints(needed=points, available=found.points)
    points = points or found.points
    if points < found.points:
        paying.refuse_odd_points(points, programs.current())
    details: dict[str, Any] = {"hold": found.pk}
    if paid is not None:
        _refuse_beyond_share(paid, points)
        details = {"order": paid.reference, **details}
        found.order = paid
    _capture(found, points, details, at, held)
    return queries.hold(pk=found.pk)


def _refuse_beyond_share(order: Order, points: int) -> None:
    """Together with what was captured for the order before."""
    program = programs.current()
    before = Hold.objects.filter(order=order, state=Hold.State.CAPTURED)
    points += before.aggregate(sum=Sum("captured_points"))["sum"] or 0
    worth = min(queries.value_of(points, program), order.amount)
    paying.refuse_beyond_share(money=worth, points=points, amount=order.amount, program=program)


def capture_for_order(
    *, hold_id: int, member: Member, order: Order, points: int, held: Held
) -> Hold:
    """Spend so many points of the hold for an order that is being placed, and release the rest; the caller links the two.

    `held` are the wallets locked as of now, the member's points wallet among them. A hold of a member merged into this
    one has become its own. Raises NotFound (no hold of this member), HoldClosed, MemberClosed or WalletFrozen.
    """
    wallet = held.of(member.pk)
    tills = Hold.objects.filter(purpose="")
    found = tills.select_for_update(no_key=True).filter(pk=hold_id).first()
    if found is None or found.wallet_id != wallet.id:
        raise NotFound(_("Hold"), "/hold")
    _check_open(found, held.at)
    spending.check_may_spend(member=Member.objects.get(pk=member.pk))
    details = {"order": order.reference, "hold": found.pk}
    _capture(found, points, details, order.placed_at, held, order.store_id)
    return found


def _capture(
    found: Hold,
    points: int,
    details: Mapping[str, Any],
    at: datetime,
    held: Held,
    store: int | None = None,
) -> None:
    posting = Capture(
        wallet=found.wallet_id,
        kind=Entry.Kind.REDEEM,
        points=points,
        reference=capture_reference(found.pk),
        at=at,
        details=details,
        explanation=[{"rule": "capture", "kind": "capture", "points": -points}],
        store=store,
        hold=found.pk,
    )
    ledger.post(postings=[posting], at=at, held=held)
    activity.keep_alive(held=held, program=programs.current())
    found.captured_points = points
    _close(found, Hold.State.CAPTURED, held.at)


def capture_reference(hold: int) -> str:
    """The reference of the redeem entry that captures a hold (id)."""
    return f"hold/{hold}"


# ---- releasing --------------------------------------------------------------------------------------
def release(*, hold: int, at: datetime) -> Hold:
    """Make what the hold (id) keeps active again, also for a frozen member; a released hold comes back as it is.

    Raises NotFound, and HoldClosed when it was captured or timed out.
    """
    return in_transaction(lambda: _release(hold, at))


def _release(pk: int, at: datetime) -> Hold:
    found, held = _locked(pk, at)
    if found.state != Hold.State.RELEASED:
        _check_open(found, at)
        let_go(holds=[found], at=at, held=held)
    return queries.hold(pk=pk)


def let_go(*, holds: list[Hold], at: datetime, held: Held) -> None:
    """Release open holds that the caller has locked, under their wallets' lock."""
    postings = [
        Release(
            wallet=each.wallet_id,
            kind="",
            points=each.points,
            reference="",
            at=at,
            details={},
            explanation=[],
            hold=each.pk,
        )
        for each in holds
    ]
    ledger.post(postings=postings, at=at, held=held)
    for each in holds:
        _close(each, Hold.State.RELEASED, at)


# ---- what they share --------------------------------------------------------------------------------
def _locked(pk: int, at: datetime) -> tuple[Hold, Held]:
    """The hold, locked under its owner's wallets; a merge may move it while waiting."""
    _owner, held = owning.lock_owner(
        owner_of=lambda: queries.hold(pk=pk).wallet.member_id, at=at, types=["points"]
    )
    return Hold.objects.select_for_update(no_key=True).get(pk=pk), held


def _check_open(found: Hold, at: datetime) -> None:
    state = queries.hold_state(found, at)
    if state != Hold.State.HELD:
        raise HoldClosed(state=state)


def _close(found: Hold, state: str, at: datetime) -> None:
    found.state = state
    found.closed_at = at
    found.save(update_fields=["state", "closed_at", "captured_points", "order"])


def _order_of(member: Member, name: str) -> Order:
    """The member's order of this name; a number of the default source may have slashes of its own."""
    source, _slash, number = name.partition("/")
    keys = [("default", name), *([(source, number)] if number else [])]
    found = queries.orders_by_key(keys=keys)
    for key in reversed(keys):
        if key in found and found[key].member_id == member.pk:
            return found[key]
    raise NotFound(_("Order %(number)s") % {"number": name}, "/order")
