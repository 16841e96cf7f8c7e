"""The ledger's SQL. Every statement handles one row or thousands alike."""

from loyalty.queries import DUE_LOTS, VERSION

WALLET_COLUMNS = """w.id, w.member_id, t.code, w.active, w.pending, w.reserved, w.debt, w.earned, w.spent,
    w.expired, w.sequence, w.next_due_at, w.merged_from, w.last_activity_at"""

# The statements after the lock look single rows up. A plan made while a table is still small would read it whole, and
# be kept while it grows; so whole reads are out of the question for the rest of the transaction.
_BY_INDEX = "(SELECT set_config('enable_seqscan', 'off', true)) IS NOT NULL"

# Locked in id order, so that two calls never wait for each other crosswise.
LOCK_BY_MEMBER = f"""
SELECT {WALLET_COLUMNS} FROM loyalty_wallet w JOIN loyalty_pointtype t ON t.id = w.point_type_id
WHERE w.member_id = ANY(%s) AND t.code = ANY(%s) AND {_BY_INDEX} ORDER BY w.id FOR NO KEY UPDATE OF w"""

LOCK_BY_ID = f"""
SELECT {WALLET_COLUMNS} FROM loyalty_wallet w JOIN loyalty_pointtype t ON t.id = w.point_type_id
WHERE w.id = ANY(%s) AND {_BY_INDEX} ORDER BY w.id FOR NO KEY UPDATE OF w"""

# Ids are drawn while planning, so that entries and allocations need no join to find each other.
SETTLE = f"""
WITH numbers AS MATERIALIZED (
    SELECT pg_get_serial_sequence('loyalty_entry', 'id')::regclass AS id
), open_lot AS ({DUE_LOTS}), plan AS MATERIALIZED (
    SELECT *, CASE WHEN lapsing > 0 THEN nextval((SELECT id FROM numbers)) END AS expiry_id,
        row_number() OVER (PARTITION BY wallet_id, lapsing > 0 ORDER BY expires_at, id) AS nth,
        sum(lapsing) OVER (PARTITION BY wallet_id ORDER BY lapsing > 0 DESC, expires_at, id) AS lapsed_so_far
    FROM open_lot
), wallet AS (
    SELECT wallet_id, sum(activated) AS activated, sum(released) AS released, sum(paying) AS paid,
        sum(lapsing) AS lapsed, count(expiry_id) AS entries, min(next_due_at) AS next_due_at
    FROM plan GROUP BY wallet_id
), entry AS (
    INSERT INTO loyalty_entry (id, wallet_id, kind, points, balance, sequence, reference, at, details, explanation)
    SELECT plan.expiry_id, plan.wallet_id, 'expire', -plan.lapsing,
        plan.wallet_balance - plan.lapsed_so_far, plan.wallet_sequence + plan.nth,
        'lot/' || plan.id || CASE WHEN plan.lapsed > 0 THEN '/' || plan.lapsed ELSE '' END,
        plan.expires_at, jsonb_build_object('lot', plan.id, 'earned_at', plan.active_from),
        jsonb_build_array(jsonb_build_object('rule', 'expiry', 'kind', 'expiry', 'points', -plan.lapsing))
    FROM plan WHERE plan.lapsing > 0 ORDER BY plan.expiry_id
), allocation AS (
    INSERT INTO loyalty_allocation (lot_id, entry_id, points)
    SELECT id, expiry_id, -lapsing FROM plan WHERE lapsing > 0
    UNION ALL
    SELECT id, entry_id, -paying FROM plan WHERE paying > 0
), lot AS (
    UPDATE loyalty_lot l SET remaining = l.remaining - plan.paying - plan.lapsing,
        reserved = l.reserved - plan.released, lapsed = l.lapsed + plan.lapsing, is_pending = false
    FROM plan WHERE l.id = plan.id AND plan.is_due
), hold AS (
    UPDATE loyalty_hold h SET state = 'expired', closed_at = h.expires_at
    FROM (SELECT DISTINCT unnest(holds) AS id FROM plan WHERE holds IS NOT NULL) due WHERE h.id = due.id
)
UPDATE loyalty_wallet w SET
    active = w.active + wallet.activated + wallet.released - wallet.paid - wallet.lapsed,
    pending = w.pending - wallet.activated,
    reserved = w.reserved - wallet.released,
    debt = w.debt - wallet.paid,
    expired = w.expired + wallet.lapsed,
    sequence = w.sequence + wallet.entries,
    next_due_at = wallet.next_due_at
FROM wallet WHERE w.id = wallet.wallet_id
RETURNING w.id, w.active, w.pending, w.reserved, w.debt, w.expired, w.sequence, w.next_due_at"""

