"""What must always hold in the ledger, as set-based questions; an empty answer is a clean book.

Each statement is one pass over a table and answers (check, wallet id or NULL, text) for every row that breaks a
check. Tables are joined whole (hash and merge joins), texts are made for broken rows alone.
"""

from django.utils.translation import gettext_noop

from loyalty import day_sheets

# Wallets that were merged into another one: (merged, id of the heir).
HEIRS = "SELECT unnest(merged_from) AS merged, id FROM loyalty_wallet WHERE merged_from <> '{}'"

_LIFETIME = """sum(points) FILTER (WHERE kind IN ('earn', 'reverse')) AS earned,
    -sum(points) FILTER (WHERE kind IN ('redeem', 'return', 'donate', 'buy_back')) AS spent,
    -sum(points) FILTER (WHERE kind = 'expire') AS expired"""

_WALLETS = f"""
    SELECT w.*, w.active + w.pending + w.reserved - w.debt AS figures,
        e.entries, e.last, coalesce(e.total, 0) AS total, coalesce(e.last_balance, 0) AS last_balance, e.broken,
        h.id AS heir,
        CASE WHEN h.id IS NULL THEN coalesce(e.earned, 0) + coalesce(i.earned, 0) ELSE 0 END AS sum_earned,
        CASE WHEN h.id IS NULL THEN coalesce(e.spent, 0) + coalesce(i.spent, 0) ELSE 0 END AS sum_spent,
        CASE WHEN h.id IS NULL THEN coalesce(e.expired, 0) + coalesce(i.expired, 0) ELSE 0 END AS sum_expired
    FROM loyalty_wallet w
    LEFT JOIN (
        SELECT wallet_id, count(*) AS entries, max(sequence) AS last, sum(points) AS total,
            sum(balance) FILTER (WHERE is_last) AS last_balance,
            min(sequence) FILTER (WHERE balance <> expected OR sequence <> nth) AS broken, {_LIFETIME}
        FROM (
            SELECT wallet_id, kind, points, balance, sequence, sum(points) OVER by_sequence AS expected,
                row_number() OVER by_sequence AS nth, lead(1) OVER by_sequence IS NULL AS is_last
            FROM loyalty_entry WINDOW by_sequence AS (PARTITION BY wallet_id ORDER BY sequence)
        ) e GROUP BY wallet_id
    ) e ON e.wallet_id = w.id
    LEFT JOIN (
        SELECT h.id, {_LIFETIME} FROM ({HEIRS}) h JOIN loyalty_entry e ON e.wallet_id = h.merged GROUP BY h.id
    ) i ON i.id = w.id
    LEFT JOIN ({HEIRS}) h ON h.merged = w.id"""

WALLETS_AND_ENTRIES = f"""
SELECT c.name, w.id, c.found FROM ({_WALLETS}) w
CROSS JOIN LATERAL (VALUES
    ('entries sum to the wallet''s balance', w.total <> w.figures,
        format('entries sum to %s, wallet says %s', w.total, w.figures)),
    ('the last entry''s balance is the wallet''s', w.last_balance <> w.figures OR coalesce(w.last, 0) <> w.sequence,
        format('entry %s of %s says %s, wallet says %s', w.last, w.sequence, w.last_balance, w.figures)),
    ('sequences have no gap and balances follow', w.broken IS NOT NULL,
        format('entry %s does not follow the one before', w.broken)),
    ('lifetime totals are those of the entries',
        (w.earned, w.spent, w.expired) <> (w.sum_earned, w.sum_spent, w.sum_expired),
        format('earned %s/%s, spent %s/%s, expired %s/%s', w.earned, w.sum_earned, w.spent, w.sum_spent,
            w.expired, w.sum_expired)),
    ('a merged wallet is empty', w.heir IS NOT NULL AND (w.active, w.pending, w.reserved, w.debt) <> (0, 0, 0, 0),
        format('merged into wallet %s with active %s, pending %s, reserved %s, debt %s', w.heir, w.active, w.pending,
            w.reserved, w.debt))
) c (name, is_broken, found)
WHERE (w.total <> w.figures OR w.last_balance <> w.figures OR coalesce(w.last, 0) <> w.sequence
    OR w.broken IS NOT NULL OR w.earned <> w.sum_earned OR w.spent <> w.sum_spent OR w.expired <> w.sum_expired
    OR w.heir IS NOT NULL) AND c.is_broken"""

