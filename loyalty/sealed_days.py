"""Sealed days recomputed: whether the entries of each day, and the chain, are still what they were."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from loyalty import seals
from loyalty.models import Seal

# One walk over the ledger in id order, whatever the number of seals: at the border of two days ids may mix.
_BATCH = """
SELECT width_bucket(e.created_at, %s::timestamptz[]), count(*), sum(e.points), max(e.id),
    string_agg(e.digest, ''::bytea ORDER BY e.id)
FROM (
    SELECT id, created_at, points, digest FROM loyalty_entry WHERE id > %s ORDER BY id LIMIT %s
) e GROUP BY 1"""


@dataclass(slots=True)
class _Recount:
    """A seal with what its entries come to now."""

    seal: Seal
    digest: Any
    entries: int = 0
    points: int = 0


def differences() -> Iterator[tuple[date, str]]:
    """Each sealed day that is not what it was when it was sealed, or that does not follow the one before."""
    chain = list(Seal.objects.order_by("starts_at", "id"))
    yield from _broken_links(chain)
    for each in _recounted(chain):
        seal = each.seal
        if (each.entries, each.points) != (seal.entries, int(seal.points)):
            yield (
                seal.day,
                f"{each.entries} entries of {each.points} points, sealed {seal.entries} of {seal.points}",
            )
        elif each.digest.digest() != bytes(seal.digest):
            yield seal.day, "the entries' digests give another seal"


def _broken_links(chain: list[Seal]) -> Iterator[tuple[date, str]]:
    previous, ends_at, last_day = b"", seals.BEGINNING, date.min
    for seal in chain:
        if bytes(seal.previous) != previous:
            yield seal.day, "does not name the seal before it"
        if seal.starts_at != ends_at or seal.day <= last_day:
            yield seal.day, f"begins at {seal.starts_at}, the one before ended at {ends_at}"
        previous, ends_at, last_day = bytes(seal.digest), seal.ends_at, seal.day


def _recounted(chain: list[Seal]) -> list[_Recount]:
    counts = [
        _Recount(
            seal,
            seals.fingerprint(
                day=seal.day,
                entries=seal.entries,
                points=int(seal.points),
                previous=bytes(seal.previous),
            ),
        )
        for seal in chain
    ]
    if not counts:
        return counts
    # The first seal holds everything before its end; what comes after the last one belongs to no seal yet.
    borders = [*(each.seal.starts_at for each in counts[1:]), counts[-1].seal.ends_at]
    before = 0
    while rows := _batch(borders, before):
        for bucket, entries, points, last, digests in rows:
            before = max(before, last)
            if bucket < len(counts):
                each = counts[bucket]
                each.entries += entries
                each.points += int(points)
                each.digest.update(digests)
    return counts


def _batch(borders: list[Any], before: int) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_BATCH, [borders, before, seals.BATCH])
        return list(cursor.fetchall())
