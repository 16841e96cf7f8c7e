"""Opening balances as a CSV file tells them, one row each, credited in batches."""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from loyalty import expiry, opening
from loyalty.ledger import MAX_POINTS
from loyalty.opening import OpeningBalance
from members import cells, phones, queries
from members.cells import BadCell, Problem
from members.csv_files import CsvFile, Row
from members.csv_headers import Layout
from members.errors import InvalidInput, MemberClosed, ReferenceReused
from members.import_reports import ImportReport
from members.imports import Calendar
from members.models import Member

MEMBER_COLUMNS = ("member", "external_id", "phone")
# What makes a balance the one it is where it has no reference of its own.
CONTENT = (*MEMBER_COLUMNS, "points", "status_points", "earned_at", "active_from", "expires_at")
LAYOUT = Layout(
    required=("earned_at",),
    one_of=MEMBER_COLUMNS,
    optional=(
        "points",
        "status_points",
        "active_from",
        "expires_at",
        "reference",
        "title",
        "note",
    ),
)
BUCKETS = 256


class BalanceFile:
    """Reads the rows of one file as opening balances and credits them.

    `repeated` are the rows (by `Contents`) that stand in the file more than once.
    """

    def __init__(
        self, *, file: CsvFile, calendar: Calendar, zone: ZoneInfo, repeated: set[int]
    ) -> None:
        self.calendar = calendar
        self.zone = zone
        self.repeated = repeated
        self.lines: dict[int, int] = {}
        self.contents = Contents(file)
        checks: dict[str, Callable[[str], Any]] = {
            "member": lambda value: "".join(cells.text(value, longest=40).split()),
            "external_id": lambda value: cells.text(value, longest=100),
            "phone": _phone,
            "points": _points,
            "status_points": _points,
            "earned_at": self._past,
            "active_from": lambda value: moment(value, self.zone),
            "expires_at": self._end,
            "reference": lambda value: cells.text(value, longest=200),
            "title": lambda value: cells.text(value, longest=100),
            "note": lambda value: cells.text(value, longest=500),
        }
        self.checks = [
            (name, index, checks[name])
            for index, name in enumerate(file.columns)
            if name in checks
        ]

    def import_rows(self, rows: Sequence[Row], report: ImportReport, *, at: datetime) -> None:
        """Credit the balances of some rows, count them and report the bad ones."""
        for _row, _member, is_new in self.credit(rows, report, at=at):
            if is_new:
                report.created += 1
            else:
                report.unchanged += 1

    def credit(
        self, rows: Sequence[Row], report: ImportReport, *, at: datetime
    ) -> list[tuple[Row, Member, bool]]:
        """Credit the balances of some rows: the good ones with their member and whether they were new."""
        told = [(row, said) for row in rows if (said := self._said(row, report)) is not None]
        people = _People([said for _row, said in told])
        balances = []
        for row, said in told:
            member = people.member_of(said)
            if member is None:
                report.reject(row, [_no_member(said)])
            else:
                balances.append((row, _balance(member, said)))
        answers = opening.open_all(balances=[each for _row, each in balances], at=at)
        good = []
        for (row, balance), answer in zip(balances, answers, strict=True):
            if answer.problem is not None:
                report.reject(row, [_as_cell(answer.problem, balance)])
            else:
                good.append((row, balance.member, answer.is_new))
        return good

    # ---- one row ------------------------------------------------------------------------------
    def _said(self, row: Row, report: ImportReport) -> dict[str, Any] | None:
        """What the row says by column, or None once its problems are reported."""
        said: dict[str, Any] = {}
        problems = [row.problem] if row.problem is not None else []
        for name, index, check in self.checks if row.problem is None else ():
            value = row.cells[index].strip()
            try:
                if value:
                    said[name] = check(value)
            except BadCell as error:
                problems.append(cells.problem(error, name, value))
        problems = problems or self._missing(said) or self._repetition(row)
        if problems:
            report.reject(row, problems)
            return None
        return said

    def _missing(self, said: dict[str, Any]) -> list[Problem]:
        empty = {"cause": _("The cell is empty."), "remedy": _("Fill it in.")}
        problems = []
        if not any(name in said for name in MEMBER_COLUMNS):
            problems.append(Problem(column=MEMBER_COLUMNS[0], **empty))
        if "earned_at" not in said:
            problems.append(Problem(column="earned_at", **empty))
        if not said.get("points") and not said.get("status_points"):
            problems.append(
                Problem(
                    cause=_("The row holds no points."),
                    remedy=_("Leave members without points out of the file."),
                    column="points",
                )
            )
        return problems

    def _repetition(self, row: Row) -> list[Problem]:
        key = self.contents.key(row)
        if key is None or key not in self.repeated:
            return []
        first = self.lines.setdefault(key, row.line)
        if first == row.line:
            return []
        cause = _("The same balance stands in line %(line)d already.") % {"line": first}
        remedy = _("If both are meant, give each a reference of its own.")
        return [Problem(cause=cause, remedy=remedy)]

    def _past(self, value: str) -> datetime:
        found = moment(value, self.zone)
        if found > self.calendar.now:
            raise BadCell(_("The time is still to come."), _("Correct it."))
        return found

    def _end(self, value: str) -> datetime:
        """A day is the last on which the points can be used, a moment the first at which they cannot."""
        if cells.DAY.fullmatch(value):
            return expiry.end_of_local_day(cells.day(value), self.zone)
        return moment(value, self.zone)


