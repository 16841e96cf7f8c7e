"""Closing a membership: nothing of value may be left, or it is forfeited."""

from dataclasses import dataclass
from datetime import datetime

from loyalty import holds, ledger, queries
from loyalty.errors import WalletNotEmpty
from loyalty.ledger import Forfeit, Held
from loyalty.models import Entry, Hold
from members import lifecycle
from members import queries as member_queries
from members.models import Member
from members.transactions import in_transaction

REFERENCE = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Which member is to be closed (a number), whether what is left is forfeited, and why."""

    member: str
    forfeit: bool = False
    reason: str = ""


def close(*, closing: Closing, by: str, at: datetime) -> Member:
    """Close and anonymise a member for good; a closed one comes back as it is.

    With `forfeit` open holds are released and all active and pending points are taken; status points lapse in their
    time. Number, entries, orders and consents stay. Raises NotFound and WalletNotEmpty.
    """
    return in_transaction(lambda: _close(closing, by, at))


def _close(closing: Closing, by: str, at: datetime) -> Member:
    found = member_queries.by_number(closing.member)
    held = ledger.lock(members=[found.pk], at=at)
    member = lifecycle.lock(members=[found.pk])[found.pk]
    if member.status != Member.Status.CLOSED:
        if closing.forfeit:
            _forfeit(member, held, at)
        wallet = held.of(member.pk)
        if wallet.active or wallet.pending or wallet.reserved:
            raise WalletNotEmpty(
                active=wallet.active, pending=wallet.pending, reserved=wallet.reserved
            )
        ledger.close(wallets=[wallet.id])
        lifecycle.close(member=member, reason=closing.reason, by=by, at=at)
    return member_queries.by_number(closing.member)


def _forfeit(member: Member, held: Held, at: datetime) -> None:
    wallet = held.of(member.pk)
    still_open = Hold.objects.filter(wallet=wallet.id, state=Hold.State.HELD)
    locked = list(still_open.select_for_update(no_key=True).order_by("id"))
    if locked:
        holds.let_go(holds=locked, at=at, held=held)
    points = wallet.active + wallet.pending
    if not points:
        return
    family = [wallet.id, *wallet.merged_from]
    posting = Forfeit(
        wallet=wallet.id,
        kind=Entry.Kind.ADJUST,
        points=points,
        reference=queries.free_reference(
            wallets=family, kind=Entry.Kind.ADJUST, reference=REFERENCE
        ),
        at=at,
        details={"reason": "forfeited"},
        explanation=[{"rule": "forfeit", "kind": "forfeit", "points": -points}],
    )
    ledger.post(postings=[posting], at=at, held=held)
