"""What an import tells: bad rows with line, column, reason and remedy, and the figures at the end."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.cells import Problem
from members.csv_files import CsvFile, Row
from members.encodings import UnreadableFile
from members.progress import Progress

LONGEST_LIST = 20
LONGEST_VALUE = 40
EXTRA_COLUMNS = ("line", "column", "reason")


class ImportReport:
    """Counts and reports the rows of one file; a context manager that closes the errors file."""

    def __init__(self, *, file: CsvFile, progress: Progress, errors: Path | None) -> None:
        self.file = file
        self.progress = progress
        self.errors_path = errors
        self.created = 0
        self.unchanged = 0
        self.rejected_rows = 0
        self._causes: Counter[tuple[str, str]] = Counter()
        self._shown = 0
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        if self.errors_path is not None:
            try:
                # With a byte order mark, so that spreadsheets show Chinese rightly.
                self._stream = self.errors_path.open("w", encoding="utf-8-sig", newline="")
            except OSError as error:
                raise UnreadableFile(
                    _("%(path)s cannot be written: %(reason)s.")
                    % {"path": self.errors_path, "reason": error.strerror}
                ) from error
            self._write_row([*self._own_columns(), *EXTRA_COLUMNS])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def reject(self, row: Row, problems: Sequence[Problem]) -> None:
        """Report one row that stays out."""
        self.rejected_rows += 1
        for problem in problems:
            self._causes[problem.column, problem.cause] += 1
            self._show(row, problem)
        self._keep(row, problems)

    def reject_with(self, row: Row, line: int) -> None:
        """Count a good row that stays out because of another line of the same order."""
        self.rejected_rows += 1
        cause = _("Left out because of line %(line)d of the same order.") % {"line": line}
        self._keep(row, [Problem(cause=cause)])

    def summary(self) -> list[str]:
        """The causes with their counts, the most frequent first."""
        if not self._causes:
            return []
        lines = [_("Left out, by cause:")]
        for (column, cause), count in self._causes.most_common():
            lines.append(f"{count:>9,} × {f'{column}: ' if column else ''}{cause}")
        if self.errors_path is not None:
            lines.append(
                _(
                    "%(path)s holds every row left out. Correct them there and import that file; "
                    "its extra columns are ignored."
                )
                % {"path": self.errors_path}
            )
        return lines

    def _show(self, row: Row, problem: Problem) -> None:
        self._shown += 1
        if self._shown <= LONGEST_LIST:
            self.progress.say(described(row.line, problem))
        elif self._shown == LONGEST_LIST + 1:
            self.progress.say(_("… more are counted at the end."))

    def _keep(self, row: Row, problems: Sequence[Problem]) -> None:
        if self._stream is None:
            return
        columns = ", ".join(problem.column for problem in problems if problem.column)
        reasons = " ".join(_why(problem) for problem in problems)
        width = len(self.file.columns)
        cells = [*row.cells[:width], *[""] * (width - len(row.cells))]
        own = [
            cell
            for name, cell in zip(self.file.columns, cells, strict=True)
            if name not in EXTRA_COLUMNS
        ]
        self._write_row([*own, str(row.line), columns, reasons])

    def _own_columns(self) -> list[str]:
        return [name for name in self.file.columns if name not in EXTRA_COLUMNS]

    def _write_row(self, cells: Sequence[str]) -> None:
        if self._stream is not None:
            csv.writer(self._stream, lineterminator="\r\n").writerow(cells)


def described(line: int, problem: Problem) -> str:
    """One bad cell in a line for people: place, value, cause, remedy."""
    text = _why(problem)
    if not problem.column:
        return _("Line %(line)d: %(text)s") % {"line": line, "text": text}
    value = problem.value[:LONGEST_VALUE] + ("…" if len(problem.value) > LONGEST_VALUE else "")
    return _("Line %(line)d, column %(column)s, “%(value)s”: %(text)s") % {
        "line": line,
        "column": problem.column,
        "value": value,
        "text": text,
    }


def _why(problem: Problem) -> str:
    """Cause and remedy: two sentences, between which Chinese leaves no blank."""
    if not problem.remedy:
        return problem.cause
    return _("%(cause)s %(remedy)s") % {"cause": problem.cause, "remedy": problem.remedy}


def left_out(rows: int) -> str:
    """The sentence that ends an import with rejected rows."""
    return ngettext(
        "%(rows)s row was left out; everything else is imported. "
        "Correct it and run the same command again: what is imported stays as it is.",
        "%(rows)s rows were left out; everything else is imported. "
        "Correct them and run the same command again: what is imported stays as it is.",
        rows,
    ) % {"rows": f"{rows:,}"}
