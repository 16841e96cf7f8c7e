"""What campaigns say they gave, held against the ledger: acts, referrals, benefits, budgets.

Statements in the form of `loyalty.invariants`: (check, wallet id, text) for every row that breaks a check.
"""

from django.utils.translation import gettext_noop

from loyalty.vouching import ROOTS

# By number and sum for each wallet: an act gets another reference where a merged member had used it already.
_SAID = """
    SELECT p.code, a.member_id, 'act' AS kind, '' AS name, p.points FROM campaigns_act a
    CROSS JOIN LATERAL (VALUES ('points', a.points), ('status', a.status_points)) p (code, points)
    UNION ALL
    SELECT 'points', p.member_id, 'referral', 'referral/' || c.id || '/' || p.side, p.points FROM campaigns_conversion c
    CROSS JOIN LATERAL (VALUES
        (c.referrer_id, 'referrer', c.referrer_points), (c.referee_id, 'referee', c.referee_points)
    ) p (member_id, side, points)
    UNION ALL
    SELECT 'points', member_id, 'benefit', '', points FROM campaigns_benefitgrant"""

_CLAIMED = """
    SELECT wallet_id, points, CASE WHEN details ? 'event' THEN 'act' WHEN details ? 'benefit' THEN 'benefit'
        ELSE 'referral' END AS kind, CASE WHEN details ? 'friend' THEN reference ELSE '' END AS name
    FROM loyalty_entry WHERE kind = 'earn' AND details ?| ARRAY['event', 'benefit', 'friend']"""

PAPERS = f"""
WITH root AS MATERIALIZED ({ROOTS}), paper AS (
    SELECT root.root, s.kind, s.name, count(*) AS number, sum(s.points) AS points
    FROM ({_SAID}) s
    JOIN loyalty_pointtype t ON t.code = s.code
    JOIN root ON root.member_id = s.member_id AND root.point_type_id = t.id
    WHERE s.points <> 0 GROUP BY 1, 2, 3
), entry AS (
    SELECT root.root, c.kind, c.name, count(*) AS number, sum(c.points) AS points
    FROM ({_CLAIMED}) c JOIN root ON root.id = c.wallet_id GROUP BY 1, 2, 3
)
SELECT 'what campaigns gave has its entries', coalesce(p.root, e.root),
    format('%s: %s of %s points given, %s entries of %s', concat_ws(' ', coalesce(p.kind, e.kind),
        nullif(coalesce(p.name, e.name), '')), coalesce(p.number, 0), coalesce(p.points, 0), coalesce(e.number, 0),
        coalesce(e.points, 0))
FROM paper p FULL JOIN entry e ON e.root = p.root AND e.kind = p.kind AND e.name = p.name
WHERE (p.number, p.points) IS DISTINCT FROM (e.number, e.points)"""

# What refunds and empty shelves brought back stays used, so a budget may say more than its awards, never less.
BUDGETS = """
SELECT 'a budget knows all that its campaign gave', NULL::bigint,
    format('campaign %s: %s used, awards of %s', c.code, b.used, a.total)
FROM campaigns_budget b
JOIN campaigns_campaign c ON c.id = b.campaign_id
JOIN (
    SELECT campaign_id, sum(points + status_points + pieces) AS total FROM campaigns_campaignaward GROUP BY campaign_id
) a ON a.campaign_id = b.campaign_id
WHERE jsonb_typeof(c.limits->'budget_points') = 'number' AND b.used < a.total"""

CHECKS: dict[str, str] = {
    gettext_noop("what campaigns gave"): PAPERS,
    gettext_noop("budgets"): BUDGETS,
}
