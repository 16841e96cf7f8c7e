"""Where a member stands: the tier held at a moment, how long it stands, what keeps it and what the next one needs."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal

from loyalty import tier_records
from loyalty.models import Program
from loyalty.tier_ladder import NEVER
from loyalty.tier_walks import Floor, Walk
from members.models import Member, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """The status points still missing to keep the tier when it is judged at `by`; `goal` is what keeps it."""

    status_points_needed: int
    by: datetime
    goal: int

    @property
    def got(self) -> int:
        """What counts towards the goal already."""
        return self.goal - self.status_points_needed

    @property
    def percent(self) -> int:
        """How much of the goal that is, in whole percent rounded down."""
        return 100 * self.got // self.goal if self.goal else 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member's tier with its progress; `needed` are the status points still missing to `next_tier`.

    If nothing more is earned the tier falls at `valid_until` to `falls_to`; None: never. `keep` is None where status
    points have no say in that: the tier cannot fall, or was given by hand.
    """

    tier: Tier
    status_points: int
    valid_until: datetime | None
    falls_to: Tier | None
    next_tier: Tier | None
    needed: int | None
    keep: Keep | None
    is_given: bool


@dataclass(frozen=True, slots=True)
class _End:
    """How a tier ends."""

    at: datetime
    tier: Tier
    keep: Keep | None = None


def standing(*, member: Member, at: datetime, program: Program | None = None) -> Standing:
    """The member's tier at a moment, how long it stands, and what the next tier needs; three queries or four."""
    ladder = tier_records.ladder_of(program)
    walk = tier_records.read(members=[member.pk], ladder=ladder)[member.pk]
    tier_records.load_credits(walks={member.pk: walk}, since=at)
    assert walk.climb is not None
    if walk.review_at is not None and walk.review_at <= at:
        walk.judge_from(walk.review_at)
    tier = walk.held_at(at)
    walk.climb.advance(at)
    points = walk.climb.points_at(at)
    floor = walk.floor_at(at)
    is_given = floor is not None and floor.tier.rank >= tier.rank
    end = _end_of_floor(walk, floor) if floor and is_given else _end(walk, tier, at)
    next_tier = ladder.next_above(tier)
    return Standing(
        tier=tier,
        status_points=points,
        valid_until=end.at if end else None,
        falls_to=end.tier if end else None,
        next_tier=next_tier,
        needed=None if next_tier is None else max(0, next_tier.threshold - points),
        keep=end.keep if end else None,
        is_given=is_given,
    )


def _end_of_floor(walk: Walk, floor: Floor) -> _End | None:
    """A tier given by hand ends when it was said to, unless the status points keep it longer."""
    assert walk.climb is not None
    if floor.ends_at >= NEVER:
        return None
    ahead = walk.climb.ahead()
    ahead.advance(floor.ends_at)
    if ahead.state.tier.rank < floor.tier.rank:
        return _End(floor.ends_at, ahead.state.tier)
    fall = ahead.next_fall()
    return _End(fall.at, fall.tier) if fall else None


def _end(walk: Walk, tier: Tier, at: datetime) -> _End | None:
    climb, ladder = walk.climb, walk.ladder
    assert climb is not None
    if not ladder.may_fall(tier):
        return None
    goal = ladder.keep(tier)
    if climb.state.tier.rank < tier.rank:
        # Its settings were changed: it stands until somebody judges the member by the new ones.
        missing = max(0, goal - climb.state.points)
        return _End(at, climb.state.tier, Keep(status_points_needed=missing, by=at, goal=goal))
    fall = climb.next_fall()
    if fall is None:
        return None
    floor = walk.floor_at(fall.at)
    falls_to = max([fall.tier, *([floor.tier] if floor else [])], key=lambda each: each.rank)
    is_open = climb.state.lapse is not None
    counted = climb.state.points if is_open else fall.points
    # In a fixed year the points of the grace days are those of the next one: what counts is decided at the year's end.
    by = fall.since if ladder.is_yearly and not is_open and fall.since else fall.at
    keep = Keep(status_points_needed=max(0, goal - counted), by=by, goal=goal)
    return _End(fall.at, falls_to, keep)


def money_to(*, needed: int, program: Program) -> Decimal | None:
    """What a member still has to spend for `needed` status points, rounded up to cents; None without a rate."""
    if not program.status_rate:
        return None
    return (needed / program.status_rate).quantize(Decimal("0.01"), ROUND_UP)
