"""A member's tier history as it was told, beside the climb that the status points make: where they differ, it is corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from loyalty.tier_climbs import Climb
from loyalty.tier_ladder import NEVER, Ladder, Mark, Reason, StatusCredit, Step
from members.models import Tier

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
#: After one of these the tier held may be another than the status points alone would give.
_OVERRULING = (Reason.REFUNDED, Reason.GIVEN, Reason.MERGED)


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the history: the tier held from `at` on."""

    at: datetime
    tier: Tier
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Floor:
    """A tier given by hand, below which the member does not fall from `starts_at` until `ends_at`."""

    tier: Tier
    starts_at: datetime
    ends_at: datetime

    def holds_at(self, moment: datetime) -> bool:
        """Whether it holds at a moment."""
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True, slots=True)
class Change:
    """What is missing in the history: from `at` on the member holds `tier`."""

    at: datetime
    before: Tier
    tier: Tier
    reason: str
    details: Mapping[str, object]


class Walk:
    """One member's tiers while something happens that may change them.

    `climb` is there only where the tier can change at all; without it the history says everything. From `since` on the
    climb counts, before that what was told stands. A refund (`is_refund`) never lifts, and what was told before the
    last refund is only ever lifted: orders were judged by it.
    """

    def __init__(
        self,
        ladder: Ladder,
        told: Sequence[Told],
        *,
        lifetime: int = 0,
        climb: Climb | None = None,
    ) -> None:
        self.ladder = ladder
        self.told = list(told)
        self.lifetime = lifetime
        self.climb = climb
        self.since: datetime | None = None
        self.until = self.told[-1].at if self.told else ALWAYS
        self.changes: list[Change] = []
        self.is_judged = False
        self.is_refund = False
        self.review_at: datetime | None = None
        self.floors = _floors(ladder, self.told)
        self.stands_before = max(
            (each.at for each in self.told if each.reason == Reason.REFUNDED), default=ALWAYS
        )

    # ---- questions ----------------------------------------------------------------------------
    def held_at(self, moment: datetime) -> Tier:
        """The tier held at a moment."""
        if self.climb is None or self.since is None or moment < self.since:
            return self.told_at(moment)
        self.climb.advance(moment)
        return self._held(moment)

    def told_at(self, moment: datetime) -> Tier:
        """The tier held at a moment by the history as it was told."""
        for each in reversed(self.told):
            if each.at <= moment:
                return each.tier
        return self.ladder.lowest

    def lowest_since(self, moment: datetime) -> Tier:
        """The lowest tier held at a moment or later, as told."""
        later = [each.tier for each in self.told if each.at > moment]
        return min([self.told_at(moment), *later], key=_rank)

    def floor_at(self, moment: datetime) -> Floor | None:
        """The tier given by hand that holds at a moment."""
        return next((each for each in self.floors if each.holds_at(moment)), None)

    def next_threshold(self, moment: datetime) -> float:
        """The lowest threshold above the lowest tier held from a moment on; infinity at the top."""
        above = self.ladder.next_above(self.lowest_since(moment))
        return float("inf") if above is None else above.threshold

    def start(self, since: datetime) -> tuple[datetime, Tier] | None:
        """From where a climb may begin so that nothing before matters; None: from the first credit.

        It may where the member held the lowest tier, or one that cannot fall or was just reached, and nothing but the
        status points had decided that.
        """
        told = next((each for each in reversed(self.told) if each.at <= since), None)
        if told is None or told.tier == self.ladder.lowest:
            return since, self.ladder.lowest
        if any(each.reason in _OVERRULING for each in self.told):
            return None
        if not self.ladder.may_fall(told.tier):
            return since, told.tier
        return (told.at, told.tier) if "threshold" in told.details else None

    def marks(self) -> list[Mark]:
        """What the history says about tiers, for a climb."""
        marks = []
        for each, following in zip_longest(self.told, self.told[1:]):
            if each.reason == Reason.REACHED and "threshold" in each.details:
                until = following.at if following else None
                marks.append(Mark(each.at, each.tier, each.details["threshold"], until))
            elif each.reason == Reason.ENROLLED and each.tier != self.ladder.lowest:
                marks.append(Mark(each.at, each.tier))
            elif own := self.ladder.by_code.get(each.details.get("own", "")):
                marks.append(Mark(each.at, own))  # of before a merge
        return marks

    # ---- steps --------------------------------------------------------------------------------
    def add(self, credit: StatusCredit) -> None:
        """Count a credit; what it changes about the tiers held then and later shows at once."""
        self.lifetime += credit.points
        if self.climb is None:
            return
        self.climb.add(credit)
        self.judge_from(credit.active_from)
        self.note_changes()

    def judge_from(self, moment: datetime) -> None:
        """Let the climb count from a moment on, at least to that moment."""
        self.since = moment if self.since is None else min(self.since, moment)
        self.until = max(self.until, moment)
        self.is_judged = True

    def note_changes(self) -> None:
        """Complete the history up to `until`; what was missing stands in `changes`."""
        for change in self._missing():
            self.changes.append(change)
            self.told.append(Told(change.at, change.tier, change.reason, change.details))
        self.told.sort(key=_moment)

    def _missing(self) -> list[Change]:
        if self.climb is None or self.since is None:
            return []
        self.climb.stop_at(self.until)
        found: list[Change] = []
        held = self.told_at(self.since)
        for moment in self._moments(self.since):
            held = next((t.tier for t in reversed(self.told) if t.at == moment), held)
            tier = self._held(moment)
            if tier != held:
                found.append(self._change(moment, held, tier))
                held = tier
        return found

    def next_review(self) -> datetime | None:
        """When the tier held at the end of the walk may fall; None: never, NEVER: never as things are."""
        assert self.climb is not None
        self.climb.stop_at(self.until)
        held = self._held(self.until)
        floor = self.floor_at(self.until)
        if floor is not None and floor.tier.rank >= self.climb.state.tier.rank:
            if floor.ends_at < NEVER:
                return floor.ends_at
        elif self.ladder.may_fall(held):
            fall = self.climb.next_fall()
            return fall.at if fall else NEVER
        return NEVER if self.ladder.may_fall(held) else None

    def _moments(self, since: datetime) -> list[datetime]:
        assert self.climb is not None
        moments = {since, *(step.at for step in self.climb.steps)}
        moments |= {each.at for each in self.told}
        for floor in self.floors:
            moments |= {floor.starts_at, floor.ends_at}
        return sorted(each for each in moments if since <= each <= self.until)

    def _held(self, moment: datetime) -> Tier:
        assert self.climb is not None
        tier = self.climb.tier_at(moment)
        if self.is_refund:
            tier = min(tier, self.told_at(moment), key=_rank)
        elif moment < self.stands_before:
            tier = max(tier, self.told_at(moment), key=_rank)
        floor = self.floor_at(moment)
        return tier if floor is None else max(tier, floor.tier, key=_rank)

    def _change(self, moment: datetime, before: Tier, tier: Tier) -> Change:
        assert self.climb is not None
        steps = [step for step in self.climb.steps if step.at == moment]
        points = self.climb.points_at(moment)
        details: dict[str, object]
        if self.is_refund:
            details = {"status_points": points, "threshold": before.threshold}
            return Change(moment, before, tier, Reason.REFUNDED, details)
        if steps and _leads(steps[-1], before, tier):
            return Change(moment, before, tier, steps[-1].reason, steps[-1].details())
        floor = next(
            (each for each in self.floors if moment in (each.starts_at, each.ends_at)), None
        )
        if floor is not None:
            details = {"status_points": points, "ended": floor.tier.code}
            return Change(moment, before, tier, Reason.GIVEN, details)
        if tier.rank > before.rank:  # points that came late show that it was held
            return Change(moment, before, tier, Reason.REACHED, {"status_points": points})
        keep = self.ladder.keep(before)
        details = {"status_points": points, "keep": keep, "policy": before.downgrade}
        return Change(moment, before, tier, Reason.NOT_KEPT, details)


def _leads(step: Step, before: Tier, tier: Tier) -> bool:
    """Whether a step of the climb is what changed the tier held."""
    return step.is_fall == (tier.rank < before.rank) and step.tier == tier


def _floors(ladder: Ladder, told: Sequence[Told]) -> list[Floor]:
    """The tiers given by hand: each holds until its end or until the next one is given or taken away."""
    said = [each for each in told if "floor" in each.details]
    floors = []
    for each, following in zip_longest(said, said[1:]):
        tier = ladder.by_code.get(each.details["floor"] or "")
        ends_at = following.at if following else NEVER
        if until := each.details.get("until"):
            ends_at = min(ends_at, datetime.fromisoformat(until))
        if tier is not None:
            floors.append(Floor(tier, each.at, ends_at))
    return floors


def _moment(told: Told) -> datetime:
    return told.at


def _rank(tier: Tier) -> int:
    return tier.rank
