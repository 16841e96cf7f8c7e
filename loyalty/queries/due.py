"""What has fallen due on wallets but is not settled yet: lots to activate, holds timed out, lots that have lapsed."""

# The open lots of wallets in parts: what is free or pending of a lot, and what each open hold keeps of it. A part that
# is `coming` becomes active at `comes_at`. OFFSET 0 keeps the planner from reading all lots of all wallets.
# Parameters: the moment, the wallet ids.
_PARTS = """
    SELECT l.id, l.wallet_id, l.entry_id, l.points, l.remaining, l.reserved, l.lapsed, l.is_pending, l.active_from,
        l.expires_at, p.part, p.hold_id, p.is_coming, p.comes_at, w.moment, w.debt AS wallet_debt,
        w.sequence AS wallet_sequence, w.balance AS wallet_balance,
        CASE WHEN p.is_coming THEN p.comes_at <= w.moment ELSE coalesce(l.expires_at <= w.moment, false) END AS is_due
    FROM (
        SELECT w.id, w.debt, w.reserved, w.sequence, w.active + w.pending + w.reserved - w.debt AS balance, m.moment
        FROM loyalty_wallet w CROSS JOIN (SELECT %s::timestamptz AS moment) m
        WHERE w.id = ANY(%s) AND w.next_due_at <= m.moment
    ) w
    CROSS JOIN LATERAL (SELECT * FROM loyalty_lot WHERE wallet_id = w.id AND remaining > 0 OFFSET 0) l
    CROSS JOIN LATERAL (
        SELECT l.remaining - l.reserved AS part, NULL::bigint AS hold_id, l.is_pending AS is_coming,
            l.active_from AS comes_at WHERE l.remaining > l.reserved
        UNION ALL
        SELECT r.points, h.id, true, h.expires_at
        FROM loyalty_reservation r JOIN loyalty_hold h ON h.id = r.hold_id AND h.state = 'held'
        WHERE l.reserved > 0 AND r.lot_id = l.id
    ) p"""

# `paying`: what a part that becomes active pays of the wallet's debt (in order of time, what comes together in spending
# order; what lapsed while a hold kept it was good for that hold only and pays nothing); `lapsing`: what expires of it.
_DUE_PARTS = f"""
    SELECT l.*, CASE WHEN l.is_due AND l.expires_at <= l.moment THEN l.part - l.paying ELSE 0 END AS lapsing
    FROM (
        SELECT l.*, CASE WHEN l.pays
            THEN greatest(0, least(l.part, l.wallet_debt - (l.came_so_far - l.part)))::bigint
            ELSE 0 END AS paying
        FROM (
            SELECT l.*, sum(CASE WHEN l.pays THEN l.part ELSE 0 END) OVER (
                PARTITION BY l.wallet_id
                ORDER BY l.pays DESC, l.comes_at, l.expires_at, l.active_from, l.id, l.hold_id
            ) AS came_so_far
            FROM (
                SELECT l.*, l.is_due AND l.is_coming AND coalesce(l.expires_at > l.comes_at, true) AS pays
                FROM ({_PARTS}) l
            ) l
        ) l
    ) l"""

# All open lots of the wallets in which something fell due by a moment; parameters: the moment, the wallet ids.
# `activated` and `released`: what stops being pending or reserved; `holds`: the holds that time out;
# `next_due_at`: when something will happen to it next. Used to settle (write) and to read figures as they are.
DUE_LOTS = f"""
    SELECT id, wallet_id, entry_id, points, remaining, reserved, lapsed, is_pending, active_from, expires_at,
        wallet_sequence, wallet_balance, bool_or(is_due) AS is_due,
        sum(paying)::bigint AS paying, sum(lapsing)::bigint AS lapsing,
        sum(CASE WHEN is_due AND is_pending THEN part ELSE 0 END)::bigint AS activated,
        sum(CASE WHEN is_due AND hold_id IS NOT NULL THEN part ELSE 0 END)::bigint AS released,
        array_agg(hold_id) FILTER (WHERE is_due AND hold_id IS NOT NULL) AS holds,
        min(CASE
            WHEN is_due AND part - paying - lapsing = 0 THEN NULL
            WHEN is_coming AND NOT is_due THEN comes_at
            ELSE expires_at END) AS next_due_at
    FROM ({_DUE_PARTS}) l
    GROUP BY id, wallet_id, entry_id, points, remaining, reserved, lapsed, is_pending, active_from, expires_at,
        wallet_sequence, wallet_balance"""
