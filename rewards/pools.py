"""Partners' codes: brought in as a file, each handed out once for ever. A pool's free codes are its reward's stock."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _

from loyalty import programs
from members import transactions
from members.errors import InvalidInput
from rewards import pool_files, queries, stock
from rewards.errors import OutOfStock
from rewards.models import PartnerCode, Redemption, Reward, StockMovement, Voucher
from rewards.pool_files import Line

_CODES = PartnerCode._meta.db_table
_VOUCHERS = Voucher._meta.db_table

# In the order of their look-up codes: two files with the same codes wait for each other, never crosswise.
ADD = f"""
INSERT INTO {_CODES} (reward_id, code, lookup, expires_at, is_taken, added_by, added_at)
SELECT %(reward)s, u.code, u.lookup, u.expires_at, false, %(by)s, %(at)s
FROM unnest(%(codes)s::text[], %(lookups)s::text[], %(ends)s::timestamptz[]) u (code, lookup, expires_at)
WHERE NOT EXISTS (SELECT 1 FROM {_VOUCHERS} v WHERE v.lookup = u.lookup)
ORDER BY u.lookup
ON CONFLICT (lookup) DO NOTHING
RETURNING lookup"""

# What others are taking at this moment is passed over: nobody waits, and no code goes to two.
TAKE = f"""
WITH wanted AS MATERIALIZED (
    SELECT c.id FROM unnest(%(rewards)s::bigint[], %(pieces)s::int[]) w (reward_id, pieces)
    CROSS JOIN LATERAL (
        SELECT id FROM {_CODES} f
        WHERE f.reward_id = w.reward_id AND NOT f.is_taken AND (f.expires_at IS NULL OR f.expires_at > %(at)s)
        ORDER BY f.id LIMIT w.pieces FOR UPDATE SKIP LOCKED
    ) c
)
UPDATE {_CODES} p SET is_taken = true FROM wanted WHERE p.id = wanted.id
RETURNING p.id, p.reward_id, p.code, p.lookup, p.expires_at"""

NOTE_VOUCHERS = f"""
UPDATE {_CODES} p SET voucher_id = v.id FROM {_VOUCHERS} v WHERE p.id = ANY(%(codes)s) AND v.lookup = p.lookup"""

LAPSE = f"""
WITH lapsed AS (
    UPDATE {_CODES} SET is_taken = true
    WHERE NOT is_taken AND expires_at <= %(at)s AND reward_id = ANY(%(rewards)s) RETURNING reward_id
)
SELECT reward_id, count(*) FROM lapsed GROUP BY reward_id ORDER BY reward_id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many codes a file brought, and the lines whose code stood before in it or in any pool."""

    added: int
    duplicate_lines: list[int]
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A reward with the codes that are free and those that were handed out."""

    reward: Reward
    free: int
    taken: int


def figures() -> list[Pool]:
    """Every pool, the emptiest first. Told by the movements of the stock: the codes themselves are not counted."""
    of_pools = Reward.objects.filter(kind=Reward.Kind.PARTNER_CODE)
    handed = Q(cause=StockMovement.Cause.REDEEMED) | Q(cause=StockMovement.Cause.RETURNED)
    taken = dict(
        StockMovement.objects.filter(handed, reward__in=of_pools, variant=None, offer=None)
        .order_by()
        .values_list("reward")
        .annotate(Sum("pieces"))
    )
    return [
        Pool(reward=each, free=each.stock or 0, taken=-taken.get(each.pk, 0))
        for each in of_pools.order_by(F("stock").asc(nulls_first=True), "id")
    ]


def add(*, reward: str, file: bytes, by: str, at: datetime) -> Added:
    """Put the codes of a CSV file (code[,expires_at]; a header or none) into the pool of a reward (its code).

    Raises NotFound, and InvalidInput for a file that is malformed anywhere; then nothing is added.
    """
    found = queries.reward(reward)
    if found.kind != Reward.Kind.PARTNER_CODE:
        raise InvalidInput("", "not_a_pool", _("Only a reward of partners' codes takes codes."))
    lines = pool_files.read(file=file, zone=programs.current().zone, at=at)
    return transactions.in_transaction(lambda: _add(found, lines, by, at))


def _add(reward: Reward, lines: Sequence[Line], by: str, at: datetime) -> Added:
    first: dict[str, Line] = {}
    for line in lines:
        first.setdefault(line.lookup, line)
    values: dict[str, Any] = {
        "reward": reward.pk,
        "by": by[:150],
        "at": at,
        "codes": [line.code for line in first.values()],
        "lookups": list(first),
        "ends": [line.expires_at for line in first.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, values)
        new = {lookup for (lookup,) in cursor.fetchall()}
    if new:
        stock.receive(row=reward, pieces=len(new), by=by, note="", at=at)
    kept = {first[lookup].number for lookup in new}
    return Added(
        added=len(new),
        duplicate_lines=[line.number for line in lines if line.number not in kept],
        free=Reward.objects.values_list("stock", flat=True).get(pk=reward.pk) or 0,
    )


def take(*, redemptions: Sequence[Redemption], at: datetime) -> dict[int, list[PartnerCode]]:
    """Take a code for each piece of these redemptions, for good; the codes by redemption id.

    Raises OutOfStock where a pool has too few; then the caller's transaction has to be undone.
    """
    if not redemptions:
        return {}
    pieces: dict[int, int] = {}
    for made in redemptions:
        pieces[made.reward_id] = pieces.get(made.reward_id, 0) + made.quantity
    values: dict[str, Any] = {"rewards": list(pieces), "pieces": list(pieces.values()), "at": at}
    free: dict[int, list[PartnerCode]] = {reward: [] for reward in pieces}
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        for pk, reward, code, lookup, end in sorted(cursor.fetchall(), reverse=True):
            taken = PartnerCode(pk=pk, code=code, lookup=lookup, expires_at=end)
            free[reward].append(taken)
    for reward, wanted in pieces.items():
        if len(free[reward]) < wanted:
            raise OutOfStock(left=len(free[reward]))
    return {
        made.pk: [free[made.reward_id].pop() for _piece in range(made.quantity)]
        for made in redemptions
    }


def note_vouchers(*, codes: Sequence[PartnerCode]) -> None:
    """Note of codes that were taken which vouchers they became."""
    if codes:
        with connection.cursor() as cursor:
            cursor.execute(NOTE_VOUCHERS, {"codes": [code.pk for code in codes]})


def drop_lapsed(*, at: datetime, rewards: Collection[int] | None = None) -> int:
    """Take codes whose time is over out of their pools, and out of the stock; how many.

    Of these rewards (ids) alone, which the caller has locked, or of all.
    """

    def work() -> int:
        lapsing = PartnerCode.objects.filter(is_taken=False, expires_at__lte=at)
        if rewards is not None:
            lapsing = lapsing.filter(reward__in=rewards)
        concerned = sorted(set(lapsing.order_by().values_list("reward", flat=True)))
        if not concerned:
            return 0
        # The rewards before their codes, as whoever takes a code.
        stock.lock_shelves(rewards=concerned)
        with connection.cursor() as cursor:
            cursor.execute(LAPSE, {"at": at, "rewards": concerned})
            lapsed = cursor.fetchall()
        for reward, count in lapsed:
            stock.lose(
                row=Reward.objects.get(pk=reward), pieces=count, note=_("Codes lapsed"), at=at
            )
        return sum(count for _reward, count in lapsed)

    return transactions.in_transaction(work)
