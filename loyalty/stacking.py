"""How multipliers combine and numbers are rounded: exact, in decimals (or fractions where shares do not end)."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import reduce
from itertools import accumulate
from operator import mul

from loyalty.models import Program

# Wide enough that no product of money, rates and multipliers is ever rounded on the way.
EXACT = Context(prec=200)
ONE = Decimal(1)
ZERO = Decimal(0)

Number = Decimal | Fraction


def combine(factors: Sequence[Decimal], stacking: str) -> Decimal:
    """Combine multipliers: 2, 1.2 and 1.5 give 3.6 (multiply), 2.7 (add) or 2 (best)."""
    if not factors:
        return ONE
    if stacking == Program.Stacking.BEST:
        return max(factors)
    if stacking == Program.Stacking.ADD:
        return max(ZERO, sum(factors, ONE) - len(factors))
    return reduce(mul, factors)


def running(factors: Sequence[Decimal], stacking: str) -> list[Decimal]:
    """What none, the first, the first two … all of the multipliers combine to."""
    if stacking == Program.Stacking.BEST:
        return [ONE, *accumulate(factors, max)]
    if stacking == Program.Stacking.ADD:
        return [max(ZERO, each) for each in accumulate((f - 1 for f in factors), initial=ONE)]
    return list(accumulate(factors, mul, initial=ONE))


def times(amount: Number, factor: Decimal) -> Number:
    """The exact product."""
    return amount * Fraction(factor) if isinstance(amount, Fraction) else amount * factor


def plus(one: Number, other: Number) -> Number:
    """The exact sum."""
    if isinstance(one, Fraction) or isinstance(other, Fraction):
        return Fraction(one) + Fraction(other)
    return one + other


def total(amounts: Sequence[Number]) -> Number:
    """The exact sum of all."""
    if amounts and isinstance(amounts[0], Fraction):
        return sum((Fraction(amount) for amount in amounts), Fraction(0))
    return sum((amount for amount in amounts if isinstance(amount, Decimal)), ZERO)


def round_points(exact: Number, rounding: str) -> int:
    """Round once, by the program's setting (floor, half up)."""
    if isinstance(exact, Fraction):
        return int((exact + Fraction(1, 2)) // 1 if rounding == "half_up" else exact // 1)
    mode = ROUND_HALF_UP if rounding == Program.Rounding.HALF_UP else ROUND_FLOOR
    return int(exact.to_integral_value(mode))


def floor(exact: Number) -> int:
    """Rounded down; what is summed here is never negative."""
    return int(exact // 1)


def text(value: Number) -> str:
    """A number as a short exact text: 1.2 rather than 1.2000; 359/3 stays a fraction."""
    if isinstance(value, Decimal):
        return f"{EXACT.normalize(value):f}"
    return str(value)
