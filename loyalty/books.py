"""The books: how the points outstanding rolled forward over a period, by day, month, store or kind of entry.

The moment that counts is that of posting; a day is one of the program's zone. Sealed days come from their day sheets,
what was posted since from the entries. Two independent sources check them: the wallets' figures (everything up to now)
and, while they are few enough to count on a page, the period's own entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from loyalty import day_sheets, expiry
from loyalty.models import Seal
from loyalty.snapshots import snapshot

#: The columns of the roll-forward, each with its kinds of entries.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "issued": ("earn",),
    "reversed": ("reverse",),
    "adjusted": ("adjust",),
    "transferred": ("transfer_in", "transfer_out", "merge"),
    "fees": ("fee",),
    "redeemed": ("redeem",),
    "given": ("donate", "buy_back"),
    "returned": ("return",),
    "expired": ("expire",),
}
_COLUMN_OF = {kind: column for column, kinds in COLUMNS.items() for kind in kinds}
#: What the rows may stand for.
STEPS = ("day", "month", "store", "kind")
DATED = ("day", "month")
# Up to so many entries of a period are counted again on the page.
MOST_RECOUNTED = 500_000

# More than so many since the last seal (a first import, say) are not summed up on a page: they wait for the night.
MOST_LIVE = 2_000_000

_SEALED = """
    SELECT day, store_id, kind, entries, points, true AS is_sealed FROM loyalty_daysheet WHERE point_type_id = %(type)s"""

# An entry that is not sealed yet counts for its own day, but never for one that is sealed already.
_LIVE = """
    SELECT greatest((e.created_at AT TIME ZONE %(zone)s)::date, d.last_day + 1), e.store_id, e.kind, count(*),
        sum(e.points), false
    FROM (SELECT coalesce(max(ends_at), '-infinity') AS sealed_until, max(day) AS last_day FROM loyalty_seal) d
    JOIN loyalty_entry e ON e.created_at >= d.sealed_until
    JOIN loyalty_wallet w ON w.id = e.wallet_id AND w.point_type_id = %(type)s
    GROUP BY 1, 2, 3"""

# About how many entries there are since the last seal, by their ids: no scan.
_LIVE_ENTRIES = """
SELECT coalesce((SELECT max(id) FROM loyalty_entry), 0) - coalesce((SELECT max(last_entry) FROM loyalty_seal), 0)"""

# What came before the period or after it has no day of it.
_KEYS = {
    "day": "CASE WHEN day BETWEEN %(first)s AND %(last)s THEN day::text END",
    "month": "CASE WHEN day BETWEEN %(first)s AND %(last)s THEN to_char(day, 'YYYY-MM') END",
    "store": "coalesce(store_id, 0)::text",
    "kind": "kind",
}

_MOVED = """
SELECT {key}, kind, sum(points) FILTER (WHERE day < %(first)s), sum(points) FILTER ({inside}),
    sum(entries) FILTER ({inside}), sum(points) FILTER ({inside} AND is_sealed),
    sum(entries) FILTER ({inside} AND is_sealed), sum(points)
FROM ({lines}) l GROUP BY 1, 2"""
_INSIDE = "WHERE day BETWEEN %(first)s AND %(last)s"

_WALLETS = """
SELECT coalesce(sum(active::numeric + pending + reserved - debt), 0) FROM loyalty_wallet
WHERE point_type_id = %(type)s"""

# The period's sealed entries, counted again by the seals' borders.
_RECOUNTED = f"""
SELECT {{key}}, kind, sum(points), count(*) FROM (
    SELECT {day_sheets.SEALED_DAY} AS day, e.store_id, e.kind, e.points
    FROM (
        SELECT array_agg(day ORDER BY starts_at) AS days, array_agg(starts_at ORDER BY starts_at) AS starts,
            min(starts_at) AS starts_at, max(ends_at) AS ends_at
        FROM loyalty_seal WHERE day BETWEEN %(first)s AND %(last)s
    ) d
    JOIN loyalty_entry e ON e.created_at >= d.starts_at AND e.created_at < d.ends_at
    JOIN loyalty_wallet w ON w.id = e.wallet_id AND w.point_type_id = %(type)s
) e GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which books: a point type (id), days from `first` to `last` of a zone, and what the rows stand for."""

    point_type: int
    first: date
    last: date
    by: str
    zone: str


@dataclass(slots=True)
class Line:
    """One line: opening + Σ columns = closing. `residual` is what a recount found beside it; None: not recounted."""

    key: str
    opening: int = 0
    moved: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))
    entries: int = 0
    residual: int | None = None

    @property
    def closing(self) -> int:
        """The points outstanding at the end."""
        return self.opening + sum(self.moved.values())

    @property
    def net_issued(self) -> int:
        """NI = issued − reversed."""
        return self.moved["issued"] + self.moved["reversed"]

    @property
    def used(self) -> int:
        """B = redeemed, donated and bought back − returned."""
        return -(self.moved["redeemed"] + self.moved["given"] + self.moved["returned"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The roll-forward of a period with its total.

    `wallets_differ_by`: Σ of all lines − Σ of the wallets' figures; None: what was posted since the last seal is too much
    to be summed up here, and is left out.
    """

    lines: list[Line]
    total: Line
    wallets_differ_by: int | None


