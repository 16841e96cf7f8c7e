"""What the cells of an import file may say: text in, value out, or a reason with its remedy."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

MONEY = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,2})?", re.ASCII)
WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+", re.ASCII)
GROUPED = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", re.ASCII)
EARLIEST_YEAR = 1900
CURRENCY_SIGNS = "¥￥$€£元"


class BadCell(Exception):
    """A cell that cannot be read: the cause, a sentence, and the remedy, another."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a row stays out: the column (empty: the whole row), what it says, cause and remedy."""

    cause: str
    remedy: str = ""
    column: str = ""
    value: str = ""


def problem(error: BadCell, column: str, value: str) -> Problem:
    """The problem of one cell."""
    return Problem(cause=error.cause, remedy=error.remedy, column=column, value=value)


def needed(value: str) -> str:
    if not value:
        raise BadCell(_("The cell is empty."), _("Fill it in."))
    return value


def text(value: str, *, longest: int) -> str:
    """Text of at most `longest` characters."""
    if len(value) > longest:
        raise BadCell(
            _("The text is longer than %(longest)d characters.") % {"longest": longest},
            _("Shorten it."),
        )
    return value


def labels(value: str) -> tuple[str, ...]:
    """Several short words in one cell, separated by | or ;."""
    found = tuple(label.strip() for label in re.split(r"[|;；]", value) if label.strip())
    for label in found:
        text(label, longest=50)
    return found


def money(value: str) -> Decimal:
    """An amount with at most two decimals."""
    if MONEY.fullmatch(value):
        return Decimal(value)
    raise _bad_money(needed(value))


def _bad_money(value: str) -> BadCell:
    if any(sign in value for sign in CURRENCY_SIGNS):
        return BadCell(
            _("The amount carries a currency sign."), _("Write the number alone, such as 12.50.")
        )
    if GROUPED.fullmatch(value):
        return BadCell(
            _("The amount has commas between thousands."),
            _("Write it without them: %(amount)s.") % {"amount": value.replace(",", "")},
        )
    if re.fullmatch(r"-?[0-9]+\.[0-9]{3,}", value, re.ASCII):
        return BadCell(
            _("The amount has more than two decimals."),
            _("Round it to two decimals, such as 12.35."),
        )
    if re.fullmatch(r"-?[0-9]+,[0-9]{1,2}", value, re.ASCII):
        return BadCell(
            _("The amount has a decimal comma."),
            _("Write a point: %(amount)s.") % {"amount": value.replace(",", ".")},
        )
    return BadCell(
        _("The amount is not a number with at most two decimals."), _("Write it like 1234.50.")
    )


def whole(value: str) -> int:
    """A whole number, 0 or more."""
    if WHOLE.fullmatch(value):
        return int(value)
    if value.startswith("-"):
        raise BadCell(
            _("The quantity is negative."),
            _("Report a return as a refund of its order, not as a line with a negative quantity."),
        )
    raise BadCell(_("The quantity is not a whole number."), _("Write 0, 1, 2 …"))


def day(value: str) -> date:
    """A day of the calendar, YYYY-MM-DD."""
    if not DAY.fullmatch(value):
        raise BadCell(_("This is not a date."), _("Write it like 1990-07-31."))
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadCell(_("The calendar has no such day."), _("Correct the date.")) from None


def moment(value: str) -> datetime:
    """A moment with its offset from UTC, such as 2026-11-30T18:46:00+08:00."""
    form = MOMENT.fullmatch(value)
    if form is None:
        raise BadCell(
            _("This is not a moment in time."), _("Write it like 2026-11-30T18:46:00+08:00.")
        )
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise BadCell(
            _("The calendar or the clock has no such moment."), _("Correct date and time.")
        ) from None
    if not form["offset"]:
        raise BadCell(
            _("The time does not say its offset from UTC."),
            _("Add it, such as %(example)s.") % {"example": f"{value}+08:00"},
        )
    if read.year < EARLIEST_YEAR:
        raise BadCell(
            _("The year is before %(year)d.") % {"year": EARLIEST_YEAR}, _("Correct the date.")
        )
    return read


def refuse_rounded_phone(value: str) -> None:
    """Refuse 1.38E+10 and 13800138000.0: what a spreadsheet makes of a phone."""
    if SCIENTIFIC.fullmatch(value) or value.endswith(".0"):
        raise BadCell(
            _("The spreadsheet turned the phone into a number; its last digits may be lost."),
            _("Format the column as text, enter the phone again and export once more."),
        )
