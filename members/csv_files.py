"""CSV files as shops really send them: their encoding and columns, and every row with its place."""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members import csv_headers, encodings
from members.cells import Problem
from members.csv_headers import DELIMITERS, Layout
from members.encodings import UnreadableFile

LONGEST_LINE = 1 << 20
LONGEST_ROW_IN_LINES = 50


class Row(NamedTuple):
    """One row: the line it begins on, its first byte, its cells, and what is wrong with its form."""

    line: int
    offset: int
    cells: list[str]
    problem: Problem | None = None


class Stretch(NamedTuple):
    """Some rows that stand together: first line, first byte, length in bytes."""

    line: int
    offset: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvFile:
    """A file that was looked at: readable to its last byte, with the columns needed."""

    path: Path
    size: int
    digest: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    first_row: int

    def position(self, column: str) -> int | None:
        """Where the column stands in a row; None when the file does not have it."""
        return self.columns.index(column) if column in self.columns else None


def opened(path: Path, layout: Layout) -> CsvFile:
    """Look at the whole file once: it can be decoded, has the columns and at least one row.

    Raises UnreadableFile.
    """
    try:
        return _opened(path, layout)
    except OSError as error:
        raise UnreadableFile(
            _("%(path)s cannot be read: %(reason)s.")
            % {"path": path, "reason": error.strerror or error}
        ) from error


def _opened(path: Path, layout: Layout) -> CsvFile:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        encoding = encodings.detect(stream)
        stream.seek(encodings.length_of_mark(stream))
        header = stream.readline(LONGEST_LINE)
        first_row = stream.tell()
        size = stream.seek(0, io.SEEK_END)
    text = csv_headers.text_of(header, encoding)
    delimiter = max(DELIMITERS, key=text.count)
    columns = csv_headers.columns_of(text, delimiter)
    csv_headers.refuse_missing(columns, layout)
    known = (*layout.required, *layout.one_of, *layout.optional)
    file = CsvFile(
        path=path,
        size=size,
        digest=digest,
        encoding=encoding,
        delimiter=delimiter,
        columns=columns,
        ignored=tuple(name for name in columns if name and name not in known),
        first_row=first_row,
    )
    if next(rows(file), None) is None:
        raise UnreadableFile(
            _("The file has a header line and no rows below it: there is nothing to import.")
        )
    return file


def notes(file: CsvFile) -> list[str]:
    """What was noticed about the file that its owner may not expect."""
    said = []
    if file.encoding != "utf-8":
        said.append(
            _("The file is in a Chinese Windows encoding and is read as %(encoding)s.")
            % {"encoding": file.encoding.upper()}
        )
    if file.delimiter != DELIMITERS[0]:
        named = {";": _("semicolons"), "\t": _("tabs")}[file.delimiter]
        said.append(_("The columns are separated by %(separators)s.") % {"separators": named})
    if file.ignored:
        said.append(
            ngettext(
                "A column is not known and is left aside: %(columns)s.",
                "Columns that are not known and are left aside: %(columns)s.",
                len(file.ignored),
            )
            % {"columns": ", ".join(file.ignored)}
        )
    return said


# ---- rows -------------------------------------------------------------------------------------
def rows(file: CsvFile) -> Iterator[Row]:
    """Every row below the header that is not blank, the broken ones with their problem."""
    with file.path.open("rb") as stream:
        yield from _walk(file, stream, file.first_row, 2)


def rows_within(file: CsvFile, stream: BinaryIO, stretch: Stretch) -> list[Row]:
    """The rows of a stretch that `rows` walked before; `stream` is the open file."""
    stream.seek(stretch.offset)
    return list(_walk(file, io.BytesIO(stream.read(stretch.length)), 0, stretch.line))


