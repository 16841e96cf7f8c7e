"""The books checked against themselves: every invariant of the ledger as a set-based question.

Each check returns the rows that break it; an empty answer is a clean book. Memory stays flat: the database does the
sums, and only differences come back.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from loyalty.models import Wallet
from members.models import Member


@dataclass(frozen=True, slots=True)
class Difference:
    """One broken invariant: which, at which wallet, and the figures that disagree."""

    check: str
    wallet: int
    found: str


# Each statement yields (wallet id, text). Names say what must be true.
CHECKS: dict[str, str] = {
    "entries sum to the wallet's balance": """
        SELECT w.id, format('entries sum to %s, wallet says %s', coalesce(e.total, 0),
            w.active + w.pending + w.reserved - w.debt)
        FROM loyalty_wallet w
        LEFT JOIN (SELECT wallet_id, sum(points) AS total FROM loyalty_entry GROUP BY wallet_id) e ON e.wallet_id = w.id
        WHERE coalesce(e.total, 0) <> w.active + w.pending + w.reserved - w.debt""",
    "the last entry's balance is the wallet's": """
        SELECT w.id, format('entry %s of %s says %s, wallet says %s', e.sequence, w.sequence, e.balance,
            w.active + w.pending + w.reserved - w.debt)
        FROM loyalty_wallet w
        LEFT JOIN loyalty_entry e ON e.wallet_id = w.id AND e.sequence = w.sequence
        WHERE coalesce(e.balance, 0) <> w.active + w.pending + w.reserved - w.debt
            OR (w.sequence > 0) <> (e.id IS NOT NULL)""",
    "sequences have no gap and balances follow": """
        SELECT wallet_id, format('entry %s: balance %s, expected %s', sequence, balance, expected) FROM (
            SELECT wallet_id, sequence, balance,
                sum(points) OVER by_sequence AS expected, row_number() OVER by_sequence AS nth
            FROM loyalty_entry WINDOW by_sequence AS (PARTITION BY wallet_id ORDER BY sequence)
        ) e WHERE balance <> expected OR sequence <> nth""",
    "lots of each state sum to the wallet's figures": """
        SELECT w.id, format('lots: active %s, pending %s, reserved %s; wallet: %s, %s, %s', coalesce(l.active, 0),
            coalesce(l.pending, 0), coalesce(l.reserved, 0), w.active, w.pending, w.reserved)
        FROM loyalty_wallet w LEFT JOIN (
            SELECT wallet_id, sum(remaining - reserved) FILTER (WHERE NOT is_pending) AS active,
                sum(remaining) FILTER (WHERE is_pending) AS pending, sum(reserved) AS reserved
            FROM loyalty_lot WHERE remaining > 0 GROUP BY wallet_id
        ) l ON l.wallet_id = w.id
        WHERE coalesce(l.active, 0) <> w.active OR coalesce(l.pending, 0) <> w.pending
            OR coalesce(l.reserved, 0) <> w.reserved""",
    "a lot keeps for holds what open holds say": """
        SELECT l.wallet_id, format('lot %s: %s reserved, holds say %s', l.id, l.reserved, coalesce(r.total, 0))
        FROM loyalty_lot l LEFT JOIN (
            SELECT r.lot_id, sum(r.points) AS total
            FROM loyalty_hold h JOIN loyalty_reservation r ON r.hold_id = h.id WHERE h.state = 'held' GROUP BY r.lot_id
        ) r ON r.lot_id = l.id
        WHERE l.reserved <> coalesce(r.total, 0)""",
    "a hold keeps what it says": """
        SELECT h.wallet_id, format('hold %s: %s points, %s reserved', h.id, h.points, coalesce(r.total, 0))
        FROM loyalty_hold h
        LEFT JOIN (SELECT hold_id, sum(points) AS total FROM loyalty_reservation GROUP BY hold_id) r ON r.hold_id = h.id
        WHERE h.points <> coalesce(r.total, 0)""",
    "a lot's rest is its points plus its allocations": """
        SELECT l.wallet_id, format('lot %s: %s left, %s allocated of %s', l.id, l.remaining, a.total, l.points)
        FROM loyalty_lot l
        LEFT JOIN (SELECT lot_id, sum(points) AS total FROM loyalty_allocation GROUP BY lot_id) a ON a.lot_id = l.id
        WHERE l.remaining <> l.points + coalesce(a.total, 0)""",
    "a lot holds what its entry brought": """
        SELECT e.wallet_id, format('entry %s of %s points brought lots of %s', e.sequence, e.points, coalesce(l.total, 0))
        FROM loyalty_entry e
        LEFT JOIN (SELECT entry_id, sum(points) AS total FROM loyalty_lot GROUP BY entry_id) l ON l.entry_id = e.id
        WHERE coalesce(l.total, 0) <>
            CASE WHEN e.kind IN ('earn', 'transfer_in') OR e.kind = 'adjust' AND e.points > 0 THEN e.points ELSE 0 END""",
    "a lot is in the wallet of its entry or its heir": """
        SELECT l.wallet_id, format('lot %s came from wallet %s', l.id, e.wallet_id)
        FROM loyalty_lot l JOIN loyalty_entry e ON e.id = l.entry_id JOIN loyalty_wallet w ON w.id = l.wallet_id
        WHERE l.wallet_id <> e.wallet_id AND e.wallet_id <> ALL(w.merged_from)""",
    "lifetime totals are those of the entries": """
        SELECT w.id, format('earned %s/%s, spent %s/%s, expired %s/%s', w.earned, e.earned, w.spent, e.spent,
            w.expired, e.expired)
        FROM loyalty_wallet w LEFT JOIN (
            SELECT coalesce(h.id, e.wallet_id) AS wallet_id, sum(earned) AS earned, sum(spent) AS spent,
                sum(expired) AS expired
            FROM (
                SELECT wallet_id, sum(points) FILTER (WHERE kind IN ('earn', 'reverse')) AS earned,
                    -sum(points) FILTER (WHERE kind IN ('redeem', 'return', 'donate', 'buy_back')) AS spent,
                    -sum(points) FILTER (WHERE kind = 'expire') AS expired
                FROM loyalty_entry GROUP BY wallet_id
            ) e
            LEFT JOIN (
                SELECT id, unnest(merged_from) AS merged FROM loyalty_wallet WHERE merged_from <> '{}'
            ) h ON h.merged = e.wallet_id
            GROUP BY 1
        ) e ON e.wallet_id = w.id
        WHERE w.earned <> coalesce(e.earned, 0) OR w.spent <> coalesce(e.spent, 0)
            OR w.expired <> coalesce(e.expired, 0)""",
    "an entry takes from lots what it says": """
        SELECT e.wallet_id, format('entry %s: %s points, %s from lots', e.sequence, e.points, coalesce(a.total, 0))
        FROM loyalty_entry e
        LEFT JOIN (SELECT entry_id, sum(points) AS total FROM loyalty_allocation GROUP BY entry_id) a ON a.entry_id = e.id
        WHERE e.points < 0 AND e.kind NOT IN ('reverse', 'merge') AND e.points <> coalesce(a.total, 0)""",
    "a lot has lapsed as its expiries say": """
        SELECT l.wallet_id, format('lot %s: %s lapsed, expiries say %s', l.id, l.lapsed, coalesce(x.total, 0))
        FROM loyalty_lot l LEFT JOIN (
            SELECT a.lot_id, -sum(a.points) AS total
            FROM loyalty_entry e JOIN loyalty_allocation a ON a.entry_id = e.id WHERE e.kind = 'expire' GROUP BY a.lot_id
        ) x ON x.lot_id = l.id
        WHERE l.lapsed <> coalesce(x.total, 0)""",
    "an explanation adds up to its entry": """
        SELECT wallet_id, format('entry %s: %s points, explained %s', sequence, points, explained) FROM (
            SELECT e.wallet_id, e.sequence, e.points,
                (SELECT coalesce(sum((part->>'points')::numeric), 0) FROM jsonb_array_elements(e.explanation) part)
                AS explained
            FROM loyalty_entry e
        ) e WHERE points <> explained""",
    "an order's points were posted": """
        SELECT w.id, format('order %s/%s: %s %s points, entry %s', o.source, o.number, p.points, t.code, e.points)
        FROM loyalty_order o
        JOIN loyalty_wallet w ON w.member_id = o.member_id
        JOIN loyalty_pointtype t ON t.id = w.point_type_id
        JOIN LATERAL (VALUES ('points', o.points), ('status', o.status_points)) p (code, points) ON p.code = t.code
        LEFT JOIN loyalty_entry e ON e.wallet_id = ANY(w.id || w.merged_from) AND e.kind = 'earn'
            AND e.reference = o.source || '/' || o.number
        WHERE p.points <> coalesce(e.points, 0)""",
    "nothing is due before the wallet says so": """
        SELECT w.id, format('lot due %s, wallet says %s', l.due_at, w.next_due_at)
        FROM loyalty_wallet w JOIN (
            SELECT wallet_id, min(due_at) AS due_at FROM (
                SELECT wallet_id, CASE WHEN is_pending THEN active_from ELSE expires_at END AS due_at
                FROM loyalty_lot WHERE remaining > reserved
                UNION ALL
                SELECT wallet_id, expires_at FROM loyalty_hold WHERE state = 'held'
            ) l GROUP BY wallet_id
        ) l ON l.wallet_id = w.id
        WHERE l.due_at IS NOT NULL AND (w.next_due_at IS NULL OR w.next_due_at > l.due_at)""",
}


def differences() -> Iterator[Difference]:
    """Every broken invariant, check by check, read in one consistent snapshot per check."""
    for check, statement in CHECKS.items():
        with connection.cursor() as cursor:
            cursor.execute(statement)
            while rows := cursor.fetchmany(1_000):
                for wallet, found in rows:
                    yield Difference(check, wallet, found)


def count_wallets() -> int:
    """How many wallets the books hold."""
    return Wallet.objects.count()


def freeze(*, wallets: set[int]) -> int:
    """Freeze the active members whose wallets disagree; nothing is mended silently."""
    owners = Wallet.objects.filter(pk__in=wallets).values("member_id")
    return Member.objects.filter(pk__in=owners, status=Member.Status.ACTIVE).update(
        status=Member.Status.FROZEN
    )


def verify_and_freeze() -> int:
    """Run all checks and freeze the owners of wallets that disagree; returns the number of differences."""
    found = list(differences())
    if found:
        freeze(wallets={each.wallet for each in found})
    return len(found)
