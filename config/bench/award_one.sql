WITH wallet AS (
    UPDATE base_wallet SET active = active + %(points)s, earned = earned + %(points)s, sequence = sequence + 1
    WHERE member = %(member)s RETURNING id, active, sequence
), entry AS (
    INSERT INTO base_entry (wallet_id, kind, points, balance, sequence, reference, explanation, at)
    SELECT id, 1, %(points)s, active, sequence, %(reference)s, '[{"rule": "base"}]', now() FROM wallet
    RETURNING id, wallet_id
)
INSERT INTO base_lot (wallet_id, entry_id, points, remaining, active_from, expires_at)
SELECT wallet_id, id, %(points)s, %(points)s, now(), now() + interval '24 months' FROM entry
