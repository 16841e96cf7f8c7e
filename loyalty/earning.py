"""What an order or act earns: a pure function of facts, program, tier and rules, exact to the point.

EARNING_RULES in the settings lists the rules (dotted names). Each is called as `rule(facts)` and returns effects;
the engine combines them, rounds once, explains each step, cuts what limits leave no room for and keeps every line's
exact share.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, getcontext, localcontext, setcontext
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from loyalty.effects import Base, Bonus, Effect, Given, Grant, Multiplier, StatusBonus
from loyalty.explanation_parts import part_of
from loyalty.line_shares import shares_of
from loyalty.models import Program
from loyalty.order_facts import OrderFacts
from loyalty.stacking import EXACT, Number, round_points, text, times
from loyalty.sums import FLOOR, MULTIPLY, Sum
from members.models import Member, Tier

__all__ = ["Base", "Bonus", "Earned", "Effect", "Facts", "Grant", "Multiplier", "StatusBonus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules may look at: money amounts of the lines that can earn, the tier held, the program.

    `order`, `member` and `promotions` (what was read for the rules beforehand) are there where an order is judged.
    `spread` are the lines' amounts by which bonuses are shared out, where points paid a part of the order.
    """

    amounts: Sequence[Number]
    tier: Tier
    program: Program
    order: OrderFacts | None = None
    member: Member | None = None
    promotions: Any = None
    spread: Sequence[Number] | None = None


Contribution = Base | Effect
Rule = Callable[[Facts], Iterable[Contribution]]


@dataclass(kw_only=True)
class Earned:
    """The outcome: whole points, the explanations whose parts add up to them, what each rule gave, each line's share."""

    points: int
    status_points: int
    explanation: list[dict[str, Any]]
    status_explanation: list[dict[str, Any]] = field(default_factory=list)
    beside: list[Given] = field(default_factory=list)
    sum: Sum | None = None
    lines: int = 0

    @cached_property
    def given(self) -> list[Given]:
        """What each rule gave in the end, after its limits."""
        return self.given_by(lambda _effect: True)

    def given_by(self, wanted: Callable[[Effect], bool]) -> list[Given]:
        """What those gave in the end that are wanted."""
        beside = [given for given in self.beside if wanted(given.effect)]
        if self.sum is None:
            return beside
        with localcontext(EXACT):
            return [*self.sum.given(wanted), *beside]

    @cached_property
    def shares(self) -> tuple[Number, ...]:
        """Each line's exact share of the points; they are asked for where the order is stored."""
        if self.sum is None:
            return (Decimal(0),) * self.lines
        with localcontext(EXACT):
            return shares_of(self.sum)


def base_points(facts: Facts) -> Iterable[Contribution]:
    """Amount × the program's earn rate."""
    return (_of_rate(facts.program.earn_rate),)


@lru_cache(maxsize=100)
def _of_rate(rate: Decimal) -> Base:
    return Base(rule="base", rate=rate)


def tier_multiplier(facts: Facts) -> Iterable[Contribution]:
    """The multiplier of the tier held when the order was placed."""
    found = _of_tier(facts.tier.name, facts.tier.multiplier)
    return () if found is None else (found,)


@lru_cache(maxsize=100)
def _of_tier(name: str, factor: Decimal) -> Multiplier | None:
    if factor == 1:
        return None
    return Multiplier(rule="tier", kind="tier", title=name, factor=factor)


