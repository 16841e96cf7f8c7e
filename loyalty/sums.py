"""The sum behind an order's points: base, multipliers and bonuses, with or without any of them. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import compress
from math import floor

from loyalty.effects import Base, Bonus, Cut, Effect, Given, Multiplier
from loyalty.explanation_parts import Part, cap_of, part_of
from loyalty.models import Program
from loyalty.stacking import (
    ONE,
    ZERO,
    Number,
    combine,
    counting,
    joined,
    plus,
    round_points,
    running,
    text,
    times,
)
from loyalty.stacking import total as total_of

NOTHING: frozenset[int] = frozenset()
# Looking a choice up takes as long as a multiplication.
FLOOR, MULTIPLY = Program.Rounding.FLOOR, Program.Stacking.MULTIPLY


class Sum:
    """Base × multipliers + bonuses. Lines are grouped by the line-wide multipliers that apply to them.

    `without` names effects that are left out, by identity.
    """

    def __init__(
        self,
        *,
        amounts: Sequence[Number],
        spread: Sequence[Number],
        program: Program,
        effects: Iterable[Base | Effect],
    ) -> None:
        self.amounts = amounts
        self.spread = spread
        self.rounding = program.rounding
        self.stacking = program.stacking
        self.rate = ZERO
        self.multipliers: list[Multiplier] = []
        self.multiplied: list[Bonus] = []
        self.plain: list[Bonus] = []
        #: Those that add no points.
        self.beside: list[Effect] = []
        self.scoped: list[Multiplier] = []
        self._sort(effects)
        self.total = total_of(amounts)
        self._groups: list[tuple[Number, tuple[Multiplier, ...]]] | None = None
        # The base and what multiplies it on some lines, once somebody asked.
        self.on_lines: Number | None = None
        # What limits cut, one after the other, and the ids of those effects: each gives what fits, whatever it is worth.
        self.cuts: list[Cut] = []
        self.reduced: frozenset[int] = NOTHING
        # What the limited ones are worth that were not cut, and what all comes to that is not reduced.
        self.worths: dict[int, int] = {}
        self.reached = 0

    def _sort(self, effects: Iterable[Base | Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Multiplier):
                self.multipliers.append(effect)
                if effect.lines is not None:
                    self.scoped.append(effect)
            elif isinstance(effect, Bonus):
                (self.multiplied if effect.is_multiplied else self.plain).append(effect)
            elif isinstance(effect, Base):
                self.rate = self.rate + effect.rate if self.rate else effect.rate
            else:
                self.beside.append(effect)

    @property
    def groups(self) -> list[tuple[Number, tuple[Multiplier, ...]]]:
        """What the lines come to that the same line-wide multipliers apply to."""
        if self._groups is None:  # no cached_property: it takes a lock
            self._groups = self._grouped()
        return self._groups

    def _grouped(self) -> list[tuple[Number, tuple[Multiplier, ...]]]:
        found: dict[tuple[int, ...], Number] = {}
        masks = [each.lines or 0 for each in self.scoped]
        for line, amount in enumerate(self.amounts):
            key = tuple([mask >> line & 1 for mask in masks])
            found[key] = plus(found[key], amount) if key in found else amount
        return [(amount, tuple(compress(self.scoped, key))) for key, amount in found.items()]

    # ---- totals -------------------------------------------------------------------------------
    def whole(self, without: frozenset[int] = NOTHING) -> list[Decimal]:
        """The factors on the whole order."""
        return [
            each.factor
            for each in self.multipliers
            if each.lines is None and id(each) not in without
        ]

    def exact(self, without: frozenset[int] = NOTHING) -> Number:
        """The points before they are rounded."""
        whole = self.whole(without)
        bonus = sum([each.points for each in self.multiplied if id(each) not in without])
        on_all = combine(whole, self.stacking)
        if self.stacking == MULTIPLY or not self.scoped:
            return times(plus(self._on_lines(without), Decimal(bonus)), on_all)
        found: Number = bonus * on_all
        for amount, scoped in self.groups:
            factors = whole + [each.factor for each in scoped if id(each) not in without]
            found = plus(found, times(amount, self.rate * combine(factors, self.stacking)))
        return found

    def _on_lines(self, without: frozenset[int]) -> Number:
        """The base, and what multiplies it on some of the lines; the same whatever there is on the whole order."""
        scoped = [each for each in self.scoped if id(each) not in without]
        is_all = len(scoped) == len(self.scoped)
        if is_all and self.on_lines is not None:
            return self.on_lines
        found = times([self.total, *self._by_lines(scoped)][-1], self.rate)
        if is_all:
            self.on_lines = found
        return found

    def points(self, without: frozenset[int] = NOTHING) -> int:
        """The points, rounded once."""
        plain = sum([each.points for each in self.plain if id(each) not in without])
        return round_points(self.exact(without), self.rounding) + plain

    def worth(self, effect: Effect) -> int:
        """What an effect adds: the total with it minus the total without it, beside what limits have left of others."""
        return self.points(self.reduced) - self.points(self.reduced | {id(effect)})

    # ---- why ----------------------------------------------------------------------------------
    def explain(self) -> list[Part]:
        """Base, multiplied bonuses, multipliers, bonuses: running differences of the floored running total.

        The last step that multiplies ends at the rounded total.
        """
        exact = self._steps()
        reached = [floor(each) for each in exact]
        if self.rounding != FLOOR:
            reached[-1] = round_points(exact[-1], self.rounding)
        before = reached[0]
        parts = [self._base(before)]
        for effect, after in zip((*self.multiplied, *self.multipliers), reached[1:], strict=True):
            parts.append(part_of(effect, after - before))
            before = after
        parts += [part_of(bonus, bonus.points) for bonus in self.plain]
        return parts

    def _base(self, points: int) -> Part:
        part = {
            "rule": "base",
            "kind": "base",
            "points": points,
            "amount": text(self.total),
            "rate": text(self.rate),
        }
        if self.rounding != FLOOR:
            part["rounding"] = str(self.rounding)
        if len(self.multipliers) > 1 and self.stacking != MULTIPLY:
            part["stacking"] = str(self.stacking)
        if self.scoped:
            part["groups"] = [
                {"amount": text(amount), "rules": [each.rule for each in scoped]}
                for amount, scoped in self.groups
            ]
        return part

    def _steps(self) -> list[Number]:
        """The running total: after the base, each multiplied bonus, each multiplier."""
        base = times(self.total, self.rate)
        found = [base]
        bonus = 0
        for each in self.multiplied:
            bonus += each.points
            found.append(plus(base, Decimal(bonus)))
        if self.stacking == MULTIPLY:
            return found + self._products(base, Decimal(bonus))
        if not self.scoped:
            start = found[-1]
            factors = running(self.whole(), self.stacking)[1:]
            return found + [times(start, factor) for factor in factors]
        return found + list(self._scoped_steps(bonus))

    def _products(self, base: Number, bonus: Decimal) -> list[Number]:
        """The running total after each multiplier: one on the whole order multiplies whatever was reached before."""
        found, whole = plus(base, bonus), ONE
        on_lines = self._by_lines(self.scoped)
        reached = []
        for multiplier in self.multipliers:
            if multiplier.lines is None:
                whole *= multiplier.factor
            else:
                self.on_lines = times(next(on_lines), self.rate)
                found = plus(self.on_lines, bonus)
            reached.append(times(found, whole))
        return reached

    def _by_lines(self, scoped: Iterable[Multiplier]) -> Iterator[Number]:
        """What the lines come to after each of these multipliers of theirs."""
        amounts = list(self.amounts)
        found = self.total
        for each in scoped:
            more, mask = each.factor - ONE, each.lines or 0
            for line, amount in enumerate(amounts):
                if mask >> line & 1:
                    amounts[line] = times(amount, each.factor)
                    found = plus(found, times(amount, more))
            yield found

    def _scoped_steps(self, bonus: int) -> Iterator[Number]:
        """The running total after each multiplier, where some count for a part of the lines alone."""
        whole: Decimal | None = None
        groups: list[tuple[Number, list[int], Decimal | None]] = [
            (times(amount, self.rate), [id(each) for each in scoped], None)
            for amount, scoped in self.groups
        ]
        for multiplier in self.multipliers:
            is_whole, key, factor = multiplier.lines is None, id(multiplier), multiplier.factor
            if is_whole:
                whole = joined(whole, factor, self.stacking)
            groups = [
                (amount, scoped, joined(reached, factor, self.stacking))
                if is_whole or key in scoped
                else (amount, scoped, reached)
                for amount, scoped, reached in groups
            ]
            found: Number = bonus * counting(whole)
            for amount, _scoped, reached in groups:
                found = plus(found, times(amount, counting(reached)))
            yield found

    # ---- limits -------------------------------------------------------------------------------
    def within_limits(self, explanation: list[Part]) -> int:
        """The points after every limit; each cut becomes a part of the explanation.

        An effect counts with the total with it minus the total without it. Effects are taken in their order; one that is
        cut gives what fits, and for those that follow it is not there. That may let another one count for more (where
        only the best counts), so all are looked at until nothing changes.
        """
        points = self.reached = sum([int(part["points"]) for part in explanation])
        limited = [each for each in self.effects() if each.room is not None]
        while limited and (cut := next(filter(None, map(self._cut, limited)), None)):
            limited.remove(cut.effect)
            self.cuts.append(cut)
            self.reduced |= {id(cut.effect)}
            explanation.append(cap_of(cut.effect, cut.points, cut.limit))
            points -= cut.points
            self.reached -= cut.worth
        return points

    def _cut(self, effect: Multiplier | Bonus) -> Cut | None:
        assert effect.room is not None
        worth = self.worths[id(effect)] = self._worth(effect, self.reached)
        name, left = effect.room.tightest()
        left = max(0, left)
        if worth <= left:
            return None
        return Cut(effect, 0 if effect.room.is_whole else left, worth, name)

    def _worth(self, effect: Multiplier | Bonus, reached: int) -> int:
        """What an effect adds, where all that is not reduced comes to `reached`."""
        if isinstance(effect, Bonus) and not effect.is_multiplied:
            return effect.points
        return reached - self.points(self.reduced | {id(effect)})

    def given(self, wanted: Callable[[Effect], bool]) -> list[Given]:
        """What each rule that is wanted gave in the end, after the limits; the tier and the base are no rules."""
        cuts = {id(cut.effect): cut for cut in self.cuts}
        found = []
        for effect in self.effects():
            if not wanted(effect) or (isinstance(effect, Multiplier) and effect.kind == "tier"):
                continue
            cut = cuts.get(id(effect))
            if cut is not None:
                found.append(Given(effect=effect, points=cut.fits, cut=cut.points))
            elif id(effect) in self.worths:
                found.append(Given(effect=effect, points=self.worths[id(effect)]))
            else:
                found.append(Given(effect=effect, points=self._worth(effect, self.reached)))
        return found

    def effects(self) -> tuple[Multiplier | Bonus, ...]:
        """Multiplied bonuses, multipliers, bonuses."""
        return (*self.multiplied, *self.multipliers, *self.plain)