def _walk(file: CsvFile, stream: BinaryIO, offset: int, line: int) -> Iterator[Row]:
    """Rows from a place on. Most lines hold no quote and need no more than to be split."""
    encoding, delimiter, width = file.encoding, file.delimiter, len(file.columns)
    while True:
        stream.seek(offset)
        for raw in iter(partial(stream.readline, LONGEST_LINE), b""):
            text = raw.decode(encoding, errors="replace").rstrip("\r\n")
            if '"' in text or "\r" in text or "\0" in text:
                break
            cells = text.split(delimiter)
            if len(cells) != width:
                if any(cells):
                    yield Row(line, offset, cells, _wrong_width(len(cells), width))
            elif cells[0] or any(cells):
                yield Row(line, offset, cells)
            offset += len(raw)
            line += 1
        else:
            return
        row, offset, line = _quoted(file, stream, offset, line)
        if row.problem is not None or any(row.cells):
            yield row


class _Lines:
    """The decoded lines of a stream from a place on, counted while they are asked for."""

    def __init__(self, stream: BinaryIO, encoding: str, offset: int) -> None:
        stream.seek(offset)
        self.stream = stream
        self.encoding = encoding
        self.taken: list[str] = []
        self.ends: list[int] = []
        self.end = offset

    def __iter__(self) -> Iterator[str]:
        for raw in islice(
            iter(partial(self.stream.readline, LONGEST_LINE), b""), LONGEST_ROW_IN_LINES
        ):
            self.end += len(raw)
            self.ends.append(self.end)
            self.taken.append(raw.decode(self.encoding, errors="replace"))
            yield self.taken[-1]


def _quoted(file: CsvFile, stream: BinaryIO, offset: int, line: int) -> tuple[Row, int, int]:
    """One row that holds quotes, and where the next one begins.

    Of a broken row that runs over several lines only the first is given up: a quote that is never closed would
    swallow the good rows below it.
    """
    lines = _Lines(stream, file.encoding, offset)
    try:
        cells = next(csv.reader(lines, delimiter=file.delimiter, strict=True))
        problem = _problem(cells, len(file.columns))
    except csv.Error as error:
        cells, problem = _split(lines.taken[0], file), _broken(error)
    if problem is None or len(lines.taken) == 1:
        cells = [cell.replace("\0", "") for cell in cells]
        return Row(line, offset, cells, problem), lines.end, line + len(lines.taken)
    row = Row(line, offset, _split(lines.taken[0], file), _open_quote())
    return row, lines.ends[0], line + 1


def _problem(cells: list[str], width: int) -> Problem | None:
    if any("\0" in cell for cell in cells):
        return Problem(
            cause=_("The row holds a NUL byte, which is no text."),
            remedy=_("Export the file again as CSV UTF-8."),
        )
    return None if len(cells) == width else _wrong_width(len(cells), width)


def _split(text: str, file: CsvFile) -> list[str]:
    """The cells of a broken row as well as they can be told."""
    return text.rstrip("\r\n").replace('"', "").replace("\0", "").split(file.delimiter)


def _open_quote() -> Problem:
    return Problem(
        cause=_("A quote is opened in this line and not closed where its text ends."),
        remedy=_('Close it, or write a quote within a text twice: "5"" pipe".'),
    )


def _broken(error: csv.Error) -> Problem:
    if "end of data" in str(error):
        return _open_quote()
    if "expected after" in str(error):
        return Problem(
            cause=_("A stray quote stands in this line."),
            remedy=_('Write a quote within a text twice: "5"" pipe".'),
        )
    return Problem(
        cause=_("The line cannot be read as CSV (%(reason)s).") % {"reason": error},
        remedy=_("Export the file again as CSV UTF-8."),
    )


def _wrong_width(found: int, width: int) -> Problem:
    values = {"found": found, "width": width}
    if found < width:
        return Problem(
            cause=_("The row has too few cells: %(found)d of %(width)d.") % values,
            remedy=_("Fill in the missing cells; an empty cell still needs its separator."),
        )
    return Problem(
        cause=_("The row has too many cells: %(found)d instead of %(width)d.") % values,
        remedy=_('Put a text or number that holds a separator in quotes: "1,5 l milk".'),
    )
