"""The SQL of the large shop. Ids are counted, not drawn: entry, lot and wallet find each other without a join."""

from collections.abc import Iterator, Sequence

from config.bench.story import ENROLLED, REDEEMED, A, B, Step

# Triggers and foreign keys are off: the digest is computed in the INSERT, and what rows refer to is counted.
SETTINGS = """
SET LOCAL session_replication_role = replica;
SET LOCAL synchronous_commit = off;
SET LOCAL maintenance_work_mem = '512MB';
SET LOCAL work_mem = '64MB'"""

INDEXES = """
SELECT c.relname, i.relname, k.oid IS NOT NULL, coalesce(pg_get_constraintdef(k.oid), pg_get_indexdef(x.indexrelid))
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype = 'u'
WHERE c.relname = ANY(%s) AND c.relnamespace = 'public'::regnamespace AND NOT x.indisprimary ORDER BY 1, 2"""

NEXT_ID = """
SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 0) + 1, false) FROM {table}"""

# 11 digits and the check digit of Luhn; the code is the number's digits base 16, scrambled without collisions.
MEMBERS = f"""
INSERT INTO members_member (id, number, phone, email, name, referral_code, status, channel, sign_up_device, enrolled_at,
    tier_id)
SELECT n + 1, digits || (10 - luhn %% 10) %% 10, '+86139' || lpad(n::text, 8, '0'), '', '会员 ' || n,
    translate(lpad(to_hex((n * 2654435761) %% 4294967296), 8, '0'), '0123456789abcdef', '34679ACDEFGHJKMN'),
    'active', '', '', {ENROLLED} - interval '1 day', (SELECT id FROM members_tier ORDER BY rank LIMIT 1)
FROM generate_series(0, %(last)s::bigint) n
CROSS JOIN LATERAL (SELECT (10000000000 + n)::text AS digits) d
CROSS JOIN LATERAL (
    SELECT sum(CASE WHEN place %% 2 = 0 THEN digit ELSE 2 * digit / 10 + 2 * digit %% 10 END) AS luhn
    FROM generate_series(1, 11) place CROSS JOIN LATERAL (SELECT substr(digits, place, 1)::int AS digit) s
) l"""

TIER_CHANGES = """
INSERT INTO members_tierchange (member_id, tier_id, at, reason, details)
SELECT id, tier_id, enrolled_at, 'enrolled', '{}' FROM members_member ORDER BY id"""

_LOCAL_DAYS_END = """(((({at}) AT TIME ZONE p.time_zone)::date + interval '{months} months')::date + 1)::timestamp
    AT TIME ZONE p.time_zone"""


def _lapses(step: Step) -> str:
    return step.lapses or _LOCAL_DAYS_END.format(at=step.at, months=step.months)


EMPTY_WALLETS = """
INSERT INTO loyalty_wallet (id, member_id, point_type_id, active, pending, reserved, debt, earned, spent, expired,
    sequence, merged_from)
SELECT 2 * n + CASE t.code WHEN 'points' THEN 1 ELSE 2 END, n + 1, t.id, 0, 0, 0, 0, 0, 0, 0, 0, '{}'
FROM generate_series(0, %(last)s::bigint - 1) n CROSS JOIN loyalty_pointtype t"""


def wallets(steps: Sequence[Step]) -> str:
    """Both wallets of every ordinary member, with the figures that the steps leave."""
    if not steps:
        return EMPTY_WALLETS
    points = [step for step in steps if step.wallet == "points"]
    status = [step for step in steps if step.wallet == "status"]
    last, redeemed, lapsed = points[-1].balance, REDEEMED, f"({A} - {REDEEMED})"
    return f"""
INSERT INTO loyalty_wallet (id, member_id, point_type_id, active, pending, reserved, debt, earned, spent, expired,
    sequence, next_due_at, merged_from)
SELECT 2 * n + w.nth, n + 1, t.id, w.active, 0, 0, 0, w.earned, w.spent, w.expired, w.sequence, w.next_due_at, '{{}}'
FROM generate_series(0, %(last)s::bigint - 1) n CROSS JOIN loyalty_program p
CROSS JOIN LATERAL (VALUES
    (1, 'points', {last}, {last} + {redeemed} + {lapsed}, {redeemed}, {lapsed}, {points[-1].sequence}, {_lapses(steps[1])}),
    (2, 'status', {A} + {B}, {A} + {B}, 0, 0, {status[-1].sequence}, {_lapses(status[0])})
) w (nth, code, active, earned, spent, expired, sequence, next_due_at)
JOIN loyalty_pointtype t ON t.code = w.code"""


DIGEST_TRIGGER = """
SELECT tgname FROM pg_trigger WHERE tgrelid = 'loyalty_entry'::regclass AND tgname LIKE 'pgtrigger_digest%'"""

# A chunk of members, with the ids of their wallets and the program's zone.
_PEOPLE = """
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n CROSS JOIN loyalty_program p"""


def step(steps: Sequence[Step], number: int, members: int, block: int) -> Iterator[str]:
    """The statements that write one step of a chunk of members: entries, lots, allocations."""
    this = steps[number]
    yield _entries(steps, this, members, block)
    if this.lot_left is not None:
        yield _lots(steps, this, members)
    if this.of is not None:
        yield f"""
INSERT INTO loyalty_allocation (lot_id, entry_id, points)
SELECT {_lot_id(steps, steps[this.of], members)}, %(base)s + n + 1, {this.points} {_PEOPLE}"""


