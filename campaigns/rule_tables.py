"""Many rules asked at once which of them match: a bit for each rule, and a table for each thing that rules look at. Pure.

Weekday, day of the month, minute, store, channel and tier are looked up; what is left is asked rule by rule.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from campaigns.checks import AXES, Check
from campaigns.occasions import Occasion
from campaigns.rules import Rule

# Tables of rules that run are kept: most batches are judged by the rules of the one before.
_MOST_KEPT = 100
_kept: dict[tuple[int, ...], "RuleTable"] = {}


def table_of(rules: Sequence[Rule]) -> "RuleTable":
    """The table of these very rules; made once."""
    key = tuple(map(id, rules))  # an id is not given again: the table holds its rules
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        found = _kept[key] = RuleTable(rules)
    return found


class RuleTable:
    """Rules in the order in which they count."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.all = (1 << len(self.rules)) - 1
        self.axes = [
            _Axis(name, read, self.rules)
            for name, read in AXES.items()
            if any(check.axis == name for rule in self.rules for check in rule.checks)
        ]
        self.rest = [_left_to_ask(rule) for rule in self.rules]

    def matching(self, occasion: Occasion) -> list[Rule]:
        """The rules whose conditions all hold."""
        left = self.all
        for axis in self.axes:
            left &= axis.admitted.get(axis.read(occasion), axis.others)
        found = []
        while left:
            lowest = left & -left
            left ^= lowest
            place = lowest.bit_length() - 1
            for test in self.rest[place]:
                if not test(occasion):
                    break
            else:
                found.append(self.rules[place])
        return found


class _Axis:
    """One thing that rules look at: for each of its values the rules that admit it, and those that admit any other."""

    def __init__(self, name: str, read: Callable[[Occasion], Any], rules: Sequence[Rule]) -> None:
        self.read = read
        checks = [[check for check in rule.checks if check.axis == name] for rule in rules]
        values = {value for each in checks for check in each for value in check.among}
        self.others = _bits([not each for each in checks])
        self.admitted = {
            value: _bits([all(value in check.among for check in each) for each in checks])
            for value in values
        }


def _bits(flags: Sequence[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def _left_to_ask(rule: Rule) -> tuple[Callable[[Occasion], bool], ...]:
    """What no table answers: the window, other conditions, the lines; what hangs on earlier orders comes last."""
    others = [check for check in rule.checks if not check.axis]
    lines = [] if rule.lines is None else [lambda o: rule.mask(o) != 0]
    return (
        *_window(rule.starts_at, rule.ends_at),
        *(check.test for check in others if not _is_dear(check)),
        *lines,
        *(check.test for check in others if _is_dear(check)),
    )


def _window(
    starts_at: datetime | None, ends_at: datetime | None
) -> list[Callable[[Occasion], bool]]:
    tests: list[Callable[[Occasion], bool]] = []
    if starts_at is not None:
        tests.append(lambda o: starts_at <= o.at)
    if ends_at is not None:
        tests.append(lambda o: o.at < ends_at)
    return tests


def _is_dear(check: Check) -> bool:
    return check.is_moving or check.name == "percentage"
