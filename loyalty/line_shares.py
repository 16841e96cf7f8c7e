"""Each line's exact share of an order's points: what a refund of that line takes back. Pure."""

from decimal import Decimal
from fractions import Fraction

from loyalty.effects import Bonus
from loyalty.stacking import Number, combine, times
from loyalty.sums import NOTHING, Sum


def shares_of(found: Sum) -> tuple[Number, ...]:
    """Base × the line's multipliers, and its part of every bonus; what limits left of an effect lies where it came from."""
    shares = _shares(found, found.reduced)
    before: frozenset[int] = NOTHING
    for cut in found.cuts:
        after = before | {id(cut.effect)}
        if cut.fits:
            lines = zip(_shares(found, before), _shares(found, after), strict=True)
            added = [Fraction(one) - Fraction(other) for one, other in lines]
            whole = sum(added)
            part = Fraction(cut.fits) / whole if whole else Fraction(0)  # nothing was paid
            shares = [
                Fraction(share) + each * part for share, each in zip(shares, added, strict=True)
            ]
        before = after
    return tuple(shares)


def _shares(found: Sum, without: frozenset[int] = NOTHING) -> list[Number]:
    whole = found.whole(without)
    shares: list[Number] = []
    for line, amount in enumerate(found.amounts):
        factors = whole
        if found.scoped:
            scoped = [each for each in found.scoped if (each.lines or 0) >> line & 1]
            factors = whole + [each.factor for each in scoped if id(each) not in without]
        shares.append(times(amount, found.rate * combine(factors, found.stacking)))
    multiplied = [each for each in found.multiplied if id(each) not in without]
    for bonus in multiplied:
        shares = _spread(found, shares, bonus, combine(whole, found.stacking))
    for bonus in found.plain:
        if id(bonus) not in without:
            shares = _spread(found, shares, bonus, Decimal(1))
    return shares


def _spread(found: Sum, shares: list[Number], bonus: Bonus, factor: Decimal) -> list[Number]:
    """Add a bonus to the shares: by its weights, or by amount over its lines."""
    weights = [Fraction(each) for each in _weights(found, bonus)]
    whole = sum(weights)
    if not whole:
        return shares
    points = Fraction(factor) * bonus.points / whole
    return [Fraction(share) + points * each for share, each in zip(shares, weights, strict=True)]


def _weights(found: Sum, bonus: Bonus) -> list[Number]:
    if bonus.weights is not None:
        return [Fraction(each) for each in bonus.weights]
    lines = bonus.lines
    chosen: list[Number] = [
        amount if lines is None or lines >> line & 1 else Decimal(0)
        for line, amount in enumerate(found.spread)
    ]
    # Where what matches costs nothing, the bonus hangs on the whole order.
    return chosen if any(chosen) else list(found.spread)
