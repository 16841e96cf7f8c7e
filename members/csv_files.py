"""CSV files as shops really send them: their encoding and columns, and every row with its place."""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
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


class _Lines:
    """The decoded lines of a stream, counted; `line` and `offset` are those of the next one."""

    def __init__(self, stream: BinaryIO, encoding: str, offset: int, line: int) -> None:
        stream.seek(offset)
        self.stream = stream
        self.encoding = encoding
        self.offset = offset
        self.line = line
        self.in_row = 0
        self.after_first = offset
        self.first_text = ""
        self.has_nul = False

    def __iter__(self) -> Iterator[str]:
        encoding = self.encoding
        for raw in iter(partial(self.stream.readline, LONGEST_LINE), b""):
            self.line += 1
            self.offset += len(raw)
            self.in_row += 1
            text = raw.decode(encoding, errors="replace")
            if b"\0" in raw:
                self.has_nul = True
            if self.in_row == 1:
                self.first_text = text
                self.after_first = self.offset
            elif self.in_row > LONGEST_ROW_IN_LINES:
                return
            yield text


def _walk(file: CsvFile, stream: BinaryIO, offset: int, line: int) -> Iterator[Row]:
    """Walk on after a broken row: of one that runs over several lines only the first is given up.

    A quote that is never closed would otherwise swallow the good rows below it.
    """
    while True:
        lines = _Lines(stream, file.encoding, offset, line)
        for row in _parsed(lines, file):
            if row.problem is not None and lines.in_row > 1:
                break
            yield row
        else:
            return
        yield row._replace(cells=_split(lines, file), problem=_open_quote())
        offset, line = lines.after_first, row.line + 1


def _parsed(lines: _Lines, file: CsvFile) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=file.delimiter, strict=True)
    width = len(file.columns)
    while True:
        line, offset = lines.line, lines.offset
        lines.in_row = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, offset, _split(lines, file), _broken(error))
            continue
        if lines.has_nul:
            lines.has_nul = False
            yield Row(line, offset, [cell.replace("\0", "") for cell in cells], _nul())
        elif len(cells) == width:
            if cells[0] or any(cells):
                yield Row(line, offset, cells)
        elif any(cells):
            yield Row(line, offset, cells, _wrong_width(len(cells), width))


def _split(lines: _Lines, file: CsvFile) -> list[str]:
    """The cells of a broken row as well as they can be told."""
    return lines.first_text.rstrip("\r\n").replace('"', "").split(file.delimiter)


def _nul() -> Problem:
    return Problem(
        cause=_("The row holds a NUL byte, which is no text."),
        remedy=_("Export the file again as CSV UTF-8."),
    )


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
