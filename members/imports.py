"""Runs of imports: what was imported, and by how many days its dates were moved.

`--until today` moves dates by whole days; the number is kept with the first run, so that a repeat on another
day moves them by the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members import cells
from members.cells import BadCell
from members.csv_files import CsvFile, rows
from members.encodings import UnreadableFile
from members.import_reports import ImportReport
from members.models import ImportRun

TODAY = "today"


class HasZone(Protocol):
    @property
    def zone(self) -> ZoneInfo: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Until:
    """The wish that a history ends on a day; `history` is the digest of the file whose last day counts."""

    word: str
    history: str

    @property
    def options(self) -> str:
        return f"until={self.word} history={self.history}"


def local_zone() -> ZoneInfo:
    """The time zone in which days are meant: the program's, which the settings name."""
    program: Callable[[], HasZone] = import_string(settings.PROGRAM)
    return program().zone


def until_day(word: str, *, today: date) -> date:
    """The day that `--until` names. Raises UnreadableFile for anything else than today or a past day."""
    if word == TODAY:
        return today
    try:
        day = cells.day(word)
    except BadCell as error:
        raise UnreadableFile(f"--until: {error.cause} {error.remedy}") from None
    if day > today:
        raise UnreadableFile(
            _("--until: a history cannot end after today, %(today)s.") % {"today": today}
        )
    return day


def shift(until: Until, *, last_day: Callable[[], date], today: date) -> int:
    """By how many days to move; a history that was moved before under the same wish moves by the same."""
    day = until_day(until.word, today=today)
    known = ImportRun.objects.filter(options=until.options).order_by("id").first()
    return known.shift_days if known else (day - last_day()).days


def begin(*, kind: str, file: CsvFile, shift_days: int, until: Until | None) -> ImportRun:
    """Note that a file is being imported; the same file with the same wish is the same run.

    Raises UnreadableFile when the file was imported with its dates moved by another number of days.
    """
    other = (
        ImportRun.objects.filter(kind=kind, digest=file.digest, created__gt=0)
        .exclude(shift_days=shift_days)
        .first()
    )
    if other is not None:
        raise UnreadableFile(_different_shift(other))
    run, _is_new = ImportRun.objects.get_or_create(
        kind=kind,
        digest=file.digest,
        options=until.options if until else "",
        defaults={"shift_days": shift_days},
    )
    run.refresh_from_db()
    return run


def _different_shift(run: ImportRun) -> str:
    word = run.options.removeprefix("until=").split(" ")[0]
    before = f"--until {word}" if word else _("without --until")
    return ngettext(
        "This file was imported before with its dates moved by %(days)d day (%(before)s). "
        "Import it in the same way, or into an empty database.",
        "This file was imported before with its dates moved by %(days)d days (%(before)s). "
        "Import it in the same way, or into an empty database.",
        run.shift_days,
    ) % {"days": run.shift_days, "before": before}


def note(run: ImportRun, *, rows_read: int, report: ImportReport, created: int) -> None:
    """Keep how far the run has come; `created` is new since the last note."""
    run.rows_read = rows_read
    run.created += created
    run.unchanged = report.unchanged
    run.rejected = report.rejected_rows
    run.save(update_fields=["rows_read", "created", "unchanged", "rejected"])


def finish(run: ImportRun, *, at: datetime) -> None:
    """Note that the file was read to its end."""
    run.finished_at = at
    run.save(update_fields=["finished_at"])


def last_day(file: CsvFile, column: str, zone: ZoneInfo) -> date:
    """The last day on which anything happened in the file. Raises UnreadableFile without any."""
    position = file.position(column)
    latest: datetime | None = None
    seen = ""
    for row in rows(file):
        if position is None or row.problem is not None or row.cells[position] == seen:
            continue
        seen = row.cells[position]
        try:
            moment = cells.moment(seen.strip())
        except BadCell:
            continue
        if latest is None or moment > latest:
            latest = moment
    if latest is None:
        raise UnreadableFile(
            _(
                "No row has a readable time in the column %(column)s, so --until has no last day to move."
            )
            % {"column": column}
        )
    return latest.astimezone(zone).date()


@contextmanager
def commits_without_waiting() -> Iterator[None]:
    """Commit without waiting for the disk each time.

    A killed command loses nothing by that. A server that loses its power may lose the last second, which a
    repeat brings back; the first ordinary commit afterwards waits for all of them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
        yield
        cursor.execute("RESET synchronous_commit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """How moments of a file become moments of the import: moved by whole days, never ahead of `now`.

    A moved day may be today, with hours that have not come yet: they become the moment the first run of the
    import began. Without a shift a moment ahead of the clock is a mistake in the file.
    """

    shift: timedelta
    now: datetime
    is_moved: bool

    def moved(self, moment: datetime) -> datetime:
        """The moment to store. Raises BadCell for one that is still to come."""
        try:
            moved = moment + self.shift
        except OverflowError:
            raise BadCell(_("Moved by that many days the time leaves the calendar.")) from None
        if moved <= self.now:
            return moved
        if self.is_moved:
            return self.now
        raise BadCell(
            _("The time is still to come."),
            _("Correct it, or let the history end today with --until today."),
        )
