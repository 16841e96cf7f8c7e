"""What a draw is going to cost, before it opens. Pure.

Expectations are reckoned as if goes were a stream: each prize flows with its share of the weights until it is gone, then
the others share what is left. Exact for prizes that never run out, and close for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

CENT = Decimal("0.01")
STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """A prize with what one of it costs the merchant; `stock` None: it never runs out."""

    name: str
    weight: int
    stock: int | None
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of a prize so many goes are expected to win, and what they cost."""

    name: str
    pieces: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What so many goes cost: `per_go` the first one, `dearest` if chance is as unkind as it can be.

    `all_gone` is the cost of every prize that runs out, `endless` that of the dearest one that never does.
    """

    goes: int
    per_go: Decimal
    expected: Decimal
    dearest: Decimal
    all_gone: Decimal
    endless: Decimal
    shares: Sequence[Share]


def forecast(*, stakes: Sequence[Stake], goes: int) -> Forecast:
    """The cost of so many goes."""
    won = expected_pieces(stakes=stakes, goes=goes)
    shares = [
        Share(name=stake.name, pieces=_rounded(pieces), cost=_rounded(pieces * _exact(stake)))
        for stake, pieces in zip(stakes, won, strict=True)
    ]
    first = expected_pieces(stakes=stakes, goes=1)
    return Forecast(
        goes=goes,
        per_go=_cost(stakes, first),
        expected=_cost(stakes, won),
        dearest=_dearest(stakes, goes),
        all_gone=sum((each.cost * each.stock for each in stakes if each.stock), Decimal(0)),
        endless=max((each.cost for each in stakes if each.stock is None), default=Decimal(0)),
        shares=shares,
    )


def course(*, stakes: Sequence[Stake], goes: int) -> list[tuple[int, Decimal]]:
    """How the expected cost grows with the goes: ten points on the way (fewer for few goes)."""
    points = sorted({-(-goes * step // STEPS) for step in range(1, STEPS + 1)})
    return [
        (each, _cost(stakes, expected_pieces(stakes=stakes, goes=each))) for each in points if each
    ]


def expected_pieces(*, stakes: Sequence[Stake], goes: int) -> list[Fraction]:
    """How many of each prize so many goes are expected to win."""
    won = [Fraction(0) for _stake in stakes]
    ahead = Fraction(goes)
    while ahead > 0:
        open_ = [
            place
            for place, stake in enumerate(stakes)
            if stake.stock is None or won[place] < stake.stock
        ]
        if not open_:
            break
        weights = sum(stakes[place].weight for place in open_)
        stretch = min([ahead, *_until_gone(stakes, won, open_, weights)])
        for place in open_:
            won[place] += stretch * stakes[place].weight / weights
        ahead -= stretch
    return won


def _until_gone(
    stakes: Sequence[Stake], won: Sequence[Fraction], open_: Sequence[int], weights: int
) -> list[Fraction]:
    """After how many goes each of the open prizes is gone, at this rate."""
    found = []
    for place in open_:
        stock = stakes[place].stock
        if stock is not None:
            found.append((stock - won[place]) * weights / stakes[place].weight)
    return found


def _dearest(stakes: Sequence[Stake], goes: int) -> Decimal:
    """What so many goes cost when each of them wins the dearest prize that is left."""
    total, ahead = Decimal(0), goes
    for stake in sorted(stakes, key=lambda stake: stake.cost, reverse=True):
        pieces = ahead if stake.stock is None else min(ahead, stake.stock)
        total += stake.cost * pieces
        ahead -= pieces
    return total


def _cost(stakes: Sequence[Stake], won: Sequence[Fraction]) -> Decimal:
    pairs = zip(stakes, won, strict=True)
    return _rounded(sum((pieces * _exact(stake) for stake, pieces in pairs), Fraction(0)))


def _exact(stake: Stake) -> Fraction:
    return Fraction(stake.cost)


def _rounded(number: Fraction) -> Decimal:
    """To cents, halves up."""
    hundredths = (number * 200 + 1) // 2
    return Decimal(hundredths) * CENT
