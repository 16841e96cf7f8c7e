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
from loyalty.effects import Effect
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
        self.with_it = _Side(with_it)
        self.without = _Side(rules.others)
        self.as_now = _Side(as_now) if as_now else None
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
        facts = _Seen(order, self.program)
        with_it = self.with_it.earned(facts)
        as_now = self.as_now.earned(facts) if self.as_now else None
        if self.is_apart:
            outcome = self._given(with_it, as_now)
        else:
            outcome = _difference(with_it, self.without.earned(facts), as_now)
        if self.rules.tried.limits:
            outcome.cuts = [
                (given.effect.room.tightest()[0], given.cut)
                for given in with_it.given_by(self._is_tried)
                if given.cut and given.effect.room is not None
            ]
            self._watch_budget(order.occasion.at)
        return outcome

    def _is_tried(self, effect: Effect) -> bool:
        return effect.source is self.rules.tried

    def _given(self, with_it: Earned, as_now: Earned | None) -> Outcome:
        """What it gave is the whole difference: nothing else changes by it."""
        outcome = Outcome()
        for given in with_it.given_by(self._is_tried):
            outcome.points += given.points
            outcome.status_points += given.status_points
            outcome.pieces += given.pieces
        if as_now is not None:
            for given in as_now.given_by(lambda effect: effect.source is self.rules.running):
                outcome.points_now += given.points
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
        self.amounts = order_awards.earnable(order.facts, program)

    def by(self, promotions: Any) -> Facts:
        """The facts, with what stands for the promotions."""
        return Facts(
            amounts=self.amounts,
            tier=self.order.tier,
            program=self.program,
            order=self.order.facts,
            member=self.order.occasion.member,
            promotions=promotions,
        )


class _Side:
    """Rules that are in force at once, and how far their limits are used: in the place of a batch's promotions."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.judge = Judge(rules)
        self.is_limited = any(rule.limits for rule in rules)
        self.occasion: Occasion | None = None

    def effects(self, facts: Facts) -> Iterable[Effect]:
        """What the matching campaigns contribute."""
        assert self.occasion is not None
        return self.judge.effects(self.occasion, facts)

    def earned(self, seen: _Seen) -> Earned:
        """What the order earns by these rules; their limits are used."""
        self.occasion = seen.order.occasion
        found = earning.evaluate(seen.by(self))
        if self.is_limited:
            self._use(found)
        return found

    def _use(self, earned: Earned) -> None:
        assert self.occasion is not None
        for each in judging.by_rules(earned.given_by(_is_limited)):
            points = each.points + each.status_points + each.pieces
            self.judge.usage.note(
                each.effect.source, self.occasion.member.pk, self.occasion.day, points
            )


def _is_limited(effect: Effect) -> bool:
    return effect.room is not None


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
