WITH posting AS MATERIALIZED (
    SELECT n AS member, (random() * 499)::int + 1 AS points, %(run)s::text || '-' || n AS reference
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + 999) AS n
), wallet AS (
    UPDATE base_wallet SET active = active + posting.points, earned = earned + posting.points, sequence = sequence + 1
    FROM posting WHERE base_wallet.member = posting.member
    RETURNING base_wallet.id, active, sequence, posting.points, posting.reference
), entry AS (
    INSERT INTO base_entry (wallet_id, kind, points, balance, sequence, reference, explanation, at)
    SELECT id, 1, points, active, sequence, reference, '[{"rule": "base"}]', now() FROM wallet
    RETURNING id, wallet_id, points
)
INSERT INTO base_lot (wallet_id, entry_id, points, remaining, active_from, expires_at)
SELECT wallet_id, id, points, points, now(), now() + interval '24 months' FROM entry
