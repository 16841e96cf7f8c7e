"""What the import commands share: arguments, the run, progress, and how they end."""

import gc
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members import csv_files, import_reports, imports
from members.csv_files import CsvFile
from members.csv_headers import Layout
from members.encodings import UnreadableFile
from members.import_reports import ImportReport
from members.imports import Calendar, Until
from members.models import ImportRun
from members.progress import Progress

LEEWAY = timedelta(minutes=5)
T = TypeVar("T")


class Batch(NamedTuple, Generic[T]):
    """Some rows to import together, and how far the job has come after them."""

    items: T
    rows: int
    done: int


def add_until(parser: CommandParser) -> None:
    """Give a command whose file holds dates the option to move them."""
    parser.add_argument(
        "--until",
        metavar="DAY",
        help=_("move all dates by whole days so that they end on this day: today or YYYY-MM-DD"),
    )


class ImportCommand(BaseCommand, Generic[T]):
    """`import_… FILE [--errors FILE]`: what can go in goes in, what cannot is reported.

    Every batch is one transaction and repeats change nothing, so the command may be killed and run again.
    """

    kind: str
    label: str | Promise
    layout: Layout

    @abstractmethod
    def batches(self, file: CsvFile, calendar: Calendar) -> Iterable[Batch[T]]:
        """The work, piece by piece."""

    @abstractmethod
    def total(self, file: CsvFile) -> int:
        """What `done` counts up to."""

    @abstractmethod
    def import_batch(self, items: T, calendar: Calendar, report: ImportReport) -> None:
        """Put one piece in."""

    def until(self, file: CsvFile, options: dict[str, Any]) -> tuple[Until, int] | None:
        """The wish to move dates and the days they move by."""
        return None

    def survey(self, file: CsvFile) -> None:
        """Look through the file before anything is written."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=_("the CSV file"))
        parser.add_argument(
            "--errors",
            type=Path,
            metavar="FILE",
            help=_("write every row left out to this CSV file, with line, column and reason"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.progress = Progress(self.stdout)
        try:
            rejected = self._import(options)
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                _("Stopped. Run the same command again: it goes on, and nothing is there twice."),
                returncode=130,
            ) from None
        if rejected:
            raise CommandError(import_reports.left_out(rejected))

    def _import(self, options: dict[str, Any]) -> int:
        file = csv_files.opened(options["file"], self.layout)
        for text in csv_files.notes(file):
            self.progress.say(text)
        self.survey(file)
        wish = self.until(file, options)
        until, shift_days = wish or (None, 0)
        run = imports.begin(kind=self.kind, file=file, shift_days=shift_days, until=until)
        calendar = Calendar(
            shift=timedelta(days=shift_days),
            now=run.started_at if until else timezone.now() + LEEWAY,
            is_moved=until is not None,
        )
        if until:
            self.progress.say(_moved_by(shift_days))
        with (
            ImportReport(file=file, progress=self.progress, errors=options["errors"]) as report,
            imports.commits_without_waiting(),
            _rare_collections(),
        ):
            rows_read = self._work(file, run, calendar, report)
        imports.finish(run, at=timezone.now())
        for text in report.summary():
            self.progress.say(text)
        self.progress.say(self._figures(rows_read, report))
        return report.rejected_rows

    def _work(
        self, file: CsvFile, run: ImportRun, calendar: Calendar, report: ImportReport
    ) -> int:
        self.progress.begin(str(self.label), total=self.total(file))
        rows_read = 0
        for batch in self.batches(file, calendar):
            created = report.created
            self.import_batch(batch.items, calendar, report)
            rows_read += batch.rows
            imports.note(run, rows_read=rows_read, report=report, created=report.created - created)
            self.progress.show(batch.done, rows=rows_read)
        return rows_read

    def _figures(self, rows_read: int, report: ImportReport) -> str:
        return _(
            "%(label)s: %(rows)s rows read, %(created)s new, %(unchanged)s there already, "
            "%(rejected)s rows left out."
        ) % {
            "label": self.label,
            "rows": f"{rows_read:,}",
            "created": f"{report.created:,}",
            "unchanged": f"{report.unchanged:,}",
            "rejected": f"{report.rejected_rows:,}",
        }


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage rarely: batches make millions of objects and hardly any cycle (a fifth of the time)."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _moved_by(days: int) -> str:
    return ngettext(
        "All dates are moved by %(days)d day.", "All dates are moved by %(days)d days.", days
    ) % {"days": days}


def row_batches(file: CsvFile, size: int) -> Iterable[Batch[list[csv_files.Row]]]:
    """The rows of a file in batches; `done` counts bytes."""
    waiting: list[csv_files.Row] = []
    for row in csv_files.rows(file):
        waiting.append(row)
        if len(waiting) == size:
            yield Batch(waiting, size, row.offset)
            waiting = []
    if waiting:
        yield Batch(waiting, len(waiting), file.size)
