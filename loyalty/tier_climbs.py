"""A member's tier as the status points decide it, walked through time: up at once, down by the policy of the tier held.

Pure: tiers, the program's calendar and credits of status points go in, steps come out. What the words mean:

- S(t) are the status points that count at t; keep(T) is what is needed to keep a tier.
- A *lapse* is the moment at which S falls below keep(T). The member has until the end of the local day `grace_days`
  later (none: the moment itself); with S at keep(T) again by then the tier stays, otherwise it falls there.
- At one moment what ends comes first, then the falls, then what begins, then the rises: an order placed when a tier
  falls is judged by the tier below, like one that is placed when its lot has expired.
- Where status lapses on a fixed day, a tier reached or kept in a year stands to the end of the next year, and is judged
  there by what S was just before everything lapsed.
- One tier down stands for one window of the status points, as if it had been reached then, before it is judged itself.
"""

import copy
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from loyalty.tier_ladder import NEVER, Ladder, Mark, Reason, StatusCredit, Step
from members.models import Tier

_ENDS, _MARKS, _STARTS = range(3)
_Event = tuple[datetime, int, int, Mark | None]


@dataclass(slots=True)
class _State:
    """Where a climb has come."""

    tier: Tier
    points: int = 0
    # The tier stands until then, whatever is counted.
    stands_until: datetime | None = None
    # The lapse that is open, until when it can be made good, and what counted when it was judged.
    lapse: datetime | None = None
    deadline: datetime = NEVER
    counted: int = 0
    # Thresholds of the history: tier id → (points, until).
    earlier: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)