class Contents:
    """Which rows of a file say the same."""

    def __init__(self, file: CsvFile) -> None:
        self.reference_at = file.position("reference")
        positions = [file.position(name) for name in CONTENT]
        self.positions = [at for at in positions if at is not None]

    def key(self, row: Row) -> int | None:
        """A number for what the row says; None where it is broken or has a reference of its own."""
        if row.problem is not None:
            return None
        if self.reference_at is not None and row.cells[self.reference_at].strip():
            return None
        return hash(tuple([row.cells[at].strip() for at in self.positions]))

    def repeated(self, rows: Iterable[Row]) -> set[int]:
        """The numbers that come more than once; eight bytes a row are kept meanwhile."""
        buckets = [array("q") for _bucket in range(BUCKETS)]
        for row in rows:
            key = self.key(row)
            if key is not None:
                buckets[key % BUCKETS].append(key)
        return {key for keys in buckets for key, count in Counter(keys).items() if count > 1}


class _People:
    """The members that some rows name, found in one query."""

    def __init__(self, said: Sequence[dict[str, Any]]) -> None:
        found = queries.found(
            numbers={each["member"] for each in said if "member" in each},
            external_ids={each["external_id"] for each in said if "external_id" in each},
            phones={each["phone"] for each in said if "phone" in each},
        )
        self.by_column: dict[str, dict[str | None, Member]] = {
            "member": {member.number: member for member in found},
            "external_id": {member.external_id: member for member in found},
            "phone": {member.phone: member for member in found},
        }

    def member_of(self, said: dict[str, Any]) -> Member | None:
        column = _naming(said)
        return self.by_column[column].get(said[column])


def moment(value: str, zone: ZoneInfo) -> datetime:
    """A moment of a file: with its offset, by the clock of `zone`, or a day, which is its first moment there."""
    text = f"{value}T00:00:00" if cells.DAY.fullmatch(value) else value
    form = cells.MOMENT.fullmatch(text)
    if form is None or form["offset"]:
        return cells.moment(text).astimezone(UTC)
    return cells.moment(f"{text}+00:00").replace(tzinfo=zone).astimezone(UTC)


def _points(value: str) -> int:
    if re.fullmatch(r"[0-9]{1,19}", value, re.ASCII) and int(value) <= MAX_POINTS:
        return int(value)
    raise BadCell(_("The points are not a whole number."), _("Write digits alone, such as 1250."))


def _phone(value: str) -> str:
    cells.refuse_rounded_phone(value)
    try:
        return phones.normalise(value)
    except ValueError as error:
        raise BadCell(str(error)) from None


def _naming(said: dict[str, Any]) -> str:
    return next(name for name in MEMBER_COLUMNS if name in said)


def _balance(member: Member, said: dict[str, Any]) -> OpeningBalance:
    words = {name: value for name, value in said.items() if name not in MEMBER_COLUMNS}
    return OpeningBalance(member=member, **words)


# ---- what is wrong ------------------------------------------------------------------------------------
def _no_member(said: dict[str, Any]) -> Problem:
    column = _naming(said)
    return Problem(
        cause=_("There is no such member."),
        remedy=_("Import the members first."),
        column=column,
        value=said[column],
    )


def _as_cell(problem: opening.Problem, balance: OpeningBalance) -> Problem:
    if isinstance(problem, ReferenceReused):
        return Problem(
            cause=_("A balance with this reference came before with other content."),
            remedy=_("Compare the two; what is in the books is never changed."),
            column="reference",
            value=balance.reference,
        )
    if isinstance(problem, MemberClosed):
        return Problem(cause=str(problem), remedy=_("Leave the row out."), column="member")
    if isinstance(problem, InvalidInput):
        return Problem(cause=problem.detail, column=problem.pointer.strip("/"))
    return Problem(cause=str(problem))


__all__ = ["LAYOUT", "BalanceFile", "Contents", "moment"]
