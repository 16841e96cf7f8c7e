"""Many rules asked at once which of them match: a bit for each rule, and a table for each thing that rules look at. Pure.

Window, weekday, day of the month, minute, store, channel, tier and the values of lines are looked up; what is left is asked
rule by rule.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import attrgetter, or_
from typing import Any

from campaigns.checks import AXES, Check
from campaigns.line_checks import NOTHING, LineCheck
from campaigns.occasions import Occasion
from campaigns.rules import Rule
from loyalty.order_facts import Line

# Tables of rules that run are kept: most batches are judged by the rules of the one before.
_MOST_KEPT = 100
_kept: dict[tuple[int, ...], "RuleTable"] = {}
_EARLIEST = datetime.min.replace(tzinfo=UTC)


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
        # Where windows begin and end, and whose window holds before the first of them, after the first, the second …
        self.ends = sorted(
            {end for rule in self.rules for end in (rule.starts_at, rule.ends_at) if end}
        )
        self.holding = [
            _bits(rule.holds(moment) for rule in self.rules) for moment in (_EARLIEST, *self.ends)
        ]
        self.axes = [
            _axis(name, read, self.rules)
            for name, read in AXES.items()
            if any(check.axis == name for rule in self.rules for check in rule.checks)
        ]
        self.lines = _LineTable([rule.lines for rule in self.rules])
        self.rest = [_left_to_ask(rule) for rule in self.rules]

    def matching(self, occasion: Occasion) -> list[Rule]:
        """The rules whose conditions all hold."""
        left = self.holding[bisect_right(self.ends, occasion.at)]
        for read, admitted, others in self.axes:
            left &= admitted(read(occasion), others)
        by_line: Sequence[int] = ()
        if left & self.lines.asked:
            by_line = self.lines.met_by(occasion.lines)
            left &= reduce(or_, by_line, self.lines.others)
        found = []
        while left:
            lowest = left & -left
            left ^= lowest
            place = lowest.bit_length() - 1
            for test in self.rest[place]:
                if not test(occasion):
                    break
            else:
                rule = self.rules[place]
                if lowest & self.lines.asked:
                    rule.keep_mask(occasion, _mask(by_line, lowest))
                found.append(rule)
        return found


#: One thing that rules look at: how to read it, the rules that admit a value by that value, and those that admit any other.
_Axis = tuple[Callable[[Any], Any], Callable[[Any, int], int], int]


def _axis_of(
    read: Callable[[Any], Any], values: Iterable[Any], admits: Sequence[Callable[[Any], bool]]
) -> _Axis:
    admitted = {value: _bits(admit(value) for admit in admits) for value in values}
    return read, admitted.get, _bits(admit(_ANY_OTHER) for admit in admits)


_ANY_OTHER = object()


def _axis(name: str, read: Callable[[Occasion], Any], rules: Sequence[Rule]) -> _Axis:
    def admits(sets: Sequence[frozenset[Any]]) -> Callable[[Any], bool]:
        return lambda value: all(value in each for each in sets)

    asked = [[check.among for check in rule.checks if check.axis == name] for rule in rules]
    values = {value for sets in asked for each in sets for value in each}
    return _axis_of(read, values, [admits(sets) for sets in asked])


class _LineTable:
    """Which rules a line meets. `asked` are the rules that look at lines; the others are met by any order."""

    def __init__(self, checks: Sequence[LineCheck | None]) -> None:
        self.asked = _bits(check is not None for check in checks)
        self.others = _bits(check is None for check in checks)
        given = [check for check in checks if check is not None]
        named = {part[1] for check in given for part in (*check.wanted, *check.excluded)}
        self.axes = [_line_axis(name, checks) for name in sorted(named)]
        self.tags = {tag for check in given for tag in (*check.tags, *check.excluded_tags)}
        self.untagged = _bits(check is None or not check.tags for check in checks)
        self.wanting = {
            tag: _bits(check is not None and tag in check.tags for check in checks)
            for tag in self.tags
        }
        self.excluding = {
            tag: _bits(check is not None and tag in check.excluded_tags for check in checks)
            for tag in self.tags
        }

    def met_by(self, lines: Sequence[Line]) -> list[int]:
        """For each line the rules that look at lines and that it meets; one that takes money off meets none."""
        found = []
        for line in lines:
            bits = self.asked if line.amount >= NOTHING else 0
            for read, admitted, others in self.axes:
                bits &= admitted(read(line), others)
            found.append(self._tagged(line, bits) if self.tags else bits)
        return found

    def _tagged(self, line: Line, bits: int) -> int:
        if not line.tags:
            return bits & self.untagged
        wanted = self.untagged
        for tag in line.tags:
            wanted |= self.wanting.get(tag, 0)
            bits &= ~self.excluding.get(tag, 0)
        return bits & wanted


def _line_axis(name: str, checks: Sequence[LineCheck | None]) -> _Axis:
    def admits(check: LineCheck | None) -> Callable[[Any], bool]:
        wanted = [part[2] for part in check.wanted if part[1] == name] if check else []
        excluded = [part[2] for part in check.excluded if part[1] == name] if check else []
        return lambda value: (
            all(value in each for each in wanted) and not any(value in each for each in excluded)
        )

    parts = [part for check in checks if check for part in (*check.wanted, *check.excluded)]
    values = {value for part in parts if part[1] == name for value in part[2]}
    return _axis_of(attrgetter(name), values, [admits(check) for check in checks])


def _mask(by_line: Iterable[int], rule: int) -> int:
    """The lines that meet a rule (its bit), as bits."""
    mask = 0
    for place, met in enumerate(by_line):
        if met & rule:
            mask |= 1 << place
    return mask


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def _left_to_ask(rule: Rule) -> tuple[Callable[[Occasion], bool], ...]:
    """What no table answers; what hangs on earlier orders comes last."""
    others = [check for check in rule.checks if not check.axis]
    return tuple(check.test for check in sorted(others, key=_is_dear))


def _is_dear(check: Check) -> bool:
    return check.is_moving or check.name == "percentage"
