"""Conditions on the lines of an order: a line matches when it meets every one that is given. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from loyalty.order_facts import Line

NOTHING = Decimal(0)
#: Condition → the field of the line.
WANTED = {"categories": "category", "skus": "sku", "brands": "brand"}
EXCLUDED = {
    "exclude_categories": "category",
    "exclude_skus": "sku",
    "exclude_brands": "brand",
}
NAMES = (*WANTED, "tags", *EXCLUDED, "exclude_tags")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCheck:
    """What lines have to be: of these values, with one of these tags, of none of those values and tags."""

    wanted: Sequence[tuple[str, str, frozenset[str]]]
    tags: frozenset[str]
    excluded: Sequence[tuple[str, str, frozenset[str]]]
    excluded_tags: frozenset[str]
    conditions: Mapping[str, Any]

    def mask(self, lines: Sequence[Line]) -> int:
        """The lines that match, as bits (1: the first). Lines that take money off never do."""
        found, bit = 0, 1
        for line in lines:
            if self._matches(line) and line.amount >= NOTHING:
                found |= bit
            bit <<= 1
        return found

    def _matches(self, line: Line) -> bool:
        for _name, attribute, values in self.wanted:
            if getattr(line, attribute) not in values:
                return False
        if self.tags and self.tags.isdisjoint(line.tags):
            return False
        for _name, attribute, values in self.excluded:
            if getattr(line, attribute) in values:
                return False
        return not self.excluded_tags or self.excluded_tags.isdisjoint(line.tags)

    def explain(self, lines: Sequence[Line]) -> list[dict[str, Any]]:
        """Each condition with the values of the order; where no line meets all of them at once, that is said last."""
        sold = [line for line in lines if line.amount >= 0]
        found = []
        for name, attribute, values in self.wanted:
            seen = sorted({getattr(line, attribute) for line in sold})
            found.append(self._said(name, seen, is_met=not values.isdisjoint(seen)))
        if self.tags:
            seen = sorted({tag for line in sold for tag in line.tags})
            found.append(self._said("tags", seen, is_met=not self.tags.isdisjoint(seen)))
        for name, attribute, values in self.excluded:
            seen = sorted({getattr(line, attribute) for line in sold})
            found.append(self._said(name, seen, is_met=any(each not in values for each in seen)))
        if self.excluded_tags:
            is_met = any(self.excluded_tags.isdisjoint(line.tags) for line in sold)
            seen = sorted({tag for line in sold for tag in line.tags})
            found.append(self._said("exclude_tags", seen, is_met=is_met))
        matching = self.mask(lines).bit_count()
        if not matching and all(each["met"] for each in found):
            found.append({"name": "matching_lines", "expected": 1, "seen": matching, "met": False})
        return found

    def _said(self, name: str, seen: list[str], *, is_met: bool) -> dict[str, Any]:
        return {"name": name, "expected": self.conditions[name], "seen": seen, "met": is_met}


def of(conditions: Mapping[str, Any]) -> LineCheck | None:
    """The check of the line conditions that are given; None without any."""
    given = {name: conditions[name] for name in NAMES if conditions.get(name)}
    if not given:
        return None
    return LineCheck(
        wanted=_sets(WANTED, given),
        tags=frozenset(given.get("tags", ())),
        excluded=_sets(EXCLUDED, given),
        excluded_tags=frozenset(given.get("exclude_tags", ())),
        conditions=given,
    )


def _sets(
    names: Mapping[str, str], given: Mapping[str, Any]
) -> tuple[tuple[str, str, frozenset[str]], ...]:
    return tuple(
        (name, attribute, frozenset(given[name]))
        for name, attribute in names.items()
        if name in given
    )