_WALLETS_WITH_LOTS = """
    SELECT w.*, coalesce(l.active, 0) AS lots_active, coalesce(l.pending, 0) AS lots_pending,
        coalesce(l.reserved, 0) AS lots_reserved, least(l.due_at, h.due_at) AS due_at
    FROM loyalty_wallet w
    LEFT JOIN (
        SELECT wallet_id, sum(remaining - reserved) FILTER (WHERE NOT is_pending) AS active,
            sum(remaining) FILTER (WHERE is_pending) AS pending, sum(reserved) AS reserved,
            min(CASE WHEN is_pending THEN active_from ELSE expires_at END) FILTER (WHERE remaining > reserved) AS due_at
        FROM loyalty_lot WHERE remaining > 0 GROUP BY wallet_id
    ) l ON l.wallet_id = w.id
    LEFT JOIN (
        SELECT wallet_id, min(expires_at) AS due_at FROM loyalty_hold WHERE state = 'held' GROUP BY wallet_id
    ) h ON h.wallet_id = w.id"""

WALLETS_AND_LOTS = f"""
SELECT c.name, w.id, c.found FROM ({_WALLETS_WITH_LOTS}) w
CROSS JOIN LATERAL (VALUES
    ('lots of each state sum to the wallet''s figures',
        (w.lots_active, w.lots_pending, w.lots_reserved) <> (w.active, w.pending, w.reserved),
        format('lots: active %s, pending %s, reserved %s; wallet: %s, %s, %s', w.lots_active, w.lots_pending,
            w.lots_reserved, w.active, w.pending, w.reserved)),
    ('nothing is due before the wallet says so', coalesce(w.next_due_at, 'infinity') > w.due_at,
        format('due %s, wallet says %s', w.due_at, w.next_due_at))
) c (name, is_broken, found)
WHERE (w.lots_active <> w.active OR w.lots_pending <> w.pending OR w.lots_reserved <> w.reserved
    OR coalesce(w.next_due_at, 'infinity') > w.due_at) AND c.is_broken"""

# An entry by itself: its digest finds any change of it at once, also before the night's seal. The inner question is
# put so that several workers can answer it; what they find is looked at again for the words.
_IS_CHANGED = "e.digest IS DISTINCT FROM loyalty_entry_digest(e)"
_IS_ODD = "(e.kind IN ('reverse', 'return')) <> (e.corrects_id IS NOT NULL)"
_IS_UNEXPLAINED = """(e.explanation #>> '{0,points}')::numeric IS DISTINCT FROM e.points
    AND jsonb_array_length(e.explanation) <= 1"""

ENTRIES = f"""
SELECT c.name, e.wallet_id, c.found FROM (
    SELECT e.id FROM loyalty_entry e WHERE {_IS_CHANGED} OR {_IS_UNEXPLAINED} OR {_IS_ODD}
) broken
JOIN loyalty_entry e ON e.id = broken.id
CROSS JOIN LATERAL (VALUES
    ('an entry is as it was written', {_IS_CHANGED}, format('entry %s has another digest', e.sequence)),
    ('an explanation adds up to its entry', {_IS_UNEXPLAINED},
        format('entry %s: %s points, explained %s', e.sequence, e.points, e.explanation #>> '{{0,points}}')),
    ('a correction names what it corrects', {_IS_ODD},
        format('entry %s (%s) corrects %s', e.sequence, e.kind, e.corrects_id))
) c (name, is_broken, found)
WHERE c.is_broken"""

