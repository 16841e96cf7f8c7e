"""Questions about wallets, lots and entries; figures are right at every moment, settled or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from loyalty.models import Entry, Program, Wallet
from loyalty.queries.due import DUE_LOTS
from loyalty.queries.program import program as current_program
from members.errors import NotFound
from members.models import Member

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class NextExpiry:
    """The active points of the soonest moment of expiry."""

    points: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A member's wallet as it is at a moment; `value` is money, rounded down to cents."""

    active: int
    pending: int
    reserved: int
    debt: int
    status_points: int
    earned: int
    spent: int
    expired: int
    value: Decimal
    next_expiry: NextExpiry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLot:
    """A lot with something left."""

    id: int
    points: int
    remaining: int
    active_from: datetime
    expires_at: datetime | None
    is_pending: bool
    reserved: int
    source: str

    @property
    def free(self) -> int:
        """What no hold keeps."""
        return self.remaining - self.reserved


@dataclass(frozen=True, slots=True)
class Expiring:
    """Active points that lapse within a span, and the first moment at which some do."""

    points: int
    first_at: datetime | None


# Open lots as they are at a moment: what a settlement would leave of them. Parameters as in DUE_LOTS, then
# the wallet ids and the moment again.
_LOTS_NOW = f"""
    SELECT id, wallet_id, entry_id, points, remaining - paying - lapsing AS remaining, reserved - released AS reserved,
        active_from, expires_at, is_pending AND NOT is_due AS is_pending
    FROM ({DUE_LOTS}) due WHERE remaining - paying - lapsing > 0
    UNION ALL
    SELECT l.id, l.wallet_id, l.entry_id, l.points, l.remaining, l.reserved, l.active_from, l.expires_at, l.is_pending
    FROM loyalty_lot l JOIN loyalty_wallet w ON w.id = l.wallet_id
    WHERE w.id = ANY(%s) AND l.remaining > 0 AND (w.next_due_at IS NULL OR w.next_due_at > %s)"""

# Figures as a settlement would leave them, in one statement: somebody may be settling right now.
_FIGURES_NOW = f"""
    SELECT w.id, (w.active + coalesce(m.activated + m.released - m.paid - m.lapsed, 0))::bigint,
        (w.pending - coalesce(m.activated, 0))::bigint, (w.reserved - coalesce(m.released, 0))::bigint, (w.debt - coalesce(m.paid, 0))::bigint, w.earned,
        w.spent, (w.expired + coalesce(m.lapsed, 0))::bigint
    FROM loyalty_wallet w LEFT JOIN (
        SELECT wallet_id, sum(activated) AS activated, sum(released) AS released,
            sum(paying) AS paid, sum(lapsing) AS lapsed
        FROM ({DUE_LOTS}) due GROUP BY wallet_id
    ) m ON m.wallet_id = w.id WHERE w.id = ANY(%s)"""

# The soonest moment at which active points lapse, and how many. Of a settled wallet only the lots of that moment are
# read, however many it holds. Parameters as in _LOTS_NOW.
_NEXT_EXPIRY = f"""
    (SELECT DISTINCT ON (wallet_id) wallet_id, sum(remaining - paying - lapsing - reserved + released)::bigint, expires_at
    FROM ({DUE_LOTS}) due
    WHERE (is_due OR NOT is_pending) AND expires_at IS NOT NULL AND remaining - paying - lapsing > reserved - released
    GROUP BY wallet_id, expires_at ORDER BY wallet_id, expires_at)
    UNION ALL
    SELECT w.id, same.points, soonest.expires_at FROM loyalty_wallet w
    CROSS JOIN LATERAL (
        SELECT expires_at FROM loyalty_lot
        WHERE wallet_id = w.id AND remaining > 0 AND remaining > reserved AND NOT is_pending AND expires_at IS NOT NULL
        ORDER BY expires_at LIMIT 1
    ) soonest
    CROSS JOIN LATERAL (
        SELECT sum(remaining - reserved)::bigint AS points FROM loyalty_lot
        WHERE wallet_id = w.id AND remaining > 0 AND NOT is_pending AND expires_at = soonest.expires_at
    ) same
    WHERE w.id = ANY(%s) AND (w.next_due_at IS NULL OR w.next_due_at > %s)"""


