"""Every paper has its entries and every entry its paper: orders, refunds, holds, gifts, adjustments against the ledger.

Statements in the form of `invariants`: (check, wallet id, text) for every row that breaks a check.
"""

from django.utils.translation import gettext_noop

from loyalty.invariants import HEIRS

# The wallet that stands for a wallet: its heir, or itself. After a merge a paper may name either.
ROOTS = f"""
    SELECT w.id, w.member_id, w.point_type_id, coalesce(h.id, w.id) AS root
    FROM loyalty_wallet w LEFT JOIN ({HEIRS}) h ON h.merged = w.id"""

# Per order what its points and its status points say, and what the ledger says. A refund takes no more than its target
# (part of it may have expired, or would have become debt), and what a refund notes was taken.
ORDERS = f"""
WITH root AS MATERIALIZED ({ROOTS}), said AS MATERIALIZED (
    SELECT root.root, o.source || '/' || o.number AS reference, p.points, p.target, coalesce(p.taken, 0) AS taken
    FROM loyalty_order o
    LEFT JOIN (
        SELECT order_id, sum(points_reversed) AS points, sum(status_points_reversed) AS status_points
        FROM loyalty_refund GROUP BY order_id
    ) r ON r.order_id = o.id
    CROSS JOIN LATERAL (VALUES
        ('points', o.points, o.points_reversed, r.points),
        ('status', o.status_points, o.status_points_reversed, r.status_points)
    ) p (code, points, target, taken)
    JOIN loyalty_pointtype t ON t.code = p.code
    JOIN root ON root.member_id = o.member_id AND root.point_type_id = t.id
), posted AS (
    SELECT s.root, s.reference, sum(e.points) AS points, -sum(c.points) AS taken
    FROM said s JOIN root ON root.root = s.root
    JOIN loyalty_entry e ON e.wallet_id = root.id AND e.kind = 'earn' AND e.reference = s.reference
    LEFT JOIN (
        SELECT corrects_id, sum(points) AS points FROM loyalty_entry
        WHERE corrects_id IS NOT NULL AND kind = 'reverse' GROUP BY corrects_id
    ) c ON c.corrects_id = e.id
    GROUP BY s.root, s.reference
)
SELECT c.name, s.root, c.found
FROM said s LEFT JOIN posted p ON p.root = s.root AND p.reference = s.reference
CROSS JOIN LATERAL (VALUES
    ('an order''s points were posted', s.points <> coalesce(p.points, 0),
        format('order %s: %s points, entry %s', s.reference, s.points, p.points)),
    ('refunds took back what they say', coalesce(p.taken, 0) NOT BETWEEN s.taken AND s.target,
        format('order %s: %s to take back, refunds took %s, entries %s', s.reference, s.target, s.taken, p.taken))
) c (name, is_broken, found)
WHERE (s.points <> coalesce(p.points, 0) OR coalesce(p.taken, 0) NOT BETWEEN s.taken AND s.target) AND c.is_broken"""

# The points that paid for an order and came back: what the order says and what the ledger gave back to its captures.
RETURNS = """
SELECT 'an order''s points came back as it says', r.wallet_id, format('order %s/%s: %s points, entries %s', o.source,
    o.number, o.points_returned, coalesce(r.points, 0))
FROM loyalty_order o
LEFT JOIN (
    SELECT h.order_id, min(h.wallet_id) AS wallet_id, sum(b.points) AS points
    FROM loyalty_hold h
    JOIN loyalty_entry e ON e.kind = 'redeem' AND e.reference = 'hold/' || h.id AND e.details ? 'hold'
    LEFT JOIN loyalty_entry b ON b.corrects_id = e.id AND b.kind = 'return'
    WHERE h.order_id IS NOT NULL GROUP BY h.order_id
) r ON r.order_id = o.id
WHERE o.points_returned <> coalesce(r.points, 0)"""

# What the papers say must be in the ledger: (wallet, kind, name, points). A capture is known by its name; the others
# by their sum: an entry gets another reference where a merged member had used it already.
_PAPERS = """
    SELECT wallet_id, 'redeem' AS kind, 'hold/' || id AS name, -captured_points AS points FROM loyalty_hold
    WHERE state = 'captured'
    UNION ALL
    SELECT w.id, 'adjust', '', a.points
    FROM loyalty_adjustment a JOIN points_wallet w ON w.member_id = a.member_id WHERE a.state = 'posted'
    UNION ALL
    SELECT w.id, p.kind, '', p.points FROM loyalty_transfer t
    CROSS JOIN LATERAL (VALUES
        (t.sender_id, 'transfer_out', -t.points), (t.sender_id, 'fee', -t.fee), (t.receiver_id, 'transfer_in', t.points)
    ) p (member_id, kind, points)
    JOIN points_wallet w ON w.member_id = p.member_id WHERE p.points <> 0
    UNION ALL
    SELECT w.id, 'donate', '', -d.points FROM loyalty_donation d JOIN points_wallet w USING (member_id)
    UNION ALL
    SELECT w.id, 'buy_back', '', -b.points FROM loyalty_buyback b JOIN points_wallet w USING (member_id)"""

# Entries that say by their details that there is a paper; what a closed member forfeits has none.
_CLAIMS = """
    SELECT wallet_id, kind, CASE kind WHEN 'redeem' THEN reference ELSE '' END AS name, points
    FROM loyalty_entry
    WHERE CASE kind
        WHEN 'redeem' THEN reference LIKE 'hold/%' AND details ? 'hold'
        WHEN 'adjust' THEN details ? 'reason' AND details->>'reason' <> 'forfeited'
        WHEN 'transfer_out' THEN details ? 'to'
        WHEN 'fee' THEN details ? 'to'
        WHEN 'transfer_in' THEN details ? 'from'
        WHEN 'donate' THEN details ? 'project'
        WHEN 'buy_back' THEN details ? 'value'
        ELSE false END"""

PAPERS = f"""
WITH root AS MATERIALIZED ({ROOTS}), points_wallet AS (
    SELECT root.id, root.member_id FROM root JOIN loyalty_pointtype t ON t.id = root.point_type_id
    WHERE t.code = 'points'
), paper AS (
    SELECT root.root, p.kind, p.name, count(*) AS number, sum(p.points) AS points
    FROM ({_PAPERS}) p JOIN root ON root.id = p.wallet_id GROUP BY 1, 2, 3
), entry AS (
    SELECT root.root, e.kind, e.name, count(*) AS number, sum(e.points) AS points
    FROM ({_CLAIMS}) e JOIN root ON root.id = e.wallet_id GROUP BY 1, 2, 3
)
SELECT 'a paper has its entry and an entry its paper', coalesce(p.root, e.root),
    format('%s: %s of %s points on paper, %s entries of %s', concat_ws(' ', coalesce(p.kind, e.kind),
        nullif(coalesce(p.name, e.name), '')), coalesce(p.number, 0), coalesce(p.points, 0), coalesce(e.number, 0),
        coalesce(e.points, 0))
FROM paper p FULL JOIN entry e ON e.root = p.root AND e.kind = p.kind AND e.name = p.name
WHERE (p.number, p.points) IS DISTINCT FROM (e.number, e.points)"""

CHECKS: dict[str, str] = {
    gettext_noop("orders and refunds"): ORDERS,
    gettext_noop("points that paid for orders"): RETURNS,
    gettext_noop("holds, gifts, adjustments"): PAPERS,
}
