"""Orders judged as if: with a campaign, without it, and as it runs now. The engine is the one of orders; nothing is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from campaigns import judging
from campaigns.judging import Judge
from campaigns.occasions import ORDER, Occasion
from campaigns.past_orders import PastOrder
from campaigns.rules import Content, Rule, compile_rule
from loyalty import earning, order_awards
from loyalty.earning import Earned, Facts
from loyalty.effects import Effect, Given
from loyalty.models import Program

# A campaign that is not stored yet comes after all that are.
UNSAVED = 2**62


@dataclass(frozen=True, slots=True)
class Rules:
    """A campaign on trial: as it is meant (`tried`), as it runs now if it does, and the others that run."""

    tried: Rule
    running: Rule | None
    others: Sequence[Rule]

    @property
    def own(self) -> list[Rule]:
        """The campaign itself: as it is meant, and as it runs."""
        return [self.tried, *([self.running] if self.running else [])]

    @property
    def all(self) -> list[Rule]:
        """Every rule that may matter."""
        return [*self.own, *self.others]

    @property
    def decisive(self) -> list[Rule]:
        """Those of which one has to match before it makes a difference whether the campaign is there."""
        limited = [rule for rule in self.others if rule.limits]
        return [*self.own, *limited]


@dataclass(slots=True)
class Outcome:
    """What the campaign changes about an order: with it minus without it.

    `points_now` is what it gives as it runs now, `cuts` what its limits cut: (limit, points or pieces).
    """

    points: int = 0
    status_points: int = 0
    pieces: int = 0
    points_now: int = 0
    cuts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_touched(self) -> bool:
        """Whether anything differs."""
        return bool(self.points or self.status_points or self.pieces)


def rules_of(*, content: Content, since: datetime, until: datetime) -> Rules:
    """The campaign of a content (as `editing.content` writes it) and what runs beside it in a time."""
    tried = rule_of(content)
    running = judging.running(triggers=[ORDER], since=since, until=until)
    own = next((rule for rule in running if rule.code == tried.code), None)
    if own is not None:
        tried = replace(tried, id=own.id)  # of equal priorities the older one counts first
    return Rules(tried, own, [rule for rule in running if rule is not own])


def rule_of(content: Content) -> Rule:
    """The rule of a content that may not be stored."""
    return compile_rule(id=UNSAVED, version=int(content.get("version") or 1), content=content)


class Trial:
    """One walk over orders in the order of time; the use of limits and budgets begins at nothing."""

    def __init__(self, *, rules: Rules, program: Program) -> None:
        self.rules = rules
        self.program = program
        self.decisive = rules.decisive
        with_it = judging.in_order([rules.tried, *rules.others])
        as_now = judging.in_order([rules.running, *rules.others]) if rules.running else None
        self.with_it = _Side(with_it, rules.tried)
        self.without = _Side(rules.others, None)
        self.as_now = _Side(as_now, rules.running) if as_now else None
        self.is_apart = all(_leaves_alone(each, rules.others) for each in rules.own)
        self.budget_gone_at: datetime | None = None

    def judge(self, order: PastOrder) -> Outcome | None:
        """What the campaign changes about the next order; None where it plays no part in it."""
        occasion = order.occasion
        found = None
        if any(rule.matches(occasion) for rule in self.decisive):
            found = self._compared(order)
        order.pass_by()
        return found

    def _compared(self, order: PastOrder) -> Outcome:
        seen = _Seen(order, self.program)
        with_it = self.with_it.earned(seen)
        as_now = self.as_now.earned(seen) if self.as_now else None
        if self.is_apart:
            # Nothing else changes by it: what it gave is the whole difference.
            own, own_now = self.with_it.own, self.as_now.own if self.as_now else None
            outcome = Outcome(
                points=own.points if own else 0,
                status_points=own.status_points if own else 0,
                pieces=own.pieces if own else 0,
                points_now=own_now.points if own_now else 0,
            )
        else:
            outcome = _difference(with_it, self.without.earned(seen), as_now)
        if self.rules.tried.limits:
            outcome.cuts = _cuts(self.with_it.own)
            self._watch_budget(order.occasion.at)
        return outcome

    def _watch_budget(self, at: datetime) -> None:
        budget = self.rules.tried.limits.get("budget_points")
        if budget is not None and self.budget_gone_at is None:
            spent = self.with_it.judge.usage.spent.get(self.rules.tried.id, 0)
            self.budget_gone_at = at if spent >= budget else None


class _Seen:
    """An order with what the engine looks at, whoever judges it."""

    def __init__(self, order: PastOrder, program: Program) -> None:
        self.order = order
        self.program = program
        self.facts = order.facts()
        self.amounts = order_awards.earnable(self.facts, program)

    def by(self, promotions: Any) -> Facts:
        """The facts, with what stands for the promotions."""
        return Facts(
            amounts=self.amounts,
            tier=self.order.tier,
            program=self.program,
            order=self.facts,
            member=self.order.occasion.member,
            promotions=promotions,
        )


class _Side:
    """Rules that are in force at once, and how far their limits are used: in the place of a batch's promotions.

    `own` is what the campaign on trial gave to the order judged last; None: nothing.
    """

    def __init__(self, rules: Sequence[Rule], tried: Rule | None) -> None:
        self.judge = Judge(rules)
        self.tried = tried
        self.occasion: Occasion | None = None
        self.own: Given | None = None

    def effects(self, facts: Facts) -> Iterable[Effect]:
        """What the matching campaigns contribute."""
        assert self.occasion is not None
        return self.judge.effects(self.occasion, facts)

    def earned(self, seen: _Seen) -> Earned:
        """What the order earns by these rules; their limits are used."""
        self.occasion, self.own = seen.order.occasion, None
        found = earning.reckon(seen.by(self))
        for given in found.given_by(self._counts):
            self._note(given, self.occasion)
        return found

    def _counts(self, effect: Effect) -> bool:
        return effect.source is self.tried or effect.room is not None

    def _note(self, given: Given, occasion: Occasion) -> None:
        rule = given.effect.source
        if rule is self.tried:
            self.own = given
        if isinstance(rule, Rule) and rule.limits:
            points = given.points + given.status_points + given.pieces
            self.judge.usage.note(rule, occasion.member.id, occasion.day, points)


def _cuts(own: Given | None) -> list[tuple[str, int]]:
    """What a limit of the campaign cut."""
    if own is None or not own.cut or own.effect.room is None:
        return []
    return [(own.effect.room.tightest()[0], own.cut)]


def _leaves_alone(rule: Rule, others: Sequence[Rule]) -> bool:
    """Whether the others give the same with it as without: no rival of its group, and no limit that counts what it changes.

    What a limited factor is worth hangs on the other factors; a fixed bonus is always worth its points.
    """
    return not any(
        (other.group is not None and other.group == rule.group)
        or (other.limits and _is_factor(other))
        for other in others
    )


def _is_factor(rule: Rule) -> bool:
    return rule.effect["type"] == "multiplier" or bool(rule.effect.get("multiplied"))


def _difference(with_it: Earned, without: Earned, as_now: Earned | None) -> Outcome:
    return Outcome(
        points=with_it.points - without.points,
        status_points=with_it.status_points - without.status_points,
        pieces=_pieces(with_it) - _pieces(without),
        points_now=0 if as_now is None else as_now.points - without.points,
    )


def _pieces(earned: Earned) -> int:
    return sum(each.pieces for each in earned.beside)
