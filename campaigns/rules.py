"""A campaign's content compiled into a rule that is quick to ask. Pure: nothing is read here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from campaigns import line_checks, moment_checks, person_checks
from campaigns.checks import Check
from campaigns.line_checks import LineCheck
from campaigns.occasions import Occasion

Content = Mapping[str, Any]

LIMITS = ("per_member_per_day", "per_member_per_month", "per_member", "budget_points")
#: Checks that no order or act of the same batch can change.
_MAKERS: tuple[Callable[[Content, Content], list[Check]], ...] = (
    moment_checks.of,
    person_checks.of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A campaign in one version. `needs` says what has to be read for its checks: orders, previous, periods, segments."""

    id: int
    code: str
    name: str
    version: int
    trigger: str
    starts_at: datetime | None
    ends_at: datetime | None
    checks: Sequence[Check]
    lines: LineCheck | None
    effect: Content
    limits: Mapping[str, int]
    is_whole: bool
    group: str | None
    mode: str
    priority: int
    needs: frozenset[str]
    periods: frozenset[str]
    # What is worked out once.
    kept: dict[str, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def holds(self, at: datetime) -> bool:
        """Whether the moment lies in the rule's window."""
        return (self.starts_at is None or self.starts_at <= at) and (
            self.ends_at is None or at < self.ends_at
        )

    def matches(self, occasion: Occasion) -> bool:
        """Whether every condition holds; which lines match is asked of `lines`."""
        if not self.holds(occasion.at):
            return False
        for check in self.checks:
            if not check.test(occasion):
                return False
        return self.mask(occasion) != 0

    def may_match(self, occasion: Occasion) -> bool:
        """Whether it may match, whatever what hangs on earlier orders turns out to be."""
        if not self.holds(occasion.at):
            return False
        if not all(check.is_moving or check.test(occasion) for check in self.checks):
            return False
        return self.mask(occasion) != 0

    def conditions(self, occasion: Occasion) -> list[dict[str, Any]]:
        """Every condition with what it expects and what it saw."""
        found = [self._window(occasion)] if self.starts_at or self.ends_at else []
        found += [check.explain(occasion) for check in self.checks]
        return found + (self.lines.explain(occasion.lines) if self.lines is not None else [])

    def _window(self, occasion: Occasion) -> dict[str, Any]:
        ends = [
            None if moment is None else moment.astimezone(occasion.zone).isoformat()
            for moment in (self.starts_at, self.ends_at)
        ]
        return {
            "name": "window",
            "expected": {"starts_at": ends[0], "ends_at": ends[1]},
            "seen": occasion.local.isoformat(),
            "met": self.holds(occasion.at),
        }

    def mask(self, occasion: Occasion) -> int | None:
        """The lines that match, as bits; None: the rule does not look at lines."""
        if self.lines is None:
            return None
        found = occasion.masks.get(id(self.lines)) if occasion.masks else None
        if found is None:
            found = self.lines.mask(occasion.lines)
            self.keep_mask(occasion, found)
        return found

    def keep_mask(self, occasion: Occasion, mask: int) -> None:
        """Keep which lines match, for whoever asks next."""
        if occasion.masks is None:
            occasion.masks = {}
        occasion.masks[id(self.lines)] = mask


def compile_rule(*, id: int, version: int, content: Content) -> Rule:
    """The rule of a campaign's content as `editing` stores it (also of a draft that has no id yet: 0)."""
    conditions = content.get("conditions") or {}
    effect = content["effect"]
    combination = content.get("combine") or {}
    limits = content.get("limits") or {}
    checks = [check for make in _MAKERS for check in make(conditions, content)]
    # What most often says no, and what is quick to ask, comes first.
    checks.sort(key=lambda check: check.is_moving)
    return Rule(
        id=id,
        code=content["code"],
        name=content["name"],
        version=version,
        trigger=content["trigger"],
        starts_at=_moment(content.get("starts_at")),
        ends_at=_moment(content.get("ends_at")),
        checks=tuple(checks),
        lines=line_checks.of(conditions),
        effect=effect,
        limits={name: int(limits[name]) for name in LIMITS if limits.get(name) is not None},
        is_whole=limits.get("on_exceed") == "refuse",
        group=combination.get("group") or None,
        mode=combination.get("mode") or "stack",
        priority=int(combination.get("priority") or 0),
        needs=frozenset(check.needs for check in checks if check.needs),
        periods=frozenset(check.period for check in checks if check.period),
    )


@lru_cache(maxsize=2_000)
def _parsed(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _moment(said: Any) -> datetime | None:
    if said is None or isinstance(said, datetime):
        return said
    return _parsed(str(said))


@lru_cache(maxsize=2_000)
def decimal(said: str) -> Decimal:
    """A decimal of a content: they are kept as strings."""
    return Decimal(said)
