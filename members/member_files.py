"""Members from a CSV file, enrolled in batches through the same verb as everybody."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from members import cells, enrolment
from members.cells import BadCell, Problem
from members.csv_files import CsvFile, Row
from members.csv_headers import Layout
from members.enrolment import Newcomer
from members.errors import AlreadyEnrolled, InvalidInput, Refusal
from members.import_reports import ImportReport
from members.imports import Calendar

LAYOUT = Layout(
    required=("phone",),
    optional=(
        "external_id",
        "name",
        "enrolled_at",
        "email",
        "birthday",
        "store",
        "channel",
        "referral_code",
    ),
)


class MemberFile:
    """Reads the rows of one file as newcomers and enrols them."""

    def __init__(self, *, file: CsvFile, calendar: Calendar, report: ImportReport) -> None:
        self.file = file
        self.calendar = calendar
        self.report = report
        self.readers: dict[str, Callable[[str], Any]] = {
            "phone": _phone,
            "enrolled_at": self._moment,
            "birthday": cells.day,
        }
        known = (*LAYOUT.required, *LAYOUT.optional)
        self.columns = [(name, index) for index, name in enumerate(file.columns) if name in known]

    def import_rows(self, rows: Sequence[Row], *, at: datetime) -> None:
        """Enrol the people of some rows and report the bad ones."""
        people = []
        for row in rows:
            newcomer = self._newcomer(row)
            if newcomer is not None:
                people.append((row, newcomer))
        outcomes = enrolment.enrol_all(newcomers=[newcomer for _row, newcomer in people], at=at)
        for (row, _newcomer), outcome in zip(people, outcomes, strict=True):
            if outcome.problem is not None:
                self.report.reject(row, [self._problem(row, outcome.problem)])
            elif outcome.is_new:
                self.report.created += 1
            else:
                self.report.unchanged += 1

    def _newcomer(self, row: Row) -> Newcomer | None:
        if row.problem is not None:
            self.report.reject(row, [row.problem])
            return None
        said: dict[str, Any] = {"phone": None}
        problems = []
        for column, index in self.columns:
            value = row.cells[index].strip()
            if not value:
                continue
            try:
                said[column] = self.readers.get(column, str)(value)
            except BadCell as error:
                problems.append(cells.problem(error, column, value))
        if problems:
            self.report.reject(row, problems)
            return None
        return Newcomer(**said)

    def _moment(self, value: str) -> datetime:
        return self.calendar.moved(cells.moment(value))

    def _problem(self, row: Row, problem: Refusal | InvalidInput) -> Problem:
        """The verb's answer as the problem of a cell."""
        if isinstance(problem, AlreadyEnrolled):
            return Problem(
                cause=_("The phone belongs to a member about whom other things are known."),
                remedy=_("Compare with member %(number)s.") % problem.data,
                column="phone",
                value=self._cell(row, "phone"),
            )
        if isinstance(problem, Refusal):
            return Problem(cause=str(problem))
        column = problem.pointer.strip("/")
        cause, remedy = problem.detail, ""
        if problem.pointer == "/phone" and problem.code == "invalid":
            remedy = _("Write it with the country code, such as +8613800138000.")
        if problem.pointer == "/store" and problem.code == "unknown":
            cause = _("There is no store with this code.")
            remedy = _("Import the stores first, or correct the code.")
        return Problem(cause=cause, remedy=remedy, column=column, value=self._cell(row, column))

    def _cell(self, row: Row, column: str) -> str:
        index = self.file.position(column)
        return "" if index is None else row.cells[index].strip()


def _phone(value: str) -> str:
    cells.refuse_rounded_phone(value)
    return value
