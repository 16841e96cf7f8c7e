"""What an order earns: a pure function of facts, program and tier, exact to the point.

EARNING_RULES in the settings lists the rules (dotted names). Each is called as `rule(facts)` and returns effects;
the engine combines them, rounds once, explains each step and keeps every line's exact share.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache, reduce
from operator import mul
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from loyalty.models import Program
from members.models import Tier

# Wide enough that no product of money, rates and multipliers is ever rounded on the way.
_EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules may look at: money amounts of the lines that can earn, the tier held, the program."""

    amounts: tuple[Decimal | Fraction, ...]
    tier: Tier
    program: Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Points per unit of money on every line."""

    rule: str
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """A factor on the whole order."""

    rule: str
    kind: str
    title: str
    factor: Decimal
    conditions: tuple[dict[str, Any], ...] = field(default=())


Effect = Base | Multiplier
Rule = Callable[[Facts], Iterable[Effect]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """The outcome: whole points, the explanation whose parts add up to them, each line's exact share."""

    points: int
    status_points: int
    explanation: list[dict[str, Any]]
    shares: tuple[Decimal | Fraction, ...]


def base_points(facts: Facts) -> Iterable[Effect]:
    """Amount × the program's earn rate."""
    yield Base(rule="base", rate=facts.program.earn_rate)


def tier_multiplier(facts: Facts) -> Iterable[Effect]:
    """The multiplier of the tier held when the order was placed."""
    if facts.tier.multiplier != 1:
        yield Multiplier(
            rule="tier",
            kind="tier",
            title=facts.tier.name,
            factor=facts.tier.multiplier,
            conditions=(
                {
                    "name": "tier",
                    "expected": facts.tier.code,
                    "seen": facts.tier.code,
                    "met": True,
                },
            ),
        )


@lru_cache(maxsize=8)
def _rules(names: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(import_string(name) for name in names)


def effects_of(facts: Facts) -> list[Effect]:
    """What every rule of EARNING_RULES contributes, in order."""
    return [effect for rule in _rules(tuple(settings.EARNING_RULES)) for effect in rule(facts)]


def evaluate(facts: Facts) -> Earned:
    """Compute points, status points, explanation and shares of one order. No query inside."""
    with localcontext(_EXACT):
        return _evaluate(facts, effects_of(facts))


def _evaluate(facts: Facts, effects: Sequence[Effect]) -> Earned:
    total = _total(facts.amounts)
    rate = sum((effect.rate for effect in effects if isinstance(effect, Base)), Decimal(0))
    multipliers = [effect for effect in effects if isinstance(effect, Multiplier)]
    factors = [multiplier.factor for multiplier in multipliers]
    combined = [
        combine(factors[:count], facts.program.stacking) for count in range(len(factors) + 1)
    ]
    exact = [_times(total, rate * factor) for factor in combined]
    points = round_points(exact[-1], facts.program.rounding)
    # Running differences of the floored running total; the last one ends at the rounded total.
    reached = [round_points(each, Program.Rounding.FLOOR) for each in exact[:-1]] + [points]
    said = {"amount": text(total), "rate": text(rate), **unusual(facts.program, len(factors))}
    explanation = [_part("base", "base", reached[0], **said)]
    for multiplier, before, after in zip(multipliers, reached, reached[1:], strict=False):
        step = _part(multiplier.rule, multiplier.kind, after - before)
        explanation.append(step | {"title": multiplier.title, "factor": text(multiplier.factor)})
    return Earned(
        points=points,
        status_points=round_points(
            _times(total, facts.program.status_rate), facts.program.rounding
        ),
        explanation=explanation,
        shares=tuple(_times(amount, rate * combined[-1]) for amount in facts.amounts),
    )


def unusual(program: Program, factors: int) -> dict[str, str]:
    """What an explanation has to say beside the numbers: rounding and stacking, where they are not the usual ones."""
    said = {}
    if program.rounding != Program.Rounding.FLOOR:
        said["rounding"] = str(program.rounding)
    if factors > 1 and program.stacking != Program.Stacking.MULTIPLY:
        said["stacking"] = str(program.stacking)
    return said


def combine(factors: Sequence[Decimal], stacking: str) -> Decimal:
    """Combine order-wide multipliers: 2, 1.2 and 1.5 give 3.6 (multiply), 2.7 (add) or 2 (best)."""
    if not factors:
        return Decimal(1)
    if stacking == Program.Stacking.BEST:
        return max(factors)
    if stacking == Program.Stacking.ADD:
        return max(Decimal(0), 1 + sum((factor - 1 for factor in factors), Decimal(0)))
    return reduce(mul, factors)


def round_points(exact: Decimal | Fraction, rounding: str) -> int:
    """Round once, by the program's setting (floor, half up)."""
    if isinstance(exact, Fraction):
        return int((exact + Fraction(1, 2)) // 1 if rounding == "half_up" else exact // 1)
    mode = ROUND_HALF_UP if rounding == Program.Rounding.HALF_UP else ROUND_FLOOR
    return int(exact.to_integral_value(mode))


def _total(amounts: Sequence[Decimal | Fraction]) -> Decimal | Fraction:
    if amounts and isinstance(amounts[0], Fraction):
        return sum((Fraction(amount) for amount in amounts), Fraction(0))
    return sum((Decimal(amount) for amount in amounts), Decimal(0))  # type: ignore[arg-type]


def _times(amount: Decimal | Fraction, factor: Decimal) -> Decimal | Fraction:
    return amount * (Fraction(factor) if isinstance(amount, Fraction) else factor)  # type: ignore[operator]


def text(value: Decimal | Fraction) -> str:
    """A number as a short exact text: 1.2 rather than 1.2000; 359/3 stays a fraction."""
    if isinstance(value, Decimal):
        return f"{_EXACT.normalize(value):f}"
    return str(value)


def _part(rule: str, kind: str, points: int, **more: str) -> dict[str, Any]:
    return {"rule": rule, "kind": kind, "points": points, **more}
