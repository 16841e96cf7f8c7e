"""Stores from a CSV file: opened, or renamed when the file knows a newer name."""

from collections.abc import Sequence

from members import cells, queries, stores
from members.cells import BadCell
from members.csv_files import CsvFile, Row
from members.csv_headers import Layout
from members.import_reports import ImportReport

LAYOUT = Layout(required=("code", "name"))


def import_rows(*, file: CsvFile, rows: Sequence[Row], report: ImportReport) -> None:
    """Open or rename the stores of some rows and report the bad ones."""
    good = []
    for row in rows:
        read = _read(file, row, report)
        if read is not None:
            good.append(read)
    known = queries.stores_by_code(code for code, _name in good)
    for code, name in good:
        store = known.get(code)
        if store is None:
            known[code] = stores.create(changes={"code": code, "name": name})
            report.created += 1
        elif store.name != name:
            stores.change(store=store, changes={"name": name})
            report.created += 1
        else:
            report.unchanged += 1


def _read(file: CsvFile, row: Row, report: ImportReport) -> tuple[str, str] | None:
    if row.problem is not None:
        report.reject(row, [row.problem])
        return None
    values, problems = [], []
    for column, longest in (("code", 50), ("name", 100)):
        value = row.cells[file.columns.index(column)].strip()
        try:
            values.append(cells.text(cells.needed(value), longest=longest))
        except BadCell as error:
            problems.append(cells.problem(error, column, value))
    if problems:
        report.reject(row, problems)
        return None
    code, name = values
    return code, name
