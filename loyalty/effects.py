"""What rules contribute to an order or act. Pure data; the engine (`earning`) combines it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What its limits leave to a rule: (name of the limit, points or pieces left) for each, in the order tested.

    What does not fit is cut; `is_whole`: then nothing is given at all.
    """

    left: Sequence[tuple[str, int]]
    is_whole: bool = False

    def tightest(self) -> tuple[str, int]:
        """The limit that leaves least; of equal ones the first."""
        return min(self.left, key=lambda each: each[1])


@dataclass(slots=True, kw_only=True)
class Base:
    """Points per unit of money on every line."""

    rule: str
    rate: Decimal


@dataclass(slots=True, kw_only=True)
class Effect:
    """What every rule says of itself: its code, what people call it, its version and the limits it has."""

    rule: str
    title: str = ""
    version: int = 0
    room: Room | None = None
    # Whoever made the effect finds its own thing here again.
    source: Any = None
    # What explanations say of it, worked out once.
    said: dict[str, Any] | None = field(default=None, init=False, repr=False, compare=False)


@dataclass(slots=True, kw_only=True)
class Multiplier(Effect):
    """A factor on the whole order, or on the `lines` of a bit mask (bit 0: the first line)."""

    kind: str
    factor: Decimal
    lines: int | None = None


@dataclass(slots=True, kw_only=True)
class Bonus(Effect):
    """Fixed points; `is_multiplied`: added to the base before the order-wide multipliers.

    For refunds they are spread over the lines by amount: all of them, the `lines` of a bit mask, or by `weights`.
    """

    points: int
    is_multiplied: bool = False
    lines: int | None = None
    weights: tuple[int, ...] | None = None


@dataclass(slots=True, kw_only=True)
class StatusBonus(Effect):
    """Status points beside those of the order."""

    points: int


@dataclass(slots=True, kw_only=True)
class Grant(Effect):
    """Pieces of a reward (its code), or where there is none tickets for a draw (its code; empty: for any).

    Limits count pieces.
    """

    reward: str | None = None
    draw: str = ""
    pieces: int = 1


@dataclass(slots=True, kw_only=True)
class Given:
    """What an effect gave in the end: points, status points or pieces, and what its limits cut."""

    effect: Effect
    points: int = 0
    status_points: int = 0
    pieces: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """An effect that its tightest limit left only `fits` of what it is worth."""

    effect: Multiplier | Bonus
    fits: int
    worth: int
    limit: str

    @property
    def points(self) -> int:
        """What was cut."""
        return self.worth - self.fits
