"""A partner's file of codes: code[,expires_at] in CSV, with a header line or without; read whole or not at all."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from loyalty import expiry
from members import codes, validation
from members.errors import InvalidInput

LONGEST = 64
LARGEST = 5 * 1024 * 1024
DELIMITERS = ",;\t"
COLUMNS = ("code", "expires_at")


class Line(NamedTuple):
    """A code with the line it stands on, as the partner wrote it and as it is looked up."""

    number: int
    code: str
    lookup: str
    expires_at: datetime | None


def read(*, file: bytes, zone: ZoneInfo, at: datetime) -> list[Line]:
    """Every code of the file. Raises InvalidInput with the first line that is wrong as its pointer."""
    if len(file) > LARGEST:
        raise InvalidInput("", "too_large", _("The file is larger than 5 MB. Send it in parts."))
    text = text_of(file)
    rows = rows_of(text)
    places = _places(rows[0][1]) if rows else None
    if places is not None:
        rows = rows[1:]
    if not rows:
        raise InvalidInput("", "empty", _("The file holds no codes."))
    where = places or {"code": 0, "expires_at": 1}
    return [_line(number, cells, where, zone, at) for number, cells in rows]


def text_of(file: bytes) -> str:
    """The file as text, UTF-8 or Chinese Windows. Raises InvalidInput."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return file.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput("", "malformed_csv", _("The file is no text. Save it as “CSV UTF-8”."))


def rows_of(text: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file that are not blank, each with the line it ends on. Raises InvalidInput."""
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    try:
        found.extend(_filled(reader))
    except csv.Error as error:
        _refuse(reader.line_num, "", _("It cannot be read as CSV (%(why)s).") % {"why": error})
    return found


def _filled(reader: Any) -> Iterator[tuple[int, list[str]]]:
    for cells in reader:
        plain = [cell.strip() for cell in cells]
        if any(plain):
            yield reader.line_num, plain


def _places(cells: Sequence[str]) -> dict[str, int] | None:
    """Where the columns stand, if this is a header."""
    names = [cell.lower() for cell in cells]
    if COLUMNS[0] not in names:
        return None
    return {name: names.index(name) for name in COLUMNS if name in names}


def _line(
    number: int, cells: Sequence[str], places: dict[str, int], zone: ZoneInfo, at: datetime
) -> Line:
    said = {name: cells[place] for name, place in places.items() if place < len(cells)}
    code = said.get("code", "")
    lookup = codes.tidy(code)
    if not lookup or not validation.is_storable(code):
        _refuse(number, "code", _("There is no code in this line."))
    if max(len(code), len(lookup)) > LONGEST:
        _refuse(number, "code", _("A code has at most 64 characters."))
    return Line(number, code, lookup, _end(number, said.get("expires_at", ""), zone, at))


def _end(number: int, said: str, zone: ZoneInfo, at: datetime) -> datetime | None:
    """The moment from which a code is worth nothing: after a day, or the very moment that is named."""
    if not said:
        return None
    try:
        end = expiry.end_of_local_day(date.fromisoformat(said), zone)
    except (ValueError, OverflowError):
        end = _moment(number, said)
    if end <= at:
        _refuse(number, "expires_at", _("The code is no longer valid."))
    return end


def _moment(number: int, said: str) -> datetime:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _refuse(
            number,
            "expires_at",
            _("Write a day as 2026-12-31, or a moment with its offset as 2026-12-31T18:00+08:00."),
        )
    return moment


def _refuse(number: int, column: str, detail: str) -> NoReturn:
    pointer = f"/{number}/{column}" if column else f"/{number}"
    said = _("Line %(number)d: %(detail)s") % {"number": number, "detail": detail}
    raise InvalidInput(pointer, "malformed_csv", said)