# Explanations of several parts add up too; those of one part are looked at above.
EXPLANATIONS = """
SELECT 'an explanation adds up to its entry', e.wallet_id,
    format('entry %s: %s points, explained %s', e.sequence, e.points, part.points)
FROM loyalty_entry e
CROSS JOIN LATERAL (
    SELECT coalesce(sum((part->>'points')::numeric), 0) AS points FROM jsonb_array_elements(e.explanation) part
) part
WHERE jsonb_array_length(e.explanation) > 1 AND part.points <> e.points"""

ENTRIES_AND_LOTS = f"""
SELECT c.name, e.wallet_id, c.found FROM (
    SELECT e.*, coalesce(l.total, 0) AS brought, coalesce(a.total, 0) AS took, l.first_wallet, l.last_wallet,
        CASE WHEN e.kind IN ('earn', 'transfer_in') OR e.kind = 'adjust' AND e.points > 0
            THEN e.points ELSE 0 END AS to_bring
    FROM loyalty_entry e
    LEFT JOIN (
        SELECT entry_id, sum(points) AS total, min(wallet_id) AS first_wallet, max(wallet_id) AS last_wallet
        FROM loyalty_lot GROUP BY entry_id
    ) l ON l.entry_id = e.id
    LEFT JOIN (SELECT entry_id, sum(points) AS total FROM loyalty_allocation GROUP BY entry_id) a ON a.entry_id = e.id
) e
CROSS JOIN LATERAL (VALUES
    ('a lot holds what its entry brought', e.brought <> e.to_bring,
        format('entry %s of %s points brought lots of %s', e.sequence, e.points, e.brought)),
    ('an entry takes from lots what it says',
        e.points < 0 AND e.kind NOT IN ('reverse', 'merge') AND e.points <> e.took,
        format('entry %s: %s points, %s from lots', e.sequence, e.points, e.took)),
    ('a lot is in the wallet of its entry or its heir', EXISTS (
            SELECT 1 FROM loyalty_lot l WHERE l.entry_id = e.id AND l.wallet_id <> e.wallet_id
                AND NOT EXISTS (SELECT 1 FROM ({HEIRS}) h WHERE h.merged = e.wallet_id AND h.id = l.wallet_id)),
        format('entry %s: lots in wallet %s', e.sequence, e.last_wallet))
) c (name, is_broken, found)
WHERE (e.brought <> e.to_bring OR e.points < 0 AND e.kind NOT IN ('reverse', 'merge') AND e.points <> e.took
    OR e.first_wallet <> e.wallet_id OR e.last_wallet <> e.wallet_id) AND c.is_broken"""

LOTS = """
SELECT c.name, l.wallet_id, c.found FROM (
    SELECT l.*, coalesce(a.total, 0) AS allocated, coalesce(a.expired, 0) AS expired, coalesce(r.total, 0) AS kept
    FROM loyalty_lot l
    LEFT JOIN (
        SELECT a.lot_id, sum(a.points) AS total, -sum(a.points) FILTER (WHERE e.id IS NOT NULL) AS expired
        FROM loyalty_allocation a LEFT JOIN loyalty_entry e ON e.id = a.entry_id AND e.kind = 'expire'
        GROUP BY a.lot_id
    ) a ON a.lot_id = l.id
    LEFT JOIN (
        SELECT r.lot_id, sum(r.points) AS total
        FROM loyalty_hold h JOIN loyalty_reservation r ON r.hold_id = h.id WHERE h.state = 'held' GROUP BY r.lot_id
    ) r ON r.lot_id = l.id
) l
CROSS JOIN LATERAL (VALUES
    ('a lot''s rest is its points plus its allocations', l.remaining <> l.points + l.allocated,
        format('lot %s: %s left, %s allocated of %s', l.id, l.remaining, l.allocated, l.points)),
    ('a lot has lapsed as its expiries say', l.lapsed <> l.expired,
        format('lot %s: %s lapsed, expiries say %s', l.id, l.lapsed, l.expired)),
    ('a lot keeps for holds what open holds say', l.reserved <> l.kept,
        format('lot %s: %s reserved, holds say %s', l.id, l.reserved, l.kept))
) c (name, is_broken, found)
WHERE (l.remaining <> l.points + l.allocated OR l.lapsed <> l.expired OR l.reserved <> l.kept) AND c.is_broken"""

