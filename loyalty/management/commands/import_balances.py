"""Import opening balances from a CSV file: `import_balances FILE [--errors FILE]`."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loyalty import balance_files, programs
from loyalty.balance_files import BalanceFile, Contents
from members import csv_files
from members.csv_files import CsvFile, Row
from members.import_reports import ImportReport
from members.imports import Calendar
from members.management.importing import Batch, ImportCommand, row_batches

BATCH = 1_000


class Command(ImportCommand[list[Row]]):
    help = gettext(
        "Import opening balances from a CSV file: the points members had before, with their original dates."
    )
    kind = "balances"
    label = _("Opening balances")
    layout = balance_files.LAYOUT

    def survey(self, file: CsvFile) -> None:
        self.progress.begin(gettext("Reading"), total=file.size)
        self.repeated = Contents(file).repeated(csv_files.rows(file))

    def batches(self, file: CsvFile, calendar: Calendar) -> Iterable[Batch[list[Row]]]:
        self.reader = BalanceFile(
            file=file,
            calendar=calendar,
            zone=programs.current().zone,
            repeated=self.repeated,
        )
        return row_batches(file, BATCH)

    def total(self, file: CsvFile) -> int:
        return file.size

    def import_batch(self, items: list[Row], calendar: Calendar, report: ImportReport) -> None:
        self.reader.import_rows(items, report, at=timezone.now())
