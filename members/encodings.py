"""Which encoding a text file is in: UTF-8, or GB18030 as Chinese Windows writes it."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from django.utils.translation import gettext as _

CHUNK = 1 << 20
SAMPLE_CHARACTERS = 1_000
WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
ARCHIVE_STARTS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
WIDE_STARTS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableFile(Exception):
    """The file as a whole cannot be used; the text says where, why and what to do."""


def detect(stream: BinaryIO) -> str:
    """`utf-8` or `gb18030`, after a look at every byte. Raises UnreadableFile with the place."""
    _refuse_other_kinds(_start(stream))
    bad_byte = _first_undecodable(stream, "utf-8")
    if bad_byte is None:
        return "utf-8"
    if _first_undecodable(stream, "gb18030") is None and _looks_chinese(stream, bad_byte):
        return "gb18030"
    raise UnreadableFile(
        _(
            "Line %(line)d (byte %(byte)d) is neither UTF-8 nor GB18030. "
            "Save the file as “CSV UTF-8” and import it again; nothing was imported."
        )
        % {"line": _line_of(stream, bad_byte), "byte": bad_byte + 1}
    )


def length_of_mark(stream: BinaryIO) -> int:
    """How many bytes the byte order mark of UTF-8 takes at the start: 3 or 0."""
    return len(codecs.BOM_UTF8) if _start(stream).startswith(codecs.BOM_UTF8) else 0


def _start(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(64)


def _refuse_other_kinds(start: bytes) -> None:
    if not start.strip():
        raise UnreadableFile(
            _("The file is empty. It needs a line that names the columns, and rows below it.")
        )
    if start.startswith(WORKBOOK_STARTS):
        raise UnreadableFile(
            _("This is a workbook of a spreadsheet, not a CSV file. Save it as “CSV UTF-8”.")
        )
    if start.startswith(ARCHIVE_STARTS):
        raise UnreadableFile(_("This is a packed file. Unpack it first."))
    if start.startswith(WIDE_STARTS) or start[1:2] == b"\0":
        raise UnreadableFile(
            _("The file is in the encoding UTF-16 (“Unicode text”). Save it as “CSV UTF-8”.")
        )


def _first_undecodable(stream: BinaryIO, encoding: str) -> int | None:
    """The offset of the first byte that the encoding cannot explain."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    for chunk in _chunks(stream):
        held_back = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return read - held_back + error.start
        read += len(chunk)
    return None


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream from its start in pieces, and an empty one at the end."""
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        yield chunk
    yield b""


def _looks_chinese(stream: BinaryIO, offset: int) -> bool:
    """Whether most of what is not ASCII are everyday characters.

    Nearly any bytes pass for GB18030, those of Western files too, but then as rare characters.
    """
    stream.seek(0)
    text = io.TextIOWrapper(io.BytesIO(stream.read(offset + CHUNK)), "gb18030", errors="ignore")
    foreign = [letter for letter in text.read() if not letter.isascii()][:SAMPLE_CHARACTERS]
    everyday = "".join(foreign).encode("gb2312", errors="ignore").decode("gb2312")
    return 2 * len(everyday) > len(foreign)


def _line_of(stream: BinaryIO, offset: int) -> int:
    line = 1
    for chunk in _chunks(stream):
        if offset < len(chunk):
            return line + chunk.count(b"\n", 0, offset)
        line += chunk.count(b"\n")
        offset -= len(chunk)
    return line
