"""How far a long job has come: a bar on a terminal, a line now and then elsewhere."""

import time
from typing import Protocol

from django.utils.translation import gettext as _

BAR = 24
SECONDS_BETWEEN_BARS = 0.2
SECONDS_BETWEEN_LINES = 5.0
TO_LINE_START = "\r\x1b[K"


class Output(Protocol):
    """Where a command writes: `self.stdout`."""

    def write(self, msg: str, /, *, ending: str | None = None) -> None: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


class Progress:
    """Shows one phase after another; everything else that is said goes through `say`."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.is_terminal = output.isatty()
        self.begin("", total=0)

    def begin(self, label: str, *, total: int) -> None:
        """Start a phase of `total` units."""
        self.label = label
        self.total = total
        self.started = time.monotonic()
        self.due = self.started + self._interval()

    def show(self, done: int, *, rows: int) -> None:
        """Tell how many units are done and how many rows that were, not more often than is readable."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + self._interval()
        text = self._text(done, rows, max(now - self.started, 0.001))
        if self.is_terminal:
            self.output.write(TO_LINE_START + text, ending="")
        else:
            self.output.write(text)
        self.output.flush()

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self.output.write((TO_LINE_START if self.is_terminal else "") + text)
        self.output.flush()

    def _interval(self) -> float:
        return SECONDS_BETWEEN_BARS if self.is_terminal else SECONDS_BETWEEN_LINES

    def _text(self, done: int, rows: int, seconds: float) -> str:
        share = min(done / self.total, 1.0) if self.total else 0.0
        left = round(seconds / share - seconds) if share else 0
        figures = _("%(percent)3d%% · %(rate)s rows/s · %(minutes)d:%(seconds)02d left") % {
            "percent": int(share * 100),
            "rate": f"{round(rows / seconds):,}",
            "minutes": left // 60,
            "seconds": left % 60,
        }
        if not self.is_terminal:
            return f"{self.label}  {figures}"
        filled = round(share * BAR)
        return f"{self.label}  {'█' * filled}{'░' * (BAR - filled)} {figures}"
