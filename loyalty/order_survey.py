"""A first walk through a file of orders: where each stands, when the last was, and which are torn apart.

Orders have to be imported in the order of time, because tiers are reached on the way. What is kept is a few
numbers an order, so that a file of any size can be sorted without holding it.
"""

from array import array
from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import merge

from django.utils.translation import gettext as _

from members import cells, csv_files
from members.cells import BadCell
from members.csv_files import CsvFile, Row, Stretch

SORTED_AT_ONCE = 200_000
BUCKETS = 256
ROWS_BETWEEN_SHOWS = 5_000


class Survey:
    """Where the orders of a file stand; an order is a stretch of rows with one source and number."""

    def __init__(self) -> None:
        self.rows = 0
        self.last: datetime | None = None
        self.first_early_line: int | None = None
        self._lines = array("q")
        self._offsets = array("q")
        self._moments = array("d")
        self._keys = [array("q") for _bucket in range(BUCKETS)]
        self._contents = [array("q") for _bucket in range(BUCKETS)]
        self._torn: set[int] = set()

    def __len__(self) -> int:
        return len(self._lines)

    def stretches(self) -> Iterator[Stretch]:
        """The orders in the order of time; those of one moment as in the file."""
        order: Iterator[int] = iter(range(len(self)))
        if self.first_early_line is not None:
            order = self._in_time()
        for index in order:
            offset = self._offsets[index]
            yield Stretch(self._lines[index], offset, self._offsets[index + 1] - offset)

    def is_torn(self, key: tuple[str, str]) -> bool:
        """Whether the order stands in several places of the file with different lines."""
        return hash(key) in self._torn

    def start(self, row: Row, moment: datetime | None) -> None:
        """Note that an order begins; without a readable moment it stays behind the one before."""
        self._lines.append(row.line)
        self._offsets.append(row.offset)
        if moment is None:
            self._moments.append(self._moments[-1] if self._moments else 0.0)
            return
        self._moments.append(moment.timestamp())
        if self.last is None or moment >= self.last:
            self.last = moment
        elif self.first_early_line is None:
            self.first_early_line = row.line

    def complete(self, key: tuple[str, str], content: int) -> None:
        """Note that the order's rows have ended."""
        name = hash(key)
        self._keys[name % BUCKETS].append(name)
        self._contents[name % BUCKETS].append(content)

    def close(self, size: int) -> None:
        """Note that the file has ended."""
        self._offsets.append(size)
        for names, contents in zip(self._keys, self._contents, strict=True):
            seen: dict[int, int] = {}
            for name, content in zip(names, contents, strict=True):
                if seen.setdefault(name, content) != content:
                    self._torn.add(name)
        self._keys.clear()
        self._contents.clear()

    def _in_time(self) -> Iterator[int]:
        sorted_runs = [
            array("q", sorted(range(start, min(start + SORTED_AT_ONCE, len(self))), key=self._at))
            for start in range(0, len(self), SORTED_AT_ONCE)
        ]
        return merge(*sorted_runs, key=self._at)

    def _at(self, index: int) -> float:
        return self._moments[index]


def survey(file: CsvFile, *, show: Callable[[int, int], None]) -> Survey:
    """Walk through the file; `show` is told the bytes and rows done now and then."""
    found = Survey()
    reader = _Reader(file)
    key: tuple[str, str] | None = None
    content = 0
    for row in csv_files.rows(file):
        found.rows += 1
        if found.rows % ROWS_BETWEEN_SHOWS == 0:
            show(row.offset, found.rows)
        if reader.begins(row):
            if key is not None:
                found.complete(key, content)
            key, content = reader.key, 0
            found.start(row, reader.moment(row))
        content = hash((content, *row.cells))
    if key is not None:
        found.complete(key, content)
    found.close(file.size)
    return found


class _Reader:
    """Which order a row belongs to, and when it was placed."""

    def __init__(self, file: CsvFile) -> None:
        self.number_at = file.position("number") or 0
        self.source_at = file.position("source")
        self.placed_at = file.position("placed_at") or 0
        self.needed = max(self.number_at, self.source_at or 0)
        self.key: tuple[str, str] | None = None

    def begins(self, row: Row) -> bool:
        """Whether another order begins; a broken row that shows no number belongs to the one before it."""
        if len(row.cells) > self.needed:
            key = key_of(row, self.number_at, self.source_at)
        else:
            key = self.key or ("", "")
        if key == self.key:
            return False
        self.key = key
        return True

    def moment(self, row: Row) -> datetime | None:
        if row.problem is not None:
            return None
        try:
            return cells.moment(row.cells[self.placed_at].strip())
        except BadCell:
            return None


def key_of(row: Row, number_at: int, source_at: int | None) -> tuple[str, str]:
    """Source and number of the order that a row belongs to."""
    source = "" if source_at is None else row.cells[source_at].strip()
    return source, row.cells[number_at].strip()


def notes(found: Survey) -> list[str]:
    """What was noticed that the owner of the file may not expect."""
    if found.first_early_line is None:
        return []
    return [
        _(
            "The orders are not in the order of time (line %(line)d is the first that is earlier than "
            "one before it). They are imported in the order of time."
        )
        % {"line": found.first_early_line}
    ]
