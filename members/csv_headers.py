"""The first line of a CSV file: how it separates its columns, and which it names."""

import csv
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.encodings import UnreadableFile

DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The columns a kind of file must have, those of which one is enough, and those it may have."""

    required: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def text_of(header: bytes, encoding: str) -> str:
    if b"\r" in header.rstrip(b"\r\n"):
        raise UnreadableFile(
            _("The lines of the file end in the way of old Macs. Save it as “CSV UTF-8”.")
        )
    text = header.decode(encoding, errors="replace").strip("\r\n")
    if not text.strip(" ,;\t"):
        raise UnreadableFile(
            _("The first line is empty: it has to name the columns. Put the header line first.")
        )
    return text


def columns_of(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        raise UnreadableFile(
            _("A stray quote stands in line 1, which names the columns. Remove it.")
        ) from None
    columns = tuple(cell.strip().lower() for cell in cells)
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        raise UnreadableFile(
            _("The column %(column)s is there twice. Remove or rename one of them.")
            % {"column": twice}
        )
    return columns


def refuse_missing(columns: tuple[str, ...], layout: Layout) -> None:
    missing = [name for name in layout.required if name not in columns]
    if layout.one_of and not set(layout.one_of).intersection(columns):
        missing.append(_(" or ").join(layout.one_of))
    if not missing:
        return
    raise UnreadableFile(
        ngettext(
            "Line 1 does not name the column %(missing)s. It names: %(found)s. "
            "Name it in the first line, columns separated by commas.",
            "Line 1 does not name the columns %(missing)s. It names: %(found)s. "
            "Name them in the first line, columns separated by commas.",
            len(missing),
        )
        % {"missing": ", ".join(missing), "found": ", ".join(columns)}
    )
