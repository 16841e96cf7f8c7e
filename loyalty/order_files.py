"""Orders as a CSV file tells them, one row a line: facts, or what is wrong in which row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.utils.translation import gettext as _

from loyalty import order_survey
from loyalty.models import Order
from loyalty.order_facts import Line, OrderFacts
from loyalty.order_survey import Survey
from members import cells
from members.cells import BadCell, Problem
from members.csv_files import CsvFile, Row
from members.csv_headers import Layout
from members.imports import Calendar

LINES_KEPT = 30_000
MEMBER_COLUMNS = ("member_number", "member_external_id", "member_phone")
LAYOUT = Layout(
    required=("number", "placed_at", "sku", "amount"),
    one_of=MEMBER_COLUMNS,
    optional=(
        "source",
        "store",
        "channel",
        "status",
        "name",
        "category",
        "brand",
        "quantity",
        "tags",
    ),
)

Check = Callable[[str], Any]
Findings = Sequence[tuple[Row, list[Problem]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldOrder:
    """The rows of an order and what they say: facts (the member perhaps by phone) or findings."""

    rows: list[Row]
    facts: OrderFacts | None = None
    phone: str = ""
    findings: Findings = ()


def _text(longest: int) -> Check:
    return lambda value: cells.text(value, longest=longest)


def _needed(longest: int) -> Check:
    return lambda value: cells.text(cells.needed(value), longest=longest)


def _source(value: str) -> str:
    return cells.text(value, longest=50) or "default"


def _phone(value: str) -> str:
    cells.refuse_rounded_phone(value)
    return cells.text(value, longest=60)


def _status(value: str) -> str:
    """How far the order has come: a code or its name in the language of the reader; an empty cell: paid."""
    if not value:
        return Order.Status.PAID
    wanted = value.casefold()
    if wanted in Order.REPORTED:
        return wanted
    for status in Order.REPORTED:
        if wanted == str(status.label).casefold():
            return status.value
    raise BadCell(
        _("This is not how far an order can have come."),
        _("Write one of: %(choices)s. Report refunds as refunds of the order.")
        % {"choices": ", ".join(Order.REPORTED)},
    )


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


class OrderReader:
    """Reads the orders of one file. It asks nobody: who the members are is seen when they are placed."""

    def __init__(self, *, file: CsvFile, survey: Survey, calendar: Calendar) -> None:
        self.survey = survey
        self.calendar = calendar
        order_checks: dict[str, Check] = {
            "number": _needed(100),
            "source": _source,
            "placed_at": self._moment,
            "member_number": _text(20),
            "member_external_id": _text(100),
            "member_phone": _phone,
            "store": _text(50),
            "channel": _text(50),
            "status": _status,
        }
        self.positions = {name: index for index, name in enumerate(file.columns) if name}
        self.order_checks = self._at(order_checks)
        self.line_checks = self._at(LINE_CHECKS)
        self.line_cells = itemgetter(*[at for _name, at, _check in self.line_checks])
        # The same product at the same price comes again and again.
        self.line = lru_cache(LINES_KEPT)(self._line)

    def _at(self, checks: dict[str, Check]) -> list[tuple[str, int, Check]]:
        return [
            (name, self.positions[name], check)
            for name, check in checks.items()
            if name in self.positions
        ]

    # ---- one order ----------------------------------------------------------------------------
    def told(self, rows: list[Row]) -> ToldOrder:
        """What some rows, which are all of an order, tell."""
        first = rows[0].cells
        try:
            self._refuse_broken(rows)
            told = {name: check(first[at].strip()) for name, at, check in self.order_checks}
            lines = tuple([self.line(self.line_cells(row.cells)) for row in rows])
        except BadCell:
            return ToldOrder(rows=rows, findings=self._findings(rows))
        number = told.pop("member_number", "")
        external_id = told.pop("member_external_id", "")
        phone = told.pop("member_phone", "")
        facts = OrderFacts(
            member=number or None,
            member_external_id=None if number else external_id or None,
            store=told.pop("store", "") or None,
            lines=lines,
            **told,
        )
        return ToldOrder(rows=rows, facts=facts, phone="" if number or external_id else phone)

    def _line(self, values: tuple[str, ...]) -> Line:
        pairs = zip(self.line_checks, values, strict=True)
        return Line(**{name: check(value.strip()) for (name, _at, check), value in pairs})

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


def _refuse_other(value: str, first: str, line: int) -> None:
    if value != first:
        raise BadCell(
            _("The row differs from the first row of its order (line %(line)d).") % {"line": line},
            _("Give all rows of an order the same value here, or another order number."),
        )
