"""How multipliers combine and numbers are rounded: exact, in decimals (or fractions where shares do not end)."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import reduce
from math import floor
from operator import mul

from loyalty.models import Program

# Wide enough that no product of money, rates and multipliers is ever rounded on the way.
EXACT = Context(prec=200)
ONE = Decimal(1)
ZERO = Decimal(0)
BEST, ADD = Program.Stacking.BEST, Program.Stacking.ADD
HALF_UP = Program.Rounding.HALF_UP

Number = Decimal | Fraction


def combine(factors: Sequence[Decimal], stacking: str) -> Decimal:
    """Combine multipliers: 2, 1.2 and 1.5 give 3.6 (multiply), 2.7 (add) or 2 (best)."""
    if len(factors) < 2:
        return factors[0] if factors else ONE  # alone it is the same in all of them
    if stacking == BEST:
        return max(factors)
    if stacking == ADD:
        return max(ZERO, sum(factors, ONE) - len(factors))
    return reduce(mul, factors)


def running(factors: Sequence[Decimal], stacking: str) -> list[Decimal]:
    """What none, the first, the first two … all of the multipliers combine to."""
    found = [ONE]
    reached = None
    for factor in factors:
        reached = joined(reached, factor, stacking)
        found.append(counting(reached))
    return found


def joined(reached: Decimal | None, factor: Decimal, stacking: str) -> Decimal:
    """One more multiplier to what those before have come to (None: there were none); `counting` is what counts of it."""
    if reached is None:
        return factor
    if stacking == BEST:
        return max(reached, factor)
    return reached + factor - 1 if stacking == ADD else reached * factor


def counting(reached: Decimal | None) -> Decimal:
    """What multipliers have come to: never less than nothing, and 1 without any."""
    return ONE if reached is None else max(ZERO, reached)


def times(amount: Number, factor: Decimal) -> Number:
    """The exact product."""
    return amount * factor if isinstance(amount, Decimal) else amount * Fraction(factor)


def plus(one: Number, other: Number) -> Number:
    """The exact sum."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one + other
    return Fraction(one) + Fraction(other)


def total(amounts: Sequence[Number]) -> Number:
    """The exact sum of all, which are of one kind."""
    return sum(amounts[1:], amounts[0]) if amounts else ZERO


def round_points(exact: Number, rounding: str) -> int:
    """Round once, by the program's setting (floor, half up)."""
    if rounding != HALF_UP:
        return floor(exact)
    if isinstance(exact, Decimal):
        return int(exact.to_integral_value(ROUND_HALF_UP))
    return int((exact + Fraction(1, 2)) // 1)


def text(value: Number) -> str:
    """A number as a short exact text: 1.2 rather than 1.2000; 359/3 stays a fraction."""
    said = str(value)
    if "E" in said:
        return f"{EXACT.normalize(value):f}" if isinstance(value, Decimal) else said
    return said.rstrip("0").rstrip(".") if "." in said else said
