"""What rewards say they took and gave, held against the ledger and against each other.

Statements in the form of `loyalty.invariants`: (check, wallet id, text) for every row that breaks a check.
"""

from django.utils.translation import gettext_noop

from loyalty.vouching import ROOTS

_ROOT = f"""root AS MATERIALIZED (
    SELECT r.id, r.member_id, r.root FROM ({ROOTS}) r JOIN loyalty_pointtype t ON t.id = r.point_type_id
    WHERE t.code = 'points'
)"""

# By the redemption's number, which its entries name: a draft takes points when its hold is captured.
REDEMPTIONS = f"""
WITH {_ROOT}, paper AS (
    SELECT root.root, r.number, x.taken, CASE r.state WHEN 'cancelled' THEN x.taken ELSE 0 END AS returned
    FROM rewards_redemption r
    JOIN root ON root.member_id = r.member_id
    LEFT JOIN loyalty_hold h ON h.id = r.hold_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.hold_id IS NULL OR h.state = 'captured' THEN r.points ELSE 0 END AS taken
    ) x
    WHERE x.taken > 0
), entry AS (
    SELECT root.root, e.details->>'redemption' AS number, -sum(e.points) FILTER (WHERE e.kind = 'redeem') AS taken,
        coalesce(sum(e.points) FILTER (WHERE e.kind = 'return'), 0) AS returned
    FROM loyalty_entry e JOIN root ON root.id = e.wallet_id
    WHERE e.kind IN ('redeem', 'return') AND e.details ? 'redemption' GROUP BY 1, 2
)
SELECT 'a redemption has its entries', coalesce(p.root, e.root),
    format('redemption %s: %s taken and %s returned on paper, entries of %s and %s', coalesce(p.number, e.number),
        coalesce(p.taken, 0), coalesce(p.returned, 0), coalesce(e.taken, 0), coalesce(e.returned, 0))
FROM paper p FULL JOIN entry e ON e.root = p.root AND e.number = p.number
WHERE (p.taken, p.returned) IS DISTINCT FROM (e.taken, e.returned)"""

_SHELVES = """
    SELECT 'reward ' || code AS name, id AS reward_id, NULL::bigint AS variant_id, NULL::bigint AS offer_id, stock
    FROM rewards_reward
    UNION ALL
    SELECT 'variant ' || v.code || ' of ' || r.code, v.reward_id, v.id, NULL, v.stock
    FROM rewards_variant v JOIN rewards_reward r ON r.id = v.reward_id
    UNION ALL
    SELECT 'offer ' || code, reward_id, NULL, id, stock FROM rewards_offer"""

STOCK = f"""
SELECT 'movements of stock add up to the stock', NULL::bigint,
    format('%s: stock %s, movements %s', s.name, coalesce(s.stock::text, 'unlimited'), coalesce(m.pieces, 0))
FROM ({_SHELVES}) s
LEFT JOIN (
    SELECT reward_id, variant_id, offer_id, sum(pieces) AS pieces FROM rewards_stockmovement GROUP BY 1, 2, 3
) m ON m.reward_id = s.reward_id AND m.variant_id IS NOT DISTINCT FROM s.variant_id
    AND m.offer_id IS NOT DISTINCT FROM s.offer_id
WHERE coalesce(s.stock, 0) <> coalesce(m.pieces, 0)
UNION ALL
SELECT 'what is redeemed moves its pieces', NULL, format('redemption %s: %s of %s pieces', r.number, m.pieces, r.quantity)
FROM rewards_stockmovement m JOIN rewards_redemption r ON r.id = m.redemption_id
WHERE m.pieces <> CASE m.cause WHEN 'redeemed' THEN -r.quantity ELSE r.quantity END"""

# A voucher that came back with a part of an order replaces another one: it is no piece of its own.
VOUCHERS = """
SELECT c.name, NULL::bigint, format('redemption %s (%s): %s pieces, %s vouchers, %s of them open', r.number, r.state,
    r.quantity, coalesce(v.pieces, 0), coalesce(v.open, 0))
FROM rewards_redemption r
LEFT JOIN (
    SELECT redemption_id, count(*) FILTER (WHERE replaces_id IS NULL) AS pieces,
        count(*) FILTER (WHERE state IN ('inactive', 'active')) AS open,
        count(*) FILTER (WHERE state = 'used') AS used
    FROM rewards_voucher GROUP BY redemption_id
) v ON v.redemption_id = r.id
CROSS JOIN LATERAL (VALUES
    ('a redemption has a voucher for each piece', coalesce(v.pieces, 0) <> CASE
        WHEN r.state = 'reserved' THEN 0
        WHEN r.state IN ('issued', 'used') AND r.delivery <> 'shipping' THEN r.quantity
        ELSE CASE WHEN coalesce(v.pieces, 0) IN (0, r.quantity) THEN coalesce(v.pieces, 0) ELSE -1 END END),
    ('what is over has no voucher left', r.state IN ('used', 'cancelled') AND coalesce(v.open, 0) > 0),
    ('what was cancelled was not used', r.state = 'cancelled' AND coalesce(v.used, 0) > 0)
) c (name, is_broken)
WHERE c.is_broken
UNION ALL
SELECT 'a voucher''s use stands in its steps', NULL, format('voucher %s: used at %s', v.id, v.used_at)
FROM rewards_voucher v
WHERE v.state = 'used'
    AND EXISTS (SELECT 1 FROM rewards_voucherstep s WHERE s.voucher_id = v.id)
    AND NOT EXISTS (
        SELECT 1 FROM rewards_voucherstep s WHERE s.voucher_id = v.id AND s.kind = 'used' AND s.at = v.used_at
    )
UNION ALL
SELECT 'a code that was handed out is its voucher''s', NULL, format('code %s: voucher %s', c.id, v.id)
FROM rewards_partnercode c JOIN rewards_voucher v ON v.id = c.voucher_id
WHERE NOT c.is_taken OR v.lookup <> c.lookup OR v.reward_id <> c.reward_id
UNION ALL
SELECT 'a code that was handed out is its voucher''s', NULL, format('code %s: not of voucher %s', c.id, v.id)
FROM rewards_partnercode c JOIN rewards_voucher v ON v.lookup = c.lookup
WHERE c.voucher_id IS DISTINCT FROM v.id"""