@lru_cache(maxsize=8)
def _rules(names: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(import_string(name) for name in names)


def effects_of(facts: Facts) -> list[Contribution]:
    """What every rule of EARNING_RULES contributes, in order."""
    return [effect for rule in _rules(tuple(settings.EARNING_RULES)) for effect in rule(facts)]


def evaluate(facts: Facts) -> Earned:
    """Compute points, status points, explanation and shares of one order. No query inside."""
    return combined(facts, effects_of(facts))


def combined(facts: Facts, effects: Sequence[Contribution]) -> Earned:
    """What these effects come to for an order."""
    usual = getcontext()
    setcontext(EXACT)  # a third of the time of localcontext, which copies it
    try:
        summed = _sum(facts, effects)
        earned = _earned(facts, summed, summed.explain())
        status = earned.status_points
        earned.status_explanation.append(status_base(summed.total, status, facts.program))
        _add_beside(earned)
        return earned
    finally:
        setcontext(usual)


def reckon(facts: Facts) -> Earned:
    """The same figures as `evaluate` without saying why: of the explanation there are the limits alone."""
    effects = effects_of(facts)
    usual = getcontext()
    setcontext(EXACT)
    try:
        summed = _sum(facts, effects)
        earned = _earned(facts, summed, [{"points": summed.points()}])
        _add_beside(earned)
        return earned
    finally:
        setcontext(usual)


def worth_alone(facts: Facts, effect: Effect) -> int:
    """The points (or status points) that an effect would add to base and tier, if it were the only one."""
    if isinstance(effect, StatusBonus):
        return effect.points
    if not isinstance(effect, Multiplier | Bonus):
        return 0
    with localcontext(EXACT):
        usual = [*base_points(facts), *tier_multiplier(facts)]
        return _sum(facts, [*usual, effect]).worth(effect)


def _sum(facts: Facts, effects: Sequence[Contribution]) -> Sum:
    return Sum(
        amounts=facts.amounts,
        spread=facts.amounts if facts.spread is None else facts.spread,
        program=facts.program,
        effects=effects,
    )


def _earned(facts: Facts, summed: Sum, explanation: list[dict[str, Any]]) -> Earned:
    points = summed.within_limits(explanation)
    status = round_points(times(summed.total, facts.program.status_rate), facts.program.rounding)
    return Earned(
        points=points,
        status_points=status,
        explanation=explanation,
        sum=summed,
        lines=len(facts.amounts),
    )


def _add_beside(earned: Earned) -> None:
    for effect in earned.sum.beside if earned.sum else ():
        if isinstance(effect, StatusBonus | Grant):
            _add(earned, effect)


def _add(earned: Earned, effect: StatusBonus | Grant) -> None:
    """Give status points or pieces beside the points, within the effect's limits."""
    is_status = isinstance(effect, StatusBonus)
    wanted = effect.points if isinstance(effect, StatusBonus) else effect.pieces
    fits, name = wanted, ""
    if effect.room is not None:
        name, left = effect.room.tightest()
        fits = wanted if wanted <= left else 0 if effect.room.is_whole else max(0, left)
    given = Given(effect=effect, cut=wanted - fits)
    earned.beside.append(given)
    if not is_status:
        given.pieces = fits
        if fits:
            assert isinstance(effect, Grant)
            what = {"reward": effect.reward} if effect.reward else {"tickets": fits}
            earned.explanation.append(part_of(effect, 0) | what)
        return
    given.status_points = fits
    earned.status_points += fits
    earned.status_explanation.append(part_of(effect, wanted))
    if given.cut:
        earned.status_explanation.append(
            {**part_of(effect, -given.cut), "kind": "cap", "cap": name}
        )
    if fits:
        earned.explanation.append(part_of(effect, 0) | {"status_points": fits})


def status_base(amount: Number, points: int, program: Program) -> dict[str, Any]:
    """Why so many status points for the money."""
    return {
        "rule": "status",
        "kind": "base",
        "points": points,
        "amount": text(amount),
        "rate": text(program.status_rate),
        **unusual(program, 0),
    }


def unusual(program: Program, factors: int) -> dict[str, str]:
    """What an explanation has to say beside the numbers: rounding and stacking, where they are not the usual ones."""
    said = {}
    if program.rounding != FLOOR:
        said["rounding"] = str(program.rounding)
    if factors > 1 and program.stacking != MULTIPLY:
        said["stacking"] = str(program.stacking)
    return said
