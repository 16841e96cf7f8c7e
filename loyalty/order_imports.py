"""Orders that a file tells, placed in batches through the same verb as those of a till."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import ordering
from loyalty.order_facts import OrderFacts
from loyalty.order_files import MEMBER_COLUMNS, Findings, ToldOrder
from loyalty.ordering import Placed
from members import queries
from members.cells import Problem
from members.csv_files import Row
from members.errors import InvalidInput, NotFound, ReferenceReused
from members.import_reports import ImportReport


def place_told(*, orders: Sequence[ToldOrder], report: ImportReport, at: datetime) -> None:
    """Place what can be placed and report the rest, row by row."""
    good: list[tuple[ToldOrder, OrderFacts]] = []
    numbers = _numbers_of({order.phone for order in orders if order.phone})
    for order in orders:
        if order.facts is None:
            _reject(order, order.findings, report)
        elif not order.phone:
            good.append((order, order.facts))
        elif order.phone in numbers:
            good.append((order, replace(order.facts, member=numbers[order.phone])))
        else:
            _reject(order, [(order.rows[0], [_no_member(order, report)])], report)
    answers = ordering.place_all(orders=[facts for _order, facts in good], at=at) if good else []
    for (order, _facts), placed in zip(good, answers, strict=True):
        _note(order, placed, report)


def _numbers_of(phones: Iterable[str]) -> dict[str, str]:
    """Member numbers by phone, for the phones that belong to somebody."""
    numbers = {}
    for phone in phones:
        try:
            numbers[phone] = queries.by_phone(phone).number
        except NotFound:
            continue
    return numbers


def _note(order: ToldOrder, placed: Placed, report: ImportReport) -> None:
    if placed.problem is not None:
        problem = _as_cell(order, placed, report)
        _reject(order, [(order.rows[0], [problem])], report)
    elif placed.is_new:
        report.created += 1
    else:
        report.unchanged += 1


def _reject(order: ToldOrder, findings: Findings, report: ImportReport) -> None:
    """Report the bad rows; the good ones of the order stay out with them."""
    bad = {row.line: problems for row, problems in findings}
    first_bad = min(bad)
    for row in order.rows:
        if row.line in bad:
            report.reject(row, bad[row.line])
        else:
            report.reject_with(row, first_bad)


# ---- the verb's answer as the problem of a cell -----------------------------------------------------
def _as_cell(order: ToldOrder, placed: Placed, report: ImportReport) -> Problem:
    problem, row = placed.problem, order.rows[0]
    if isinstance(problem, ReferenceReused):
        return Problem(
            cause=_("The order was imported or reported before with other content."),
            remedy=_("Compare the two; orders are never changed."),
            column="number",
            value=_value(row, "number", report),
        )
    if isinstance(problem, NotFound):
        return _no_member(order, report)
    if isinstance(problem, InvalidInput) and problem.pointer == "/store":
        return Problem(
            cause=_("There is no store with this code."),
            remedy=_("Import the stores first, or correct the code."),
            column="store",
            value=_value(row, "store", report),
        )
    return Problem(cause=problem.detail if isinstance(problem, InvalidInput) else str(problem))


def _no_member(order: ToldOrder, report: ImportReport) -> Problem:
    row = order.rows[0]
    named = [column for column in MEMBER_COLUMNS if _value(row, column, report)]
    return Problem(
        cause=_("There is no such member."),
        remedy=_("Import the members first; an empty cell means a customer who is not a member."),
        column=named[0],
        value=_value(row, named[0], report),
    )


def _value(row: Row, column: str, report: ImportReport) -> str:
    at = report.file.position(column)
    return "" if at is None else row.cells[at].strip()
