"""Import members from a CSV file: `import_members FILE [--until today [--history ORDERS.csv]]`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members import csv_files, imports, member_files
from members.csv_files import CsvFile, Row
from members.csv_headers import Layout
from members.import_reports import ImportReport
from members.imports import Calendar, Until
from members.management.importing import Batch, ImportCommand, add_until, row_batches
from members.member_files import MemberFile

BATCH = 1_000
HISTORY = Layout(required=("placed_at",))


class Command(ImportCommand[list[Row]]):
    help = gettext("Import members from a CSV file; only the column phone is needed.")
    kind = "members"
    label = _("Members")
    layout = member_files.LAYOUT

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_until(parser)
        parser.add_argument(
            "--history",
            type=Path,
            metavar="ORDERS.csv",
            help=gettext("with --until: move by as many days as the orders in this file will be"),
        )

    def batches(self, file: CsvFile, calendar: Calendar) -> Iterable[Batch[list[Row]]]:
        return row_batches(file, BATCH)

    def total(self, file: CsvFile) -> int:
        return file.size

    def until(self, file: CsvFile, options: dict[str, Any]) -> tuple[Until, int] | None:
        if options["until"] is None:
            return None
        history, column = file, "enrolled_at"
        if options["history"] is not None:
            history, column = csv_files.opened(options["history"], HISTORY), "placed_at"
        until = Until(word=options["until"], history=history.digest)
        zone = imports.local_zone()
        return until, imports.shift(
            until,
            last_day=lambda: imports.last_day(history, column, zone),
            today=timezone.now().astimezone(zone).date(),
        )

    def import_batch(self, items: list[Row], calendar: Calendar, report: ImportReport) -> None:
        reader = MemberFile(file=report.file, calendar=calendar, report=report)
        reader.import_rows(items, at=timezone.now())