CORRECTIONS = f"""
SELECT 'a correction stays within what it corrects', e.wallet_id,
    format('entry %s of %s points, corrected by %s', e.sequence, e.points, c.total)
FROM (
    SELECT corrects_id, kind, sum(points) AS total, min(wallet_id) AS first_wallet, max(wallet_id) AS last_wallet
    FROM loyalty_entry WHERE corrects_id IS NOT NULL GROUP BY corrects_id, kind
) c JOIN loyalty_entry e ON e.id = c.corrects_id
WHERE (c.kind, e.kind) NOT IN (('reverse', 'earn'), ('return', 'redeem'))
    OR sign(e.points) = sign(c.total) OR abs(c.total) > abs(e.points)
    OR (c.first_wallet <> e.wallet_id OR c.last_wallet <> e.wallet_id) AND NOT EXISTS (
        SELECT 1 FROM ({HEIRS}) h WHERE h.merged = e.wallet_id)"""

HOLDS = """
SELECT 'a hold keeps what it says', h.wallet_id, format('hold %s: %s points, %s reserved', h.id, h.points,
    coalesce(r.total, 0))
FROM loyalty_hold h
LEFT JOIN (SELECT hold_id, sum(points) AS total FROM loyalty_reservation GROUP BY hold_id) r ON r.hold_id = h.id
WHERE h.points <> coalesce(r.total, 0)"""

DAY_SHEETS = f"""
SELECT 'day sheets are the sums of their entries', NULL::bigint, format('%s %s at store %s: %s entries of %s points, sheet says %s of %s',
    coalesce(e.day, s.day), coalesce(e.kind, s.kind), coalesce(e.store_id, s.store_id), coalesce(e.entries, 0),
    coalesce(e.points, 0), coalesce(s.entries, 0), coalesce(s.points, 0))
FROM ({day_sheets.RECOUNTED}) e
FULL JOIN loyalty_daysheet s ON (s.day, s.point_type_id, coalesce(s.store_id, 0), s.kind)
    = (e.day, e.point_type_id, coalesce(e.store_id, 0), e.kind)
WHERE (e.entries, e.points) IS DISTINCT FROM (s.entries, s.points)"""

# What the database refuses: a trigger that is gone or switched off lets anybody change the past.
PROTECTION = """
SELECT 'the database protects the ledger', NULL::bigint, format('%s.%s is %s', n.relation, n.name,
    CASE WHEN t.tgname IS NULL THEN 'missing' ELSE 'switched off' END)
FROM (VALUES ('loyalty_entry', 'append_only'), ('loyalty_entry', 'no_truncate'), ('loyalty_entry', 'digest'),
    ('loyalty_entry', 'corrects_within'), ('loyalty_allocation', 'append_only'), ('loyalty_allocation', 'no_truncate'),
    ('loyalty_seal', 'append_only'), ('loyalty_seal', 'no_truncate')) n (relation, name)
LEFT JOIN pg_trigger t ON t.tgrelid = n.relation::regclass AND t.tgname LIKE 'pgtrigger\\_' || n.name || '\\_%'
WHERE t.tgenabled IS DISTINCT FROM 'O' AND t.tgenabled IS DISTINCT FROM 'A'"""

CHECKS: dict[str, str] = {
    gettext_noop("wallets and their entries"): WALLETS_AND_ENTRIES,
    gettext_noop("wallets and their lots"): WALLETS_AND_LOTS,
    gettext_noop("entries one by one"): ENTRIES,
    gettext_noop("explanations of several parts"): EXPLANATIONS,
    gettext_noop("entries and their lots"): ENTRIES_AND_LOTS,
    gettext_noop("lots and their allocations"): LOTS,
    gettext_noop("corrections"): CORRECTIONS,
    gettext_noop("holds and their lots"): HOLDS,
    gettext_noop("day sheets"): DAY_SHEETS,
    gettext_noop("protection"): PROTECTION,
}
