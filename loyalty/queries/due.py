"""What has fallen due on wallets but is not settled yet: pending lots to activate, lots that have lapsed."""

# All open lots of the wallets in which something fell due by a moment; parameters: the moment, the wallet ids.
# `paying`: what a lot that becomes active pays of the wallet's debt (in order of activation);
# `lapsing`: what expires of it. Used to settle (write) and to read figures as they are (nothing written).
DUE_LOTS = """
    SELECT l.*, CASE WHEN l.is_due AND l.expires_at <= l.moment THEN l.remaining - l.paying ELSE 0 END AS lapsing
    FROM (
        SELECT l.*, CASE WHEN l.is_due AND l.is_pending
            THEN greatest(0, least(l.remaining, l.wallet_debt - (l.activated_so_far - l.remaining)))::bigint
            ELSE 0 END AS paying
        FROM (
            SELECT l.*, sum(CASE WHEN l.is_due AND l.is_pending THEN l.remaining ELSE 0 END) OVER (
                PARTITION BY l.wallet_id ORDER BY l.is_due AND l.is_pending DESC, l.active_from, l.id
            ) AS activated_so_far
            FROM (
                SELECT l.id, l.wallet_id, l.entry_id, l.points, l.remaining, l.lapsed, l.is_pending, l.active_from,
                    l.expires_at, m.moment, w.debt AS wallet_debt, w.sequence AS wallet_sequence,
                    w.active + w.pending + w.reserved - w.debt AS wallet_balance,
                    CASE WHEN l.is_pending THEN l.active_from <= m.moment
                        ELSE coalesce(l.expires_at <= m.moment, false) END AS is_due
                FROM loyalty_wallet w CROSS JOIN (SELECT %s::timestamptz AS moment) m
                JOIN loyalty_lot l ON l.wallet_id = w.id AND l.remaining > 0
                WHERE w.id = ANY(%s) AND w.next_due_at <= m.moment
            ) l
        ) l
    ) l"""
