"""Orders from a CSV file, one row a line, placed in batches through the same verb as those of a till."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from loyalty import order_survey, ordering
from loyalty.order_facts import Line, OrderFacts
from loyalty.order_survey import Survey
from members import cells, queries
from members.cells import BadCell, Problem
from members.csv_files import CsvFile, Row
from members.csv_headers import Layout
from members.errors import InvalidInput, NotFound, ReferenceReused, Refusal
from members.import_reports import ImportReport
from members.imports import Calendar

DISTINCT_KEPT = 10_000
MEMBER_COLUMNS = ("member_number", "member_external_id", "member_phone")
LAYOUT = Layout(
    required=("number", "placed_at", "sku", "amount"),
    one_of=MEMBER_COLUMNS,
    optional=("source", "store", "channel", "name", "category", "brand", "quantity", "tags"),
)

Check = Callable[[str], Any]
Findings = list[tuple[Row, list[Problem]]]


class BadOrder(Exception):
    """An order that stays out: each of its rows with what is wrong in it."""

    def __init__(self, findings: Findings) -> None:
        super().__init__()
        self.findings = findings


def _text(longest: int) -> Check:
    return lambda value: cells.text(value, longest=longest)


def _needed(longest: int) -> Check:
    return lambda value: cells.text(cells.needed(value), longest=longest)


def _source(value: str) -> str:
    return cells.text(value, longest=50) or "default"


def _quantity(value: str) -> int:
    return cells.whole(value) if value else 1


LINE_CHECKS: dict[str, Check] = {
    "sku": _needed(100),
    "name": _text(200),
    "category": _text(100),
    "brand": _text(100),
    "tags": cells.labels,
    "quantity": _quantity,
    "amount": cells.money,
}


class OrderFile:
    """Reads the orders of one file and places them."""

    def __init__(
        self, *, file: CsvFile, survey: Survey, calendar: Calendar, report: ImportReport
    ) -> None:
        self.survey = survey
        self.report = report
        self.calendar = calendar
        order_checks: dict[str, Check] = {
            "number": _needed(100),
            "source": _source,
            "placed_at": self._moment,
            "member_number": _text(20),
            "member_external_id": _text(100),
            "member_phone": self._phone,
            "store": _text(50),
            "channel": _text(50),
        }
        self.positions = {name: index for index, name in enumerate(file.columns) if name}
        self.order_checks = self._at(order_checks)
        # Products, quantities and prices come again and again.
        self.line_checks: list[tuple[str, int, Check]] = [
            (name, at, lru_cache(DISTINCT_KEPT)(check))
            for name, at, check in self._at(LINE_CHECKS)
        ]
        self.numbers: dict[str, str] = {}

    def _at(self, checks: dict[str, Check]) -> list[tuple[str, int, Check]]:
        return [
            (name, self.positions[name], check)
            for name, check in checks.items()
            if name in self.positions
        ]

    def import_orders(self, orders: Sequence[list[Row]], *, at: datetime) -> None:
        """Place some orders, each given by its rows, and report the bad ones."""
        good = []
        for rows in orders:
            try:
                good.append((rows, self.read(rows)))
            except BadOrder as bad:
                self._reject(rows, bad.findings)
        for (rows, _facts), placed in zip(
            good, ordering.place_all(orders=[facts for _rows, facts in good], at=at), strict=True
        ):
            if placed.problem is not None:
                row, problem = self._told(rows, placed.problem)
                self._reject(rows, [(row, [problem])])
            elif placed.is_new:
                self.report.created += 1
            else:
                self.report.unchanged += 1

    def _reject(self, rows: list[Row], findings: Findings) -> None:
        first_bad = findings[0][0]
        bad = {row.line: problems for row, problems in findings}
        for row in rows:
            if row.line in bad:
                self.report.reject(row, bad[row.line])
            else:
                self.report.reject_with(row, first_bad.line)

    # ---- one order ----------------------------------------------------------------------------
    def read(self, rows: list[Row]) -> OrderFacts:
        """The order that some rows tell. Raises BadOrder."""
        first = rows[0].cells
        try:
            self._refuse_broken(rows)
            told = {name: check(first[at].strip()) for name, at, check in self.order_checks}
            lines = tuple([self._line(row.cells) for row in rows])
        except BadCell:
            raise BadOrder(self._findings(rows)) from None
        external_id = told.pop("member_external_id", "")
        number = told.pop("member_number", "") or told.pop("member_phone", "")
        told.pop("member_phone", None)
        return OrderFacts(
            member=number or None,
            member_external_id=None if number else external_id or None,
            store=told.pop("store", "") or None,
            lines=lines,
            **told,
        )

    def _line(self, row: list[str]) -> Line:
        return Line(**{name: check(row[at].strip()) for name, at, check in self.line_checks})

    def _refuse_broken(self, rows: list[Row]) -> None:
        """Refuse rows that are broken, are torn from others, or tell different things of one order."""
        first = rows[0].cells
        for row in rows:
            if row.problem is not None:
                raise BadCell(row.problem.cause)
            for _name, at, _check in self.order_checks:
                if row.cells[at] != first[at]:
                    raise BadCell("")
        if self.survey.is_torn(self._key(rows[0])):
            raise BadCell("")

    def _key(self, row: Row) -> tuple[str, str]:
        return order_survey.key_of(row, self.positions["number"], self.positions.get("source"))

    def _moment(self, value: str) -> datetime:
        return self.calendar.moved(cells.moment(cells.needed(value)))

    def _phone(self, value: str) -> str:
        """The number of the member with this phone."""
        if not value:
            return ""
        cells.refuse_rounded_phone(value)
        if value not in self.numbers:
            try:
                self.numbers[value] = queries.by_phone(value).number
            except NotFound:
                raise BadCell(*_no_member()) from None
        return self.numbers[value]

    # ---- what is wrong ------------------------------------------------------------------------
    def _findings(self, rows: list[Row]) -> Findings:
        findings = [(row, self._problems(row, rows[0])) for row in rows]
        bad = [(row, problems) for row, problems in findings if problems]
        if bad:
            return bad
        problem = Problem(
            cause=_("The order number comes back elsewhere in the file with other lines."),
            remedy=_("Put all lines of an order together, or give each order its own number."),
            column="number",
            value=rows[0].cells[self.positions["number"]],
        )
        return [(rows[0], [problem])]

    def _problems(self, row: Row, first: Row) -> list[Problem]:
        if row.problem is not None:
            return [row.problem]
        problems = []
        for name, at, check in [*self.order_checks, *self.line_checks]:
            value = row.cells[at].strip()
            try:
                check(value)
                if name not in LINE_CHECKS and first.problem is None:
                    _refuse_other(value, first.cells[at].strip(), first.line)
            except BadCell as error:
                problems.append(cells.problem(error, name, value))
        return problems

    def _told(
        self, rows: list[Row], problem: Refusal | InvalidInput | NotFound
    ) -> tuple[Row, Problem]:
        """The verb's answer as the problem of a cell."""
        row = rows[0]
        if isinstance(problem, ReferenceReused):
            cause = _("The order was imported or reported before with other content.")
            return row, self._of(
                "number", row, cause, _("Compare the two; orders are never changed.")
            )
        if isinstance(problem, NotFound):
            column = next(
                (name for name in MEMBER_COLUMNS if self._value(name, row)), "member_external_id"
            )
            return row, self._of(column, row, *_no_member())
        if isinstance(problem, InvalidInput) and problem.pointer == "/store":
            cause = _("There is no store with this code.")
            return row, self._of(
                "store", row, cause, _("Import the stores first, or correct the code.")
            )
        cause = problem.detail if isinstance(problem, InvalidInput) else str(problem)
        return row, Problem(cause=cause)

    def _of(self, column: str, row: Row, cause: str, remedy: str) -> Problem:
        return Problem(cause=cause, remedy=remedy, column=column, value=self._value(column, row))

    def _value(self, column: str, row: Row) -> str:
        at = self.positions.get(column)
        return "" if at is None else row.cells[at].strip()


def _no_member() -> tuple[str, str]:
    return (
        _("There is no such member."),
        _("Import the members first; an empty cell means a customer who is not a member."),
    )


def _refuse_other(value: str, first: str, line: int) -> None:
    if value != first:
        raise BadCell(
            _("The row differs from the first row of its order (line %(line)d).") % {"line": line},
            _("Give all rows of an order the same value here, or another order number."),
        )
