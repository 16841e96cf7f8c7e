"""Seals: every finished day of the ledger is fixed by a hash chained to the day before.

The day is that of posting (`created_at`) in the program's zone. A seal begins where the last one ended, so a zone that
is changed neither doubles nor skips an entry; the first one also holds everything before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from loyalty import day_sheets, expiry, queries
from loyalty.models import Seal

# So many digests are in memory at once (32 bytes each).
BATCH = 50_000
# A day rests a little before it is sealed: clocks and process lists are not exact to the microsecond.
REST = timedelta(minutes=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK = int.from_bytes(sha256(b"loyalty.seals").digest()[:8], "big", signed=True)

# One sealer at a time; another one leaves the work to it.
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"

# A transaction that began before the day's end may still write entries of that day. Prepared ones have no process.
_STILL_WRITING = """
SELECT EXISTS (
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < %s
        AND backend_type <> 'autovacuum worker'
) OR EXISTS (SELECT 1 FROM pg_prepared_xacts WHERE database = current_database() AND prepared < %s)"""

_CLOCK = "SELECT clock_timestamp()"
_FIRST_POSTED = "SELECT min(created_at) FROM loyalty_entry"

_TOTALS = """
SELECT count(*), coalesce(sum(points), 0), min(id), max(id) FROM loyalty_entry
WHERE created_at >= %s AND created_at < %s"""

_DIGESTS = """
SELECT max(id), string_agg(digest, ''::bytea ORDER BY id) FROM (
    SELECT id, digest FROM loyalty_entry
    WHERE id > %s AND id <= %s AND created_at >= %s AND created_at < %s ORDER BY id LIMIT %s
) e"""


@dataclass(frozen=True, slots=True)
class Sealing:
    """The seals made by one run; `is_waiting`: a finished day is left because somebody may still write to it."""

    seals: list[Seal]
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class _Span:
    day: date
    starts_at: datetime
    ends_at: datetime


def seal_days(*, at: datetime) -> Sealing:
    """Seal every day that is over at `at`, the oldest first, one transaction each.

    Safe to run again and by two workers: the second one leaves the work to the first. A day is left for the next run
    while a transaction that began before its end is still open.
    """
    made: list[Seal] = []
    while True:
        seal, is_waiting = _seal_next(at)
        if seal is None:
            return Sealing(made, is_waiting)
        made.append(seal)


def fingerprint(*, day: date, entries: int, points: int, previous: bytes) -> Any:
    """The hash of a seal before the digests of its entries, in id order, are added."""
    return sha256(previous + f"{day.isoformat()}\n{entries}\n{points}\n".encode())


# ---- one day ----------------------------------------------------------------------------------------
@transaction.atomic
def _seal_next(at: datetime) -> tuple[Seal | None, bool]:
    if not _value(_TRY_LOCK, _LOCK):
        return None, False
    last = Seal.objects.order_by("-day").first()
    span = _next_span(last, queries.program().zone, at)
    # The database's clock stamps the entries: a clock that runs ahead here must not end the day early.
    if span.ends_at + REST > min(at, _value(_CLOCK)):
        return None, False
    if _value(_STILL_WRITING, span.ends_at, span.ends_at):
        return None, True
    seal = _seal(span, bytes(last.digest) if last else b"")
    day_sheets.write(seal=seal)
    return seal, False


def _next_span(last: Seal | None, zone: ZoneInfo, at: datetime) -> _Span:
    if last is None:
        first: datetime = _value(_FIRST_POSTED) or at - timedelta(days=1)
        day = min(first, at - timedelta(days=1)).astimezone(zone).date()
        return _Span(day, BEGINNING, expiry.end_of_local_day(day, zone))
    day = last.day + timedelta(days=1)
    # A zone further east may end the next day before the last seal ends: that day has nothing left.
    while expiry.end_of_local_day(day, zone) <= last.ends_at:
        day += timedelta(days=1)
    return _Span(day, last.ends_at, expiry.end_of_local_day(day, zone))


def _seal(span: _Span, previous: bytes) -> Seal:
    entries, points, first_entry, last_entry = _row(_TOTALS, span.starts_at, span.ends_at)
    digest = fingerprint(day=span.day, entries=entries, points=int(points), previous=previous)
    if entries:
        for digests in _digests(span, first_entry, last_entry):
            digest.update(digests)
    return Seal.objects.create(
        day=span.day,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        entries=entries,
        points=points,
        last_entry=last_entry,
        previous=previous,
        digest=digest.digest(),
    )


def _digests(span: _Span, first_entry: int, last_entry: int) -> Iterator[bytes]:
    """The entries' digests in id order, batch by batch."""
    before = first_entry - 1
    while before < last_entry:
        before, digests = _row(_DIGESTS, before, last_entry, span.starts_at, span.ends_at, BATCH)
        yield bytes(digests)


def _row(statement: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def _value(statement: str, *parameters: Any) -> Any:
    return _row(statement, *parameters)[0]