NOTHING_DUE = """
UPDATE loyalty_wallet SET next_due_at = NULL
WHERE id = ANY(%s) AND NOT EXISTS (
    SELECT 1 FROM loyalty_lot l WHERE l.wallet_id = loyalty_wallet.id AND l.remaining > 0
)"""

# OFFSET 0 keeps the planner from reading a wallet's whole history where it knows nothing of the tables yet.
KNOWN_REFERENCES = """
SELECT e.wallet_id, e.kind, e.reference, e.points, e.balance
FROM json_array_elements(%s::json) n CROSS JOIN LATERAL (
    SELECT wallet_id, kind, reference, points, balance FROM loyalty_entry
    WHERE wallet_id = (n->>0)::bigint AND kind = n->>1 AND reference = n->>2 OFFSET 0
) e"""

LOT_COLUMNS = """l.id, l.wallet_id, l.entry_id, l.points, l.remaining, l.reserved, l.lapsed, l.forgiven,
    l.is_pending, l.active_from, l.expires_at"""

# Per wallet the first so many lots in spending order, up to what covers the batch's need.
LOTS_TO_SPEND = f"""
SELECT {LOT_COLUMNS} FROM unnest(%s::bigint[], %s::numeric[]) AS n(wallet_id, needed)
CROSS JOIN LATERAL (
    SELECT l.*, sum(l.remaining - l.reserved) OVER (ORDER BY l.expires_at, l.active_from, l.id)
        - (l.remaining - l.reserved) AS before
    FROM (
        SELECT l.* FROM loyalty_lot l
        WHERE l.wallet_id = n.wallet_id AND l.remaining > 0 AND l.remaining > l.reserved AND NOT l.is_pending
        ORDER BY l.expires_at, l.active_from, l.id LIMIT %s
    ) l
) l WHERE l.before < n.needed"""

LOTS_OF_EARNS = f"""
SELECT e.wallet_id, e.reference, {LOT_COLUMNS} FROM json_array_elements(%s::json) n
CROSS JOIN LATERAL (
    SELECT id, wallet_id, reference FROM loyalty_entry
    WHERE wallet_id = (n->>0)::bigint AND kind = 'earn' AND reference = n->>1 OFFSET 0
) e
CROSS JOIN LATERAL (SELECT * FROM loyalty_lot WHERE entry_id = e.id OFFSET 0) l"""

# What a redemption took from each lot and was not given back yet, in spending order, with the redeem entry.
LOTS_OF_REDEEMS = f"""
SELECT e.wallet_id, e.reference, e.id, (a.taken - coalesce(back.points, 0))::bigint, {LOT_COLUMNS}
FROM json_array_elements(%s::json) n
CROSS JOIN LATERAL (
    SELECT id, wallet_id, reference FROM loyalty_entry
    WHERE wallet_id = (n->>0)::bigint AND kind = 'redeem' AND reference = n->>1 OFFSET 0
) e
CROSS JOIN LATERAL (
    SELECT min(id) AS first, lot_id, -sum(points) AS taken FROM loyalty_allocation WHERE entry_id = e.id GROUP BY lot_id
) a
LEFT JOIN LATERAL (
    SELECT sum(b.points) AS points FROM loyalty_entry r JOIN loyalty_allocation b ON b.entry_id = r.id
    WHERE r.corrects_id = e.id AND b.lot_id = a.lot_id AND b.points > 0
) back ON true
JOIN loyalty_lot l ON l.id = a.lot_id ORDER BY a.first"""

LOTS_OF_HOLDS = f"""
SELECT r.hold_id, r.points, {LOT_COLUMNS} FROM loyalty_reservation r
JOIN loyalty_hold h ON h.id = r.hold_id AND h.state = 'held' JOIN loyalty_lot l ON l.id = r.lot_id
WHERE r.hold_id = ANY(%s) ORDER BY l.expires_at, l.active_from, l.id"""

OPEN_LOTS = f"""
SELECT {LOT_COLUMNS} FROM loyalty_lot l WHERE l.wallet_id = ANY(%s) AND l.remaining > 0
ORDER BY l.expires_at, l.active_from, l.id"""

