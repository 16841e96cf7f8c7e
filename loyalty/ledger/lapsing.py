"""The usual night in one statement: wallets of which nothing is pending, reserved or owed, only lots lapse.

It writes the very rows that SETTLE writes, and reads no more of a wallet than what lapses and the moment after:
tests/loyalty/test_ledger_lapsing.py holds the two side by side.
"""

from collections.abc import Sequence
from datetime import datetime

from loyalty.ledger.database import rows

# `plan`: the lots that lapse, in order; of a wallet without any (they were spent) one row of nothing. Ids are drawn
# while planning, and every table is then looked up by the plan's ids: however large the tables, a lot costs the same.
# Parameters: the moment, the wallet ids.
LAPSE = """
WITH numbers AS MATERIALIZED (
    SELECT pg_get_serial_sequence('loyalty_entry', 'id')::regclass AS id
), plan AS MATERIALIZED (
    SELECT *, CASE WHEN id IS NOT NULL THEN nextval((SELECT id FROM numbers)) END AS expiry_id,
        row_number() OVER own AS nth, sum(remaining) OVER own AS lapsed_so_far
    FROM (
        SELECT w.id AS wallet_id, w.active, w.sequence, m.moment, l.*
        FROM loyalty_wallet w CROSS JOIN (SELECT %s::timestamptz AS moment) m
        LEFT JOIN LATERAL (
            SELECT id, remaining, lapsed, active_from, expires_at FROM loyalty_lot
            WHERE wallet_id = w.id AND remaining > 0 AND expires_at <= m.moment OFFSET 0
        ) l ON true
        WHERE w.id = ANY(%s) AND w.next_due_at <= m.moment AND w.pending = 0 AND w.reserved = 0 AND w.debt = 0
    ) l
    WINDOW own AS (PARTITION BY wallet_id ORDER BY expires_at, id ROWS UNBOUNDED PRECEDING)
), entry AS (
    INSERT INTO loyalty_entry (id, wallet_id, kind, points, balance, sequence, reference, at, details, explanation)
    SELECT expiry_id, wallet_id, 'expire', -remaining, active - lapsed_so_far, sequence + nth,
        'lot/' || id || CASE WHEN lapsed > 0 THEN '/' || lapsed ELSE '' END,
        expires_at, jsonb_build_object('lot', id, 'earned_at', active_from),
        jsonb_build_array(jsonb_build_object('rule', 'expiry', 'kind', 'expiry', 'points', -remaining))
    FROM plan WHERE id IS NOT NULL
), allocation AS (
    INSERT INTO loyalty_allocation (lot_id, entry_id, points)
    SELECT id, expiry_id, -remaining FROM plan WHERE id IS NOT NULL
), lot AS (
    UPDATE loyalty_lot l SET remaining = 0, lapsed = l.lapsed + plan.remaining FROM plan WHERE l.id = plan.id
)
UPDATE loyalty_wallet w SET active = w.active - wallet.lapsed, expired = w.expired + wallet.lapsed,
    sequence = w.sequence + wallet.entries, next_due_at = (
        SELECT expires_at FROM loyalty_lot
        WHERE wallet_id = wallet.id AND remaining > 0 AND expires_at > wallet.moment ORDER BY expires_at LIMIT 1
    )
FROM (
    SELECT wallet_id AS id, moment, coalesce(sum(remaining), 0) AS lapsed, count(id) AS entries
    FROM plan GROUP BY wallet_id, moment
) wallet WHERE w.id = wallet.id
RETURNING w.id"""


def lapse(wallets: Sequence[int], at: datetime) -> set[int]:
    """Settle those of the wallets (locked by the caller) on which lots lapse and nothing else is due; which those are."""
    return {row[0] for row in rows(LAPSE, [at, list(wallets)])}
