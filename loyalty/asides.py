"""Points set aside for something above the ledger: a hold that no till can end, only whoever made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty import activity, holds, ledger, programs, spending
from loyalty.errors import HoldClosed
from loyalty.ledger import Capture, Reserve
from loyalty.models import Entry, Hold
from loyalty.queries import hold_state
from members.models import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Points to set aside for a purpose until a moment, under a reference of their maker's."""

    points: int
    purpose: str
    reference: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the redeem entry says of points that were set aside: details, explanation, the store (id)."""

    details: Mapping[str, Any]
    explanation: Sequence[Mapping[str, Any]]
    store: int | None = None


def set_aside(*, member: Member, aside: Aside, at: datetime) -> Hold:
    """Keep active points for a purpose until then, in the caller's transaction.

    Raises MemberClosed, WalletFrozen, InDebt or InsufficientPoints; then the transaction has to be undone.
    """
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    spending.check_may_spend(member=member)
    wallet = held.of(member.pk)
    made = Hold.objects.create(
        wallet_id=wallet.id,
        points=aside.points,
        reference=aside.reference,
        purpose=aside.purpose,
        expires_in=max(1, int((aside.until - at).total_seconds())),
        at=at,
        expires_at=aside.until,
    )
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
    return made


def spend(*, hold: Hold, member: Member, spent: Spent, at: datetime) -> None:
    """Spend all that is kept, in the caller's transaction. Raises HoldClosed, MemberClosed or WalletFrozen."""
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    found = _open(hold, at)
    spending.check_may_spend(member=member)
    posting = Capture(
        wallet=found.wallet_id,
        kind=Entry.Kind.REDEEM,
        points=found.points,
        reference=holds.capture_reference(found.pk),
        at=at,
        details={**spent.details, "hold": found.pk},
        explanation=spent.explanation,
        store=spent.store,
        hold=found.pk,
    )
    ledger.post(postings=[posting], at=at, held=held)
    activity.keep_alive(held=held, program=programs.current())
    found.state, found.captured_points, found.closed_at = Hold.State.CAPTURED, found.points, at
    found.save(update_fields=["state", "captured_points", "closed_at"])


def release(*, hold: Hold, member: Member, at: datetime) -> None:
    """Make what is kept active again, in the caller's transaction; nothing where it timed out or was let go."""
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    found = Hold.objects.select_for_update(no_key=True).get(pk=hold.pk)
    if hold_state(found, at) == Hold.State.HELD:
        holds.let_go(holds=[found], at=at, held=held)


def _open(hold: Hold, at: datetime) -> Hold:
    found = Hold.objects.select_for_update(no_key=True).get(pk=hold.pk)
    state = hold_state(found, at)
    if state != Hold.State.HELD:
        raise HoldClosed(state=state)
    return found