# All lots, also used-up ones: a refund or a return may give back to them.
# They are found by their entries, which stay where they are: only open lots are indexed by wallet.
MOVE_LOTS = """
UPDATE loyalty_lot l SET wallet_id = n.target FROM (SELECT %s::bigint AS target, %s::bigint AS source) n
WHERE l.wallet_id = n.source AND l.id IN (
    SELECT o.id FROM loyalty_wallet w
    JOIN loyalty_entry e ON e.wallet_id = ANY(w.id || w.merged_from) JOIN loyalty_lot o ON o.entry_id = e.id
    WHERE w.id = n.source)"""
# Two holds of one wallet never share a reference: the one that comes from elsewhere gives way.
MOVE_HOLDS = """
UPDATE loyalty_hold h SET reference = CASE WHEN EXISTS (
        SELECT 1 FROM loyalty_hold o WHERE o.wallet_id = n.target AND o.reference = h.reference
    ) THEN h.reference || n.suffix ELSE h.reference END, wallet_id = n.target
FROM (SELECT %s AS suffix, %s::bigint AS target, %s::bigint AS source) n WHERE h.wallet_id = n.source"""
TAKE_OVER = """
WITH given AS (UPDATE loyalty_wallet SET merged_from = '{}' WHERE id = %s)
UPDATE loyalty_wallet t SET merged_from = n.family, last_activity_at = greatest(t.last_activity_at, s.last_activity_at)
FROM (SELECT %s::bigint[] AS family, %s::bigint AS source, %s::bigint AS target) n
JOIN loyalty_wallet s ON s.id = n.source WHERE t.id = n.target"""

DRAW_IDS = """
SELECT ARRAY(SELECT nextval(entries) FROM generate_series(1, %s)), ARRAY(SELECT nextval(lots) FROM generate_series(1, %s))
FROM (
    SELECT pg_get_serial_sequence('loyalty_entry', 'id')::regclass AS entries,
        pg_get_serial_sequence('loyalty_lot', 'id')::regclass AS lots OFFSET 0
) s"""

COPY_ENTRIES = """COPY loyalty_entry
    (id, wallet_id, kind, points, balance, sequence, reference, at, details, explanation, corrects_id, store_id)
    FROM STDIN"""
COPY_LOTS = """COPY loyalty_lot
    (id, wallet_id, entry_id, points, remaining, reserved, lapsed, forgiven, is_pending, active_from, expires_at)
    FROM STDIN"""
COPY_RESERVATIONS = "COPY loyalty_reservation (hold_id, lot_id, points) FROM STDIN"
COPY_ALLOCATIONS = "COPY loyalty_allocation (lot_id, entry_id, points) FROM STDIN"

# Rows to update come as one array for each column: they are read faster than JSON.
UPDATE_LOTS = """
UPDATE loyalty_lot l SET remaining = n.remaining, lapsed = n.lapsed, forgiven = n.forgiven, expires_at = n.expires_at,
    reserved = n.reserved
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::bigint[])
    AS n(id, remaining, lapsed, forgiven, expires_at, reserved)
WHERE l.id = n.id"""

UPDATE_WALLETS = """
UPDATE loyalty_wallet w SET active = n.active, pending = n.pending, debt = n.debt, earned = n.earned, spent = n.spent,
    expired = n.expired, sequence = n.sequence, next_due_at = n.next_due_at, reserved = n.reserved,
    last_activity_at = n.last_activity_at
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
        %s::bigint[], %s::timestamptz[], %s::bigint[], %s::timestamptz[])
    AS n(id, active, pending, debt, earned, spent, expired, sequence, next_due_at, reserved, last_activity_at)
WHERE w.id = n.id"""

# A few credits in one statement; lots find their entries by wallet and sequence, and are numbered in their order:
# of lots that are otherwise equal the first posted is spent first.
WRITE_FEW = (
    """
WITH entry AS (
    INSERT INTO loyalty_entry
        (wallet_id, kind, points, balance, sequence, reference, at, details, explanation, store_id)
    SELECT (n->>0)::bigint, n->>1, (n->>2)::bigint, (n->>3)::bigint, (n->>4)::bigint, n->>5, (n->>6)::timestamptz,
        (n->7)::jsonb, (n->8)::jsonb, (n->>9)::bigint
    FROM json_array_elements(%s::json) n
    RETURNING id, wallet_id, sequence
), lot AS (
    INSERT INTO loyalty_lot
        (wallet_id, entry_id, points, remaining, reserved, lapsed, forgiven, is_pending, active_from, expires_at)
    SELECT entry.wallet_id, entry.id, (n->>2)::bigint, (n->>3)::bigint, 0, 0, 0, (n->>4)::boolean,
        (n->>5)::timestamptz, (n->>6)::timestamptz
    FROM json_array_elements(%s::json) n
    JOIN entry ON entry.wallet_id = (n->>0)::bigint AND entry.sequence = (n->>1)::bigint
    ORDER BY entry.id
)"""
    + UPDATE_WALLETS
)

