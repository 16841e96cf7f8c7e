"""The words in which tiers are judged: credits of status points, steps, marks of the history, and the ladder itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loyalty import expiry
from loyalty.models import Program
from members.models import Tier, TierChange

#: Later than anything happens.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)

Reason = TierChange.Reason


@dataclass(frozen=True, slots=True)
class StatusCredit:
    """Status points that count from `active_from` until `expires_at`, net of what refunds took back."""

    active_from: datetime
    expires_at: datetime | None
    points: int

    def counts_at(self, moment: datetime) -> bool:
        """Whether the credit is part of the status sum at a moment."""
        return self.active_from <= moment and (self.expires_at is None or moment < self.expires_at)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the history says about a tier from `at` on.

    Without a threshold the tier was given; with one it was reachable for so many points (until `until`), whatever the
    threshold is today.
    """

    at: datetime
    tier: Tier
    threshold: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A tier reached or lost at a moment; `points` counted, `needed` would have kept or did reach it.

    `since` is the lapse that led to a fall.
    """

    at: datetime
    before: Tier
    tier: Tier
    reason: str
    points: int
    needed: int
    since: datetime | None = None

    @property
    def is_fall(self) -> bool:
        """Whether it leads down."""
        return self.tier.rank < self.before.rank

    def details(self) -> dict[str, object]:
        """What the history keeps of it."""
        if not self.is_fall:
            return {"status_points": self.points, "threshold": self.needed}
        return {
            "status_points": self.points,
            "keep": self.needed,
            "policy": self.before.downgrade,
            "since": self.since.isoformat() if self.since else None,
        }


class Ladder:
    """The tiers, the lowest first, and the calendar by which they are judged."""

    def __init__(self, tiers: Sequence[Tier], program: Program) -> None:
        self.tiers = sorted(tiers, key=lambda tier: tier.rank)
        self.lowest = self.tiers[0]
        self.by_id = {tier.pk: tier for tier in self.tiers}
        self.by_code = {tier.code: tier for tier in self.tiers}
        self.zone = program.zone
        self.rules = expiry.rules(program, "status")
        self.is_yearly = program.status_expiry_policy == Program.ExpiryPolicy.FIXED_DATE

    @staticmethod
    def keep(tier: Tier) -> int:
        """The status points that keep a tier."""
        return tier.threshold if tier.retain_threshold is None else tier.retain_threshold

    def may_fall(self, tier: Tier) -> bool:
        """Whether a tier can be lost by a lapse at all."""
        return tier.downgrade != Tier.Downgrade.NONE and tier.rank > self.lowest.rank

    def below(self, tier: Tier) -> Tier:
        """The next lower tier."""
        return [each for each in self.tiers if each.rank < tier.rank][-1]

    def next_above(self, tier: Tier) -> Tier | None:
        """The next higher tier; None at the top."""
        return next((each for each in self.tiers if each.rank > tier.rank), None)

    def window_end(self, moment: datetime) -> datetime:
        """When status points of this moment lapse."""
        return self.rules.lapse_at(moment) or NEVER

    def stands_until(self, moment: datetime) -> datetime:
        """How long a tier reached at a moment stands whatever happens: to the end of the next fixed period."""
        return self.window_end(self.window_end(moment))

    def grace_end(self, tier: Tier, lapse: datetime) -> datetime:
        """Until when a tier can be kept after a lapse."""
        if not tier.grace_days:
            return lapse
        day = lapse.astimezone(self.zone).date() + timedelta(days=tier.grace_days)
        return expiry.end_of_local_day(day, self.zone)
