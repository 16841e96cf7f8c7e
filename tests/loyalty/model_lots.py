"""What wallets of the reference model are made of: lots and holds."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

NUMBERS = count(1)
Parts = list[tuple["Lot", int]]


class Refused(Exception):
    """The wallet says no: a code and its data."""

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(code)
        self.code, self.data = code, data


@dataclass(eq=False)
class Lot:
    name: str
    points: int
    active_from: datetime
    expires_at: datetime | None
    free: int = 0
    kept: dict["Hold", int] = field(default_factory=dict)
    is_pending: bool = True
    lapsed: int = 0
    forgiven: int = 0
    number: int = field(default_factory=lambda: next(NUMBERS))

    def rank(self) -> tuple[bool, datetime, datetime, int]:
        """Soonest expiry first, never last, then activation, then posting."""
        end = self.expires_at
        return (end is None, end or self.active_from, self.active_from, self.number)

    def has_lapsed(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(eq=False)
class Hold:
    points: int
    until: datetime
    state: str = "held"
    number: int = field(default_factory=lambda: next(NUMBERS))


def split(parts: Parts, points: int) -> tuple[Parts, Parts]:
    """So many points of these parts, in their order, and what is left of them."""
    first, rest = [], []
    for lot, part in parts:
        used = min(part, points)
        points -= used
        first += [(lot, used)] if used else []
        rest += [(lot, part - used)] if part > used else []
    return first, rest
