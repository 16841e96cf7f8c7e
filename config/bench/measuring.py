"""What a line of the bench says, and how two sides take turns."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

TURNS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What must be reached and what is aimed at; for times and their ratios less is better."""

    must: float | None
    aim: float | None
    form: str = "{:.2f}"
    is_least: bool = False

    def met(self, value: float) -> str:
        """How far a value reaches: the aim, the must, neither."""
        for name, goal in (("aim", self.aim), ("must", self.must)):
            if goal is not None and (value <= goal if self.is_least else value >= goal):
                return name
        return "no" if self.must is not None or self.aim is not None else "–"

    def said(self, goal: float | None) -> str:
        """A goal as the table says it."""
        return "–" if goal is None else ("≤ " if self.is_least else "≥ ") + self.form.format(goal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table; `value` is what the goal is about."""

    what: str
    ours: str
    beside: str
    value: float
    goal: Goal

    def cells(self) -> Sequence[str]:
        """The row as it is printed."""
        goal = self.goal
        return (
            self.what,
            self.ours,
            self.beside,
            goal.form.format(self.value),
            goal.said(goal.must),
            goal.said(goal.aim),
            goal.met(self.value),
        )


HEAD = ("what", "ours", "beside", "result", "must", "aim", "met")


def table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    rows = [HEAD, ("---",) * len(HEAD), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def in_turns(*sides: Callable[[], float], turns: int = TURNS) -> list[list[float]]:
    """A B A B …, after a warm-up of each: the machine's drift meets all alike. The measures of each side."""
    for side in sides:
        side()
    return [
        list(each)
        for each in zip(*([side() for side in sides] for _ in range(turns)), strict=True)
    ]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of the turns."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def rate(work: Callable[[], object], count: int) -> float:
    """How many of `count` a second."""
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
