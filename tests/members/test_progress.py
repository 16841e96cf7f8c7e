"""How far a long job has come, on a terminal and in a log."""

from io import StringIO

import pytest
from django.core.management.base import OutputWrapper
from django.utils import translation

from members import progress
from members.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def test_a_terminal_shows_one_bar_that_moves(clock):
    terminal = Terminal()
    shown = Progress(OutputWrapper(terminal))
    shown.begin("Orders", total=1_000)
    shown.show(10, rows=20)
    assert terminal.getvalue() == ""
    clock.seconds += 10
    shown.show(250, rows=50_000)
    assert terminal.getvalue() == (
        "\r\x1b[KOrders  ██████░░░░░░░░░░░░░░░░░░  25% · 5,000 rows/s · 0:30 left"
    )
    shown.say("Line 7: no.")
    assert terminal.getvalue().endswith("left\r\x1b[KLine 7: no.\n")


def test_a_log_gets_a_line_every_few_seconds(clock):
    log = StringIO()
    shown = Progress(OutputWrapper(log))
    shown.begin("Orders", total=1_000)
    for second in range(1, 13):
        clock.seconds = 100.0 + second
        shown.show(second * 10, rows=second * 10)
    assert log.getvalue().splitlines() == [
        "Orders    5% · 10 rows/s · 1:35 left",
        "Orders   10% · 10 rows/s · 1:30 left",
    ]


def test_nothing_done_yet_and_nothing_to_do(clock):
    log = StringIO()
    shown = Progress(OutputWrapper(log))
    shown.begin("Orders", total=0)
    clock.seconds += 6
    shown.show(0, rows=0)
    assert log.getvalue() == "Orders    0% · 0 rows/s · 0:00 left\n"
