"""Import orders from a CSV file: `import_orders FILE [--until today]`."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from loyalty import order_files, order_imports, order_survey, programs
from loyalty.order_files import OrderReader, ToldOrder
from members import csv_files, imports
from members.csv_files import CsvFile
from members.encodings import UnreadableFile
from members.import_reports import ImportReport
from members.imports import Calendar, Until
from members.management.importing import Batch, ImportCommand, add_until

ORDERS_IN_BATCH = 1_000
ROWS_IN_BATCH = 20_000


class Command(ImportCommand[list[ToldOrder]]):
    help = gettext("Import orders from a CSV file, one row for each line of an order.")
    kind = "orders"
    label = _("Orders")
    layout = order_files.LAYOUT

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_until(parser)

    def survey(self, file: CsvFile) -> None:
        self.progress.begin(gettext("Reading"), total=file.size)
        self.found = order_survey.survey(
            file, show=lambda done, rows: self.progress.show(done, rows=rows)
        )
        for text in order_survey.notes(self.found):
            self.progress.say(text)
        self.progress.say(
            ngettext(
                "%(orders)s order in %(rows)s rows.",
                "%(orders)s orders in %(rows)s rows.",
                len(self.found),
            )
            % {"orders": f"{len(self.found):,}", "rows": f"{self.found.rows:,}"}
        )

    def until(self, file: CsvFile, options: dict[str, Any]) -> tuple[Until, int] | None:
        if options["until"] is None:
            return None
        if self.found.last is None:
            raise UnreadableFile(
                gettext("No order has a readable time, so there is no last day for --until.")
            )
        zone = programs.current().zone
        last_day = self.found.last.astimezone(zone).date()
        until = Until(word=options["until"], history=file.digest)
        today = timezone.now().astimezone(zone).date()
        return until, imports.shift(until, last_day=lambda: last_day, today=today)

    def total(self, file: CsvFile) -> int:
        return self.found.rows

    def batches(self, file: CsvFile, calendar: Calendar) -> Iterable[Batch[list[ToldOrder]]]:
        reader = OrderReader(file=file, survey=self.found, calendar=calendar)
        orders: list[ToldOrder] = []
        rows = done = 0
        with file.path.open("rb") as stream:
            for stretch in self.found.stretches():
                order = reader.told(csv_files.rows_within(file, stream, stretch))
                orders.append(order)
                rows += len(order.rows)
                if len(orders) >= ORDERS_IN_BATCH or rows >= ROWS_IN_BATCH:
                    done += rows
                    yield Batch(orders, rows, done)
                    orders, rows = [], 0
        if orders:
            yield Batch(orders, rows, done + rows)

    def import_batch(
        self, items: list[ToldOrder], calendar: Calendar, report: ImportReport
    ) -> None:
        order_imports.place_told(orders=items, report=report, at=timezone.now())