DRAWS = """
SELECT c.name, NULL::bigint, format('round %s: %s tickets, %s goes, the last has number %s', r.code, r.tickets,
    coalesce(p.goes, 0), coalesce(p.last, 0))
FROM rewards_drawround r
LEFT JOIN (
    SELECT round_id, count(*) AS goes, max(number) AS last FROM rewards_drawplay GROUP BY round_id
) p ON p.round_id = r.id
CROSS JOIN LATERAL (VALUES
    ('tickets of a round have no gaps', r.tickets <> coalesce(p.goes, 0) OR r.tickets <> coalesce(p.last, 0)),
    ('a round has the seed that was promised', encode(sha256(decode(r.seed, 'hex')), 'hex') <> r.seed_hash)
) c (name, is_broken)
WHERE c.is_broken
UNION ALL
SELECT 'a round gives no more than it published', NULL, format('round %s, %s: %s of %s', r.code, z.name, p.won, z.stock)
FROM rewards_drawround r
CROSS JOIN LATERAL jsonb_to_recordset(r.prizes) z (id bigint, name text, stock bigint)
JOIN (SELECT round_id, prize_id, count(*) AS won FROM rewards_drawplay GROUP BY 1, 2) p
    ON p.round_id = r.id AND p.prize_id = z.id
WHERE z.stock IS NOT NULL AND p.won > z.stock
UNION ALL
SELECT 'a go has its ticket and its prize', NULL, format('round %s, ticket %s', r.code, p.number)
FROM rewards_drawplay p
JOIN rewards_drawround r ON r.id = p.round_id
JOIN rewards_drawprize z ON z.id = p.prize_id
LEFT JOIN rewards_voucher v ON v.id = p.voucher_id
LEFT JOIN rewards_redemption g ON g.id = p.redemption_id
WHERE z.draw_id <> r.draw_id OR (z.kind = 'reward') <> (p.redemption_id IS NOT NULL)
    OR v.state <> 'used' OR g.points <> 0"""

# What goes cost and what they won in points, by sum for each wallet; prizes as they were published.
DRAW_POINTS = f"""
WITH {_ROOT}, paper AS (
    SELECT root.root, sum(p.points) AS paid, coalesce(sum(z.points), 0) AS won
    FROM rewards_drawplay p
    JOIN root ON root.member_id = p.member_id
    JOIN rewards_drawround r ON r.id = p.round_id
    LEFT JOIN LATERAL jsonb_to_recordset(r.prizes) z (id bigint, points bigint) ON z.id = p.prize_id
    GROUP BY 1
), entry AS (
    SELECT root.root, -coalesce(sum(e.points) FILTER (WHERE e.kind = 'redeem'), 0) AS paid,
        coalesce(sum(e.points) FILTER (WHERE e.kind = 'earn'), 0) AS won
    FROM loyalty_entry e JOIN root ON root.id = e.wallet_id
    WHERE e.kind IN ('redeem', 'earn') AND e.details ? 'draw' GROUP BY 1
)
SELECT 'goes at draws have their entries', coalesce(p.root, e.root),
    format('%s paid and %s won on paper, entries of %s and %s', coalesce(p.paid, 0), coalesce(p.won, 0),
        coalesce(e.paid, 0), coalesce(e.won, 0))
FROM paper p FULL JOIN entry e ON e.root = p.root
WHERE (coalesce(p.paid, 0), coalesce(p.won, 0)) <> (coalesce(e.paid, 0), coalesce(e.won, 0))"""

CHECKS: dict[str, str] = {
    gettext_noop("redemptions"): REDEMPTIONS,
    gettext_noop("stock of rewards"): STOCK,
    gettext_noop("vouchers and codes"): VOUCHERS,
    gettext_noop("draws"): DRAWS,
    gettext_noop("points of draws"): DRAW_POINTS,
}