def roll_forward(*, asked: Asked) -> Book:
    """The points outstanding before, what moved them and after, in one snapshot."""
    values = {
        "type": asked.point_type,
        "zone": asked.zone,
        "first": asked.first,
        "last": asked.last,
    }
    key = _KEYS[asked.by]
    with snapshot(settings={"work_mem": "64MB"}):
        is_whole = _rows(_LIVE_ENTRIES, {})[0][0] <= MOST_LIVE
        source = f"{_SEALED} UNION ALL {_LIVE}" if is_whole else _SEALED
        rows = _rows(_MOVED.format(key=key, inside=_INSIDE, lines=source), values)
        in_wallets = _rows(_WALLETS, values)[0][0]
        sealed = sum(row[6] or 0 for row in rows)
        counted = _rows(_RECOUNTED.format(key=key), values) if sealed <= MOST_RECOUNTED else None
    in_lines = sum(row[7] for row in rows)
    book = _book(asked.by, rows, counted)
    return replace(book, wallets_differ_by=int(in_lines - in_wallets) if is_whole else None)


def _book(by: str, rows: list[Any], counted: list[Any] | None) -> Book:
    lines = _lines(rows)
    if counted is not None:
        _note_residuals(lines, rows, counted)
    ordered = [lines[key] for key in sorted(lines)]
    total = _total(ordered, before=sum(int(row[2] or 0) for row in rows))
    if by in DATED:
        _follow(ordered, total.opening)
    return Book(lines=ordered, total=total, wallets_differ_by=None)


class Borders:
    """From when to when the entries of days were posted: the seals know it of the days they closed. Two queries."""

    def __init__(self, asked: Asked) -> None:
        inside = Seal.objects.filter(day__gte=asked.first, day__lte=asked.last).order_by("day")
        self._seals = {seal.day: seal for seal in inside.only("day", "starts_at", "ends_at")}
        self._last = Seal.objects.order_by("-day").only("day", "ends_at").first()
        self._zone = ZoneInfo(asked.zone)

    def of(self, first: date, last: date) -> tuple[datetime, datetime]:
        """The border before the day `first` and that after the day `last`."""
        sealed = [seal for day, seal in self._seals.items() if first <= day <= last]
        starts_at = sealed[0].starts_at if sealed else self._after_seals(first)
        if sealed and self._last is not None and last <= self._last.day:
            return starts_at, sealed[-1].ends_at
        return starts_at, expiry.end_of_local_day(last, self._zone)

    def _after_seals(self, day: date) -> datetime:
        midnight = datetime.combine(day, time.min, self._zone)
        return max(midnight, self._last.ends_at) if self._last else midnight


def _lines(rows: list[Any]) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    for key, kind, opening, moved, entries, *_sealed in rows:
        if key is None or (opening is None and moved is None):
            continue
        line = lines.setdefault(key, Line(key))
        line.opening += int(opening or 0)
        line.moved[_COLUMN_OF[kind]] += int(moved or 0)
        line.entries += int(entries or 0)
    return lines


def _follow(lines: list[Line], opening: int) -> None:
    """Days follow each other: each opens with what the one before closed with."""
    for line in lines:
        line.opening = opening
        opening = line.closing


def _total(lines: list[Line], before: int) -> Line:
    total = Line("", before)
    for line in lines:
        total.entries += line.entries
        for column, points in line.moved.items():
            total.moved[column] += points
    residuals = [line.residual for line in lines if line.residual is not None]
    total.residual = sum(residuals) if len(residuals) == len(lines) else None
    return total


def _note_residuals(lines: dict[str, Line], rows: list[Any], counted: list[Any]) -> None:
    """Sheets against entries, line by line: points that differ, or else entries that do."""
    for line in lines.values():
        line.residual = 0
    found: dict[tuple[str, str], tuple[int, int]] = {
        (key, kind): (int(points), entries) for key, kind, points, entries in counted
    }
    for key, kind, _opening, _moved, _entries, points, entries, _all in rows:
        said = (int(points or 0), int(entries or 0))
        if key is None:
            continue
        seen = found.pop((key, kind), (0, 0))
        _add(lines, key, (said[0] - seen[0]) or (said[1] - seen[1]))
    for (key, _kind), (points, entries) in found.items():
        _add(lines, key, -points or -entries)


def _add(lines: dict[str, Line], key: str, difference: int) -> None:
    if difference:
        line = lines.setdefault(key, Line(key))
        line.residual = (line.residual or 0) + difference


def _rows(statement: str, values: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