# One credit that leaves nothing to decide: locked, checked and written by one statement. A wallet that was waited for
# is looked at again as it is then; a reference that somebody else has just used makes no entry and so changes nothing.
# The foreign keys' own statements, which are planned at the first commit of a connection, look rows up by index too.
CREDIT_AT_ONCE = f"""
WITH n AS (
    SELECT %s::bigint AS member, %s::varchar AS kind, %s::bigint AS points, %s::varchar AS reference,
        %s::timestamptz AS at, %s::jsonb AS details, %s::jsonb AS explanation, %s::bigint AS store,
        %s::timestamptz AS active_from, %s::timestamptz AS expires_at, %s::timestamptz AS moment, %s::text AS program
), wallet AS (
    SELECT w.id, w.active + w.pending + w.reserved + n.points AS balance, w.sequence + 1 AS sequence
    FROM n JOIN loyalty_wallet w ON w.member_id = n.member
        AND w.point_type_id = (SELECT id FROM loyalty_pointtype WHERE code = 'points')
    WHERE {_BY_INDEX} AND n.program = (SELECT {VERSION} FROM loyalty_program WHERE id = 1)
        AND w.debt = 0 AND NOT w.is_closed AND w.merged_from = '{{}}'
        AND (w.next_due_at IS NULL OR w.next_due_at > n.moment)
        AND greatest(w.earned, w.active + w.pending + w.reserved + w.expired) <= 9223372036854775807 - n.points
    FOR NO KEY UPDATE OF w
), entry AS (
    INSERT INTO loyalty_entry
        (wallet_id, kind, points, balance, sequence, reference, at, details, explanation, store_id)
    SELECT wallet.id, n.kind, n.points, wallet.balance, wallet.sequence, n.reference, n.at, n.details, n.explanation,
        n.store
    FROM wallet, n
    ON CONFLICT (wallet_id, kind, reference) DO NOTHING
    RETURNING id, wallet_id, balance, sequence
), lot AS (
    INSERT INTO loyalty_lot
        (wallet_id, entry_id, points, remaining, reserved, lapsed, forgiven, is_pending, active_from, expires_at)
    SELECT entry.wallet_id, entry.id, n.points, n.points, 0, 0, 0, false, n.active_from, n.expires_at FROM entry, n
)
UPDATE loyalty_wallet w SET active = w.active + n.points, earned = w.earned + n.points, sequence = entry.sequence,
    next_due_at = least(w.next_due_at, n.expires_at)
FROM entry, n WHERE w.id = entry.wallet_id RETURNING entry.balance"""

# Many credits of that kind on wallets that are locked and have been looked at: one credit for each wallet.
CREDIT_MANY = """
WITH n AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::varchar[], %s::timestamptz[], %s::jsonb[], %s::jsonb[],
        %s::bigint[], %s::timestamptz[], %s::timestamptz[])
        AS n(wallet, points, reference, at, details, explanation, store, active_from, expires_at)
), wallet AS (
    UPDATE loyalty_wallet w SET active = w.active + n.points, earned = w.earned + n.points, sequence = w.sequence + 1,
        next_due_at = least(w.next_due_at, n.expires_at)
    FROM n WHERE w.id = n.wallet
    RETURNING w.id, w.active + w.pending + w.reserved AS balance, w.sequence
), entry AS (
    INSERT INTO loyalty_entry
        (wallet_id, kind, points, balance, sequence, reference, at, details, explanation, store_id)
    SELECT n.wallet, 'earn', n.points, wallet.balance, wallet.sequence, n.reference, n.at, n.details, n.explanation, n.store
    FROM n JOIN wallet ON wallet.id = n.wallet
    RETURNING id, wallet_id, balance, sequence
), lot AS (
    INSERT INTO loyalty_lot
        (wallet_id, entry_id, points, remaining, reserved, lapsed, forgiven, is_pending, active_from, expires_at)
    SELECT n.wallet, entry.id, n.points, n.points, 0, 0, 0, false, n.active_from, n.expires_at
    FROM entry JOIN n ON n.wallet = entry.wallet_id
)
SELECT wallet_id, balance, sequence FROM entry"""
