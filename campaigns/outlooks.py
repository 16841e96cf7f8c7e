"""What signing in will bring a member on the coming days, if none is missed: asked of the rules in force, never assumed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from campaigns import judging, streaks
from campaigns.judging import Judge
from campaigns.occasions import CHECK_IN, Occasion, of_act
from campaigns.rules import Rule
from campaigns.streaks import SignedDays
from loyalty import earning
from loyalty.earning import Facts
from loyalty.models import Program
from members.models import Member

# How far ahead milestones are looked for, and how many days are tried for each one asked for: some are for others.
HORIZON = 400
TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A day to come: what signing it brings; `extra` is the part for days in a row or in all, `gifts` what is no points.

    `reached` is the number of days that the extra is for, `left` how many days are to be signed until then.
    """

    day: date
    left: int
    reached: int
    kind: str
    points: int
    extra: int
    gifts: Sequence[Rule]

    @property
    def is_milestone(self) -> bool:
        """Whether it brings more than a day like any other."""
        return bool(self.kind)


@dataclass(slots=True, kw_only=True)
class _Step:
    """A day ahead with what its event would say, and the rules that look at it and did not hold the day before."""

    place: int
    day: date
    facts: dict[str, Any]
    risen: list[Rule]


class Outlook:
    """The next `days` days and up to `milestones` milestones: a fixed number of queries."""

    def __init__(
        self,
        *,
        member: Member,
        signed: SignedDays,
        at: datetime,
        program: Program,
        days: int = 0,
        milestones: int = 1,
    ) -> None:
        self.at = at
        self.program = program
        self.member = member
        self.judge = Judge(
            judging.running(triggers=[CHECK_IN], since=at, until=at + timedelta(days=HORIZON))
        )
        steps = self._steps(signed, days, milestones * TRIES)
        occasions = [self._occasion(each) for each in steps]
        self.judge.load(occasions=occasions, act_type=CHECK_IN, lock=False)
        found = [self._coming(*each) for each in zip(steps, occasions, strict=True)]
        self.days = [each for each in found if each.left <= days]
        self.milestones = [each for each in found if each.is_milestone][:milestones]

    @property
    def is_offered(self) -> bool:
        """Whether signing in can bring anything at all."""
        return bool(self.judge.rules)

    @property
    def next_milestone(self) -> Coming | None:
        """The nearest day that brings more."""
        return self.milestones[0] if self.milestones else None

    def _steps(self, signed: SignedDays, days: int, candidates: int) -> list[_Step]:
        today = self.at.astimezone(self.program.zone).date()
        watching = [rule for rule in self.judge.rules if progress_of(rule)]
        before = {
            "streak": signed.standing(today),
            "total": signed.total(today),
            "month_total": signed.month_total(today),
        }
        held = {rule.id for rule in watching if looks_right(rule, before)}
        found: list[_Step] = []
        for place, (day, facts) in enumerate(streaks.ahead(signed, today, HORIZON), start=1):
            holding = [rule for rule in watching if looks_right(rule, facts)]
            risen = [rule for rule in holding if rule.id not in held]
            held = {rule.id for rule in holding}
            if place <= days or (risen and candidates > 0):
                found.append(_Step(place=place, day=day, facts=facts, risen=risen))
                candidates -= bool(risen)
            elif candidates <= 0 or not watching:
                break
        return found

    def _occasion(self, step: _Step) -> Occasion:
        noon = datetime.combine(step.day, time(12), self.program.zone)
        is_today = step.day == self.at.astimezone(self.program.zone).date()
        return of_act(
            trigger=CHECK_IN,
            at=self.at if is_today else noon,
            member=self.member,
            zone=self.program.zone,
            history=self.judge.past,
            data=step.facts,
        )

    def _coming(self, step: _Step, occasion: Occasion) -> Coming:
        facts = Facts(amounts=(), tier=self.member.tier, program=self.program, member=self.member)
        earned = earning.combined(facts, self.judge.effects(occasion, facts))
        given = [each for each in judging.by_rules(earned.given) if _is_something(each)]
        risen = {rule.id: rule for rule in step.risen}
        more = [each for each in given if each.effect.source.id in risen]
        kind = progress_of(more[0].effect.source) if more else ""
        return Coming(
            day=step.day,
            left=step.place,
            reached=step.facts[kind] if kind else 0,
            kind=kind,
            points=earned.points,
            extra=sum(each.points for each in more),
            gifts=[each.effect.source for each in given if not each.points],
        )


def progress_of(rule: Rule) -> str:
    """Which count of signed days a rule looks at: "streak", "total", "month_total"; empty for none."""
    wanted = _wanted(rule)
    return next((name for name in streaks.FACTS if name in wanted), "")


def looks_right(rule: Rule, facts: dict[str, Any]) -> bool:
    """Whether a rule's conditions on the counts of signed days hold, whatever else it asks for."""
    return all(
        check.test(_Told(facts))  # type: ignore[arg-type]
        for check in rule.checks
        if check.name == "event_data"
    )


class _Told:
    """As much of an occasion as a condition on an event's data looks at."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data


def _wanted(rule: Rule) -> Iterable[str]:
    return next((list(check.expected) for check in rule.checks if check.name == "event_data"), [])


def _is_something(given: Any) -> bool:
    return bool(given.points or given.status_points or given.pieces)
