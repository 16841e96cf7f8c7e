"""Import stores from a CSV file: `import_stores FILE`."""

from collections.abc import Iterable

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members import store_files
from members.csv_files import CsvFile, Row
from members.import_reports import ImportReport
from members.imports import Calendar
from members.management.importing import Batch, ImportCommand, row_batches

BATCH = 1_000


class Command(ImportCommand[list[Row]]):
    help = gettext("Import stores from a CSV file with the columns code and name.")
    kind = "stores"
    label = _("Stores")
    layout = store_files.LAYOUT

    def batches(self, file: CsvFile, calendar: Calendar) -> Iterable[Batch[list[Row]]]:
        return row_batches(file, BATCH)

    def total(self, file: CsvFile) -> int:
        return file.size

    def import_batch(self, items: list[Row], calendar: Calendar, report: ImportReport) -> None:
        store_files.import_rows(file=report.file, rows=items, report=report)