def _entries(steps: Sequence[Step], this: Step, members: int, block: int) -> str:
    of = None if this.of is None else steps[this.of]
    at, reference, details, corrects = (
        this.at,
        f"'seed/{this.sequence}/' || n",
        "'{}'",
        "NULL::bigint",
    )
    if this.kind == "expire" and of:
        lot = _lot_id(steps, of, members)
        at, reference = _lapses(of), f"'lot/' || ({lot})"
        details = f"jsonb_build_object('lot', {lot}, 'earned_at', {of.at})"
    if this.kind == "reverse":
        corrects = f"{this.of}::bigint * {members + block} + n + 1"
    rule, kind = this.title.split("/")
    return f"""
INSERT INTO loyalty_entry (id, wallet_id, kind, points, balance, sequence, reference, at, details, explanation,
    corrects_id, digest)
SELECT %(base)s + n + 1, 2 * n + {1 if this.wallet == "points" else 2}, '{this.kind}', {this.points}, {this.balance},
    {this.sequence}, {reference}, {at}, {details},
    jsonb_build_array(jsonb_build_object('rule', '{rule}', 'kind', '{kind}', 'points', {this.points})), {corrects}, ''
{_PEOPLE}"""


def _lots(steps: Sequence[Step], this: Step, members: int) -> str:
    return f"""
INSERT INTO loyalty_lot (id, wallet_id, entry_id, points, remaining, reserved, lapsed, forgiven, is_pending, active_from,
    expires_at)
SELECT {_lot_id(steps, this, members)}, 2 * n + {1 if this.wallet == "points" else 2}, %(base)s + n + 1, {this.points},
    {this.lot_left}, 0, {this.lapsed}, 0, false, {this.at}, {_lapses(this)}
{_PEOPLE}"""


def _lot_id(steps: Sequence[Step], this: Step, members: int) -> str:
    before = sum(each.lot_left is not None for each in steps[: steps.index(this)])
    return f"{before}::bigint * {members} + n + 1"


# ---- the long wallet: earn 10, redeem 10, earn 10, …, and a few earns that stay open ------------
LONG_WALLET = """
INSERT INTO loyalty_wallet (id, member_id, point_type_id, active, pending, reserved, debt, earned, spent, expired,
    sequence, next_due_at, merged_from)
SELECT 2 * %(last)s + w.nth, %(last)s + 1, t.id, 10 * w.open, 0, 0, 0, 10 * (w.spent + w.open), 10 * w.spent, 0,
    w.sequence, CASE WHEN w.open > 0 THEN %(at)s::timestamptz + interval '24 months' END, '{}'
FROM (VALUES (1, 'points', %(pairs)s::bigint, %(long)s::bigint - 2 * %(pairs)s, %(long)s::bigint),
    (2, 'status', 0, 0, 0)) w (nth, code, spent, open, sequence)
JOIN loyalty_pointtype t ON t.code = w.code"""

# Its entries lie in blocks, one after each step of the others.
_LONG_ID = "((s - 1) / %(block)s + 1) * %(members)s + s"
_LONG_AT = "%(at)s::timestamptz - interval '1 month' * (1 - s::float8 / %(long)s)"
_EARNED = "(s > 2 * %(pairs)s OR s %% 2 = 1)"
LONG_ENTRIES = f"""
INSERT INTO loyalty_entry (id, wallet_id, kind, points, balance, sequence, reference, at, details, explanation, digest)
SELECT {_LONG_ID}, 2 * %(members)s + 1, CASE WHEN {_EARNED} THEN 'earn' ELSE 'redeem' END,
    CASE WHEN {_EARNED} THEN 10 ELSE -10 END,
    CASE WHEN s > 2 * %(pairs)s THEN 10 * (s - 2 * %(pairs)s) ELSE 10 * (s %% 2) END,
    s, 'seed/' || s, {_LONG_AT}, '{{}}', jsonb_build_array(
        CASE WHEN {_EARNED} THEN '{{"rule": "award", "kind": "bonus", "points": 10}}'::jsonb
        ELSE '{{"rule": "mug", "kind": "reward", "points": -10}}'::jsonb END), ''
FROM generate_series(1, %(long)s::bigint) s"""

_LONG_LOT = "%(lots)s + CASE WHEN s > 2 * %(pairs)s THEN s - %(pairs)s ELSE (s + 1) / 2 END"
LONG_LOTS = f"""
INSERT INTO loyalty_lot (id, wallet_id, entry_id, points, remaining, reserved, lapsed, forgiven, is_pending, active_from,
    expires_at)
SELECT {_LONG_LOT}, 2 * %(members)s + 1, {_LONG_ID}, 10, CASE WHEN s > 2 * %(pairs)s THEN 10 ELSE 0 END, 0, 0, 0, false,
    {_LONG_AT}, %(at)s::timestamptz + interval '24 months'
FROM generate_series(1, %(long)s::bigint) s WHERE {_EARNED}"""
LONG_ALLOCATIONS = f"""
INSERT INTO loyalty_allocation (lot_id, entry_id, points)
SELECT {_LONG_LOT}, {_LONG_ID}, -10 FROM generate_series(1, %(long)s::bigint) s WHERE NOT {_EARNED}"""