class Climb:
    """One member's tier through time, from the first credit or from a `start` (moment and tier held then).

    `advance` walks on to a moment; `add` puts in a credit, and walks again where it comes late.
    """

    def __init__(
        self,
        ladder: Ladder,
        credits: Iterable[StatusCredit],
        *,
        start: tuple[datetime, Tier] | None = None,
        marks: Iterable[Mark] = (),
    ) -> None:
        self.ladder = ladder
        self.credits = list(credits)
        self.start = start
        self.marks = list(marks)
        self.frontier: datetime | None = None
        self._begin()

    def _begin(self) -> None:
        self.steps: list[Step] = []
        self.state = _State(self.start[1] if self.start else self.ladder.lowest)
        if self.start:
            self.state.points = sum(
                each.points for each in self.credits if each.counts_at(self.start[0])
            )
            if self.ladder.is_yearly and self.ladder.may_fall(self.state.tier):
                self.state.stands_until = self.ladder.stands_until(self.start[0])
        events: list[_Event] = [
            (mark.at, _MARKS, 0, mark) for mark in self.marks if self._is_ahead(mark.at)
        ]
        for credit in self.credits:
            events += self._events_of(credit)
        self.events = sorted(events, key=_place)
        self.next = 0
        if self.start:
            self._rise(self.start[0])

    def _is_ahead(self, moment: datetime) -> bool:
        return self.start is None or moment > self.start[0]

    def _events_of(self, credit: StatusCredit) -> list[_Event]:
        events: list[_Event] = []
        if self._is_ahead(credit.active_from):
            events.append((credit.active_from, _STARTS, credit.points, None))
        if credit.expires_at is not None and self._is_ahead(credit.expires_at):
            events.append((credit.expires_at, _ENDS, credit.points, None))
        return events

    def add(self, credit: StatusCredit) -> None:
        """Count one more credit and walk at least to its beginning."""
        self.credits.append(credit)
        reached = self.frontier or credit.active_from
        if credit.active_from < reached or not self._is_ahead(credit.active_from):
            self._begin()
        else:
            for event in self._events_of(credit):
                insort(self.events, event, lo=self.next, key=_place)
        self.advance(max(reached, credit.active_from))

    def advance(self, until: datetime) -> None:
        """Walk to a moment, which is included."""
        while (moment := self.next_moment()) <= until:
            self._pass(moment)
        if self.frontier is None or until > self.frontier:
            self.frontier = until

    def stop_at(self, until: datetime) -> None:
        """Walk to a moment and no further: what was looked at beyond it is forgotten."""
        if self.frontier is not None and self.frontier > until:
            self.frontier = None
            self._begin()
        self.advance(until)

    def next_moment(self) -> datetime:
        """When something happens next: points begin or end, or the tier is judged."""
        coming = self.events[self.next][0] if self.next < len(self.events) else NEVER
        state = self.state
        if state.lapse is not None:
            return min(coming, state.deadline)
        if state.stands_until is not None and self.ladder.may_fall(state.tier):
            return min(coming, state.stands_until)
        return coming

    def tier_at(self, moment: datetime) -> Tier:
        """The tier at a moment that has been walked past."""
        for step in reversed(self.steps):
            if step.at <= moment:
                return step.tier
        return self.start[1] if self.start else self.ladder.lowest

    def points_at(self, moment: datetime) -> int:
        """The status points that count at a moment."""
        return sum(credit.points for credit in self.credits if credit.counts_at(moment))

    def ahead(self) -> "Climb":
        """The same climb at the same moment, to walk into the future with."""
        ahead = copy.copy(self)
        ahead.steps = []
        ahead.state = copy.copy(self.state)
        ahead.state.earlier = dict(self.state.earlier)
        return ahead

    def next_fall(self) -> Step | None:
        """The fall that comes if nothing more is earned; None: the tier stays."""
        ahead = self.ahead()
        while (moment := ahead.next_moment()) < NEVER:
            ahead._pass(moment)
            for step in ahead.steps:
                if step.is_fall:
                    return step
        return None

    # ---- one moment ---------------------------------------------------------------------------
    def _pass(self, moment: datetime) -> None:
        state = self.state
        was, begins = state.points, 0
        marks: list[Mark] = []
        while self.next < len(self.events) and self.events[self.next][0] == moment:
            _at, kind, points, mark = self.events[self.next]
            self.next += 1
            if kind == _ENDS:
                state.points -= points
            elif kind == _STARTS:
                begins += points
            elif mark is not None:
                marks.append(mark)
        self._judge(moment, was)
        for mark in marks:
            self._honour(mark)
        state.points += begins
        self._rise(moment)

    def _judge(self, moment: datetime, was: int) -> None:
        state = self.state
        while self.ladder.may_fall(state.tier):
            if state.stands_until is not None:
                if moment < state.stands_until:
                    return
                state.stands_until = None
            if state.lapse is None:
                if state.points >= self.ladder.keep(state.tier):
                    return
                state.lapse = moment
                state.deadline = self.ladder.grace_end(state.tier, moment)
                state.counted = was if self.ladder.is_yearly else state.points
            if moment < state.deadline:
                return
            self._fall(moment)

    def _fall(self, moment: datetime) -> None:
        state, before = self.state, self.state.tier
        counted = max(state.counted, state.points) if self.ladder.is_yearly else state.points
        is_soft = before.downgrade == Tier.Downgrade.ONE_DOWN
        state.tier = (
            self.ladder.below(before)
            if is_soft
            else [
                tier
                for tier in self.ladder.tiers
                if tier.rank < before.rank and tier.threshold <= max(counted, 0)
            ][-1]
        )
        self.steps.append(
            Step(
                at=moment,
                before=before,
                tier=state.tier,
                reason=Reason.NOT_KEPT,
                points=state.counted,
                needed=self.ladder.keep(before),
                since=state.lapse,
            )
        )
        state.lapse = None
        if is_soft or self.ladder.is_yearly:
            state.stands_until = self.ladder.window_end(moment)

    def _honour(self, mark: Mark) -> None:
        state = self.state
        if mark.threshold is not None:
            state.earlier[mark.tier.pk] = (mark.threshold, mark.until)
            return
        if mark.tier.rank > state.tier.rank:
            self._step_up(mark.at, mark.tier, Reason.GIVEN, mark.tier.threshold)
            state.stands_until = self._standing_from(mark.at)

    def _standing_from(self, moment: datetime) -> datetime:
        if self.ladder.is_yearly:
            return self.ladder.stands_until(moment)
        return self.ladder.window_end(moment)

    def _rise(self, moment: datetime) -> None:
        state = self.state
        for tier in reversed(self.ladder.tiers):
            if tier.rank <= state.tier.rank:
                break
            needed = self._threshold(tier, moment)
            if needed <= state.points:
                self._step_up(moment, tier, Reason.REACHED, needed)
                if self.ladder.is_yearly:
                    state.stands_until = self.ladder.stands_until(moment)
                break
        if state.points >= self.ladder.keep(state.tier):
            state.lapse = None
            if self.ladder.is_yearly and self.ladder.may_fall(state.tier):
                stands = self.ladder.stands_until(moment)
                state.stands_until = max(state.stands_until or stands, stands)

    def _threshold(self, tier: Tier, moment: datetime) -> int:
        earlier, until = self.state.earlier.get(tier.pk, (tier.threshold, None))
        if until is not None and moment >= until:
            return tier.threshold
        return min(tier.threshold, earlier)

    def _step_up(self, moment: datetime, tier: Tier, reason: str, needed: int) -> None:
        state = self.state
        self.steps.append(
            Step(
                at=moment,
                before=state.tier,
                tier=tier,
                reason=reason,
                points=state.points,
                needed=needed,
            )
        )
        state.tier, state.lapse, state.stands_until = tier, None, None


def _place(event: _Event) -> tuple[datetime, int]:
    return event[0], event[1]
