"""Tracking numbers by the hundred: a file of number, carrier and tracking, looked at first, then fulfilled line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from members.errors import InvalidInput, NotFound, Refusal
from rewards import fulfilment, pool_files, queries, redemption
from rewards.fulfilment import Parcel
from rewards.models import Redemption
from rewards.redemption_errors import RedemptionClosed

MOST_LINES = 2_000
COLUMNS = ("number", "carrier", "tracking")
State = Redemption.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A line of the file: whose parcel it is, and what is wrong with it, if anything."""

    line: int
    number: str
    parcel: Parcel
    redemption: Redemption | None = None
    problem: str = ""


def looked_at(*, file: bytes, at: datetime) -> list[Sending]:
    """Every line that names a carrier or tracking number, with what would be refused; nothing is written.

    Raises InvalidInput for a file that is no CSV, has not these columns or too many lines.
    """
    said = _read(file)
    found = {
        each.number: each
        for each in queries.redemptions()
        .filter(number__in=[one.number for one in said])
        .prefetch_related("vouchers")
    }
    seen: set[str] = set()
    lines = []
    for one in said:
        known = found.get(one.number)
        problem = _problem(one.number, known, seen, at)
        lines.append(_with(one, known, problem))
        seen.add(one.number)
    return lines


def fulfil_all(*, file: bytes, by: str, at: datetime) -> list[Sending]:
    """Fulfil each good line in a transaction of its own; the others come back with their problem. Safe to repeat."""
    return [
        each if each.problem else _fulfilled(each, by, at) for each in looked_at(file=file, at=at)
    ]


def _fulfilled(sending: Sending, by: str, at: datetime) -> Sending:
    try:
        done = fulfilment.fulfil(number=sending.number, parcel=sending.parcel, by=by, at=at)
    except (Refusal, NotFound, InvalidInput) as problem:
        return _with(sending, sending.redemption, str(problem))
    return _with(sending, done, "")


def _with(sending: Sending, known: Redemption | None, problem: str) -> Sending:
    return Sending(
        line=sending.line,
        number=sending.number,
        parcel=sending.parcel,
        redemption=known,
        problem=problem,
    )


def _problem(number: str, known: Redemption | None, seen: set[str], at: datetime) -> str:
    if number in seen:
        return _("The number is already in the file.")
    if known is None:
        return _("There is no redemption with this number.")
    state = redemption.state_of(known, at)
    if state in {State.RESERVED, State.CANCELLED, State.EXPIRED}:
        return str(RedemptionClosed(state=state))
    return ""


def _read(file: bytes) -> Sequence[Sending]:
    rows = pool_files.rows_of(pool_files.text_of(file))
    names = [cell.lower() for cell in rows[0][1]] if rows else []
    if any(name not in names for name in COLUMNS):
        wanted = ", ".join(COLUMNS)
        raise InvalidInput(
            "/file",
            "missing_column",
            _("The first line has to name: %(names)s.") % {"names": wanted},
        )
    if len(rows) > MOST_LINES:
        raise InvalidInput(
            "/file", "too_large", _("At most %(most)d lines at a time.") % {"most": MOST_LINES}
        )
    return [each for line, cells in rows[1:] if (each := _sending(line, cells, names))]


def _sending(line: int, cells: Sequence[str], names: Sequence[str]) -> Sending | None:
    """The line, unless it says nothing about a parcel yet."""
    said = dict(zip(names, cells, strict=False))
    carrier, tracking = (said.get(name, "").lstrip("'") for name in COLUMNS[1:])
    if not carrier and not tracking:
        return None
    number = said.get("number", "").lstrip("'").upper()
    return Sending(line=line, number=number, parcel=Parcel(carrier=carrier, tracking=tracking))