def _rows(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def figures_of(
    *, members: Sequence[Member], at: datetime, program: Program | None = None
) -> dict[int, Figures]:
    """The figures of many members by member id, in three or four queries whatever their number."""
    program = program or current_program()
    wallets: dict[int, dict[str, Wallet]] = {}
    found = Wallet.objects.filter(member__in=members).select_related("point_type")
    for wallet in found:
        wallets.setdefault(wallet.member_id, {})[wallet.point_type.code] = wallet
    _settle_in_memory(list(found), at)
    ids = [pair["points"].pk for pair in wallets.values()]
    next_expiries = {
        row[0]: NextExpiry(row[1], row[2]) for row in _rows(_NEXT_EXPIRY, [at, ids, ids, at])
    }
    return {
        member_id: _figures(pair, next_expiries.get(pair["points"].pk), program)
        for member_id, pair in wallets.items()
    }


def figures(*, member: Member, at: datetime, program: Program | None = None) -> Figures:
    """The figures of one member."""
    return figures_of(members=[member], at=at, program=program)[member.pk]


def _settle_in_memory(wallets: list[Wallet], at: datetime) -> None:
    due = {
        wallet.pk: wallet
        for wallet in wallets
        if wallet.next_due_at is not None and wallet.next_due_at <= at
    }
    if not due:
        return
    for row in _rows(_FIGURES_NOW, [at, list(due), list(due)]):
        wallet = due[row[0]]
        wallet.active, wallet.pending, wallet.reserved, wallet.debt = row[1:5]
        wallet.earned, wallet.spent, wallet.expired = row[5:]


def _figures(pair: dict[str, Wallet], next_expiry: NextExpiry | None, program: Program) -> Figures:
    points = pair["points"]
    return Figures(
        active=points.active,
        pending=points.pending,
        reserved=points.reserved,
        debt=points.debt,
        status_points=pair["status"].active,
        earned=points.earned,
        spent=points.spent,
        expired=points.expired,
        value=(points.active * program.point_value).quantize(CENT, ROUND_DOWN),
        next_expiry=next_expiry,
    )


def wallet_of(*, member: Member, type_code: str = "points") -> Wallet:
    """One wallet of a member, figures as last posted."""
    return Wallet.objects.select_related("point_type").get(
        member=member, point_type__code=type_code
    )


def lots_of(*, member: Member, at: datetime, type_code: str = "points") -> list[OpenLot]:
    """The open lots in the order in which they would be spent; pending ones stand last among equals."""
    ids = [wallet_of(member=member, type_code=type_code).pk]
    rows = _rows(
        f"""SELECT lots.id, lots.points, lots.remaining, lots.active_from, lots.expires_at, lots.is_pending,
            lots.reserved, e.reference FROM ({_LOTS_NOW}) lots JOIN loyalty_entry e ON e.id = lots.entry_id
            ORDER BY lots.expires_at, lots.active_from, lots.id""",
        [at, ids, ids, at],
    )
    return [
        OpenLot(
            id=row[0],
            points=row[1],
            remaining=row[2],
            active_from=row[3],
            expires_at=row[4],
            is_pending=row[5],
            reserved=row[6],
            source=row[7],
        )
        for row in rows
    ]


def expiring(*, member: Member, at: datetime, days: int = 30) -> Expiring:
    """Active points that lapse within the next `days` days."""
    until = at + timedelta(days=days)
    soon = [
        lot
        for lot in lots_of(member=member, at=at)
        if lot.expires_at is not None
        and lot.expires_at <= until
        and lot.free
        and not lot.is_pending
    ]
    return Expiring(
        sum(lot.free for lot in soon),
        min((lot.expires_at for lot in soon if lot.expires_at), default=None),
    )


def entries_of(*, member: Member, type_code: str = "points") -> QuerySet[Entry]:
    """A wallet's entries, latest posting first."""
    wallet = wallet_of(member=member, type_code=type_code)
    return Entry.objects.filter(wallet=wallet).order_by("-sequence")


def entry_of(*, wallet: int, kind: str, reference: str) -> Entry:
    """The one entry of a wallet, or of one merged into it, with a kind and reference. Raises NotFound."""
    named = Entry.objects.filter(kind=kind, reference=reference)
    found = named.filter(wallet=wallet).first()
    if found is None:
        merged = Wallet.objects.values_list("merged_from", flat=True).get(pk=wallet)
        found = named.filter(wallet__in=merged).order_by("id").first()
    if found is None:
        raise NotFound(reference)
    return found


def due_wallets_locked(*, at: datetime, limit: int) -> list[int]:
    """Lock up to `limit` wallets on which something fell due, leaving out those others hold; their ids.

    What follows in the transaction looks rows up by index (see docs/decisions/0006).
    """
    rows = _rows(
        """SELECT id FROM loyalty_wallet
            WHERE next_due_at <= %s AND (SELECT set_config('enable_seqscan', 'off', true)
                || set_config('enable_mergejoin', 'off', true)) IS NOT NULL
            ORDER BY next_due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED""",
        [at, limit],
    )
    return [row[0] for row in rows]
