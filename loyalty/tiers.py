"""Which tier a member holds, held at a moment, and reaches: up at once, walked in business time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_UP, Decimal

from django.db import connection

from loyalty import queries
from loyalty.models import Program
from members import queries as member_queries
from members.models import Member, Tier, TierChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member's tier with its progress; `needed` are the status points still missing to `next_tier`."""

    tier: Tier
    status_points: int
    valid_until: datetime | None
    next_tier: Tier | None
    needed: int | None


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
class Step:
    """A tier reached at a moment."""

    at: datetime
    before: Tier
    tier: Tier
    status_points: int


@dataclass(slots=True)
class Walk:
    """One member's tier history while a batch of orders is walked.

    `credits` may be left empty as long as the member's lifetime status cannot reach the next tier (`lifetime` is
    that upper bound); `load_walks` sees to it.
    """

    tiers: Sequence[Tier]
    history: list[tuple[datetime, Tier]]
    lifetime: int
    credits: list[StatusCredit] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def held_at(self, moment: datetime) -> Tier:
        """The tier held at a moment: the highest one reached by then."""
        held = [tier for at, tier in self.history if at <= moment]
        return max(held, key=_rank, default=self.tiers[0])

    def add(self, credit: StatusCredit) -> None:
        """Count a credit, and note the tiers it lets the member reach, at the moments they are reached.

        A credit that arrives late may lift the sum at later credits too, so those moments are looked at as well.
        """
        self.credits.append(credit)
        self.lifetime += credit.points
        if self.lifetime < self.next_threshold(credit.active_from):
            return
        later = sorted(
            other.active_from
            for other in self.credits
            if other.active_from > credit.active_from and credit.counts_at(other.active_from)
        )
        for moment in [credit.active_from, *later]:
            self._reach(moment)

    def _reach(self, moment: datetime) -> None:
        status = sum(credit.points for credit in self.credits if credit.counts_at(moment))
        reached = max((tier for tier in self.tiers if tier.threshold <= status), key=_rank)
        held = self.held_at(moment)
        if reached.rank > held.rank:
            self.steps.append(Step(moment, held, reached, status))
            self.history.append((moment, reached))

    def next_threshold(self, moment: datetime) -> float:
        """The lowest threshold above the tier held at a moment; infinity at the top."""
        rank = self.held_at(moment).rank
        return min(
            (tier.threshold for tier in self.tiers if tier.rank > rank), default=float("inf")
        )

    def highest(self) -> Tier:
        """The highest tier reached so far."""
        return max((tier for _, tier in self.history), key=_rank, default=self.tiers[0])


def _rank(tier: Tier) -> int:
    return tier.rank


# The status lots of members as credits, whether lapsed or not; status points are never spent, so what refunds took
# is what is neither left nor lapsed, or was forgiven because it had lapsed. OFFSET 0 keeps the planner from joining the
# other way round where it knows nothing of the tables yet.
_STATUS_CREDITS = """
SELECT w.member_id, l.active_from, l.expires_at, l.remaining + l.lapsed - l.forgiven
FROM loyalty_wallet w JOIN loyalty_pointtype t ON t.id = w.point_type_id AND t.code = 'status'
CROSS JOIN LATERAL (
    SELECT id FROM loyalty_entry WHERE wallet_id = w.id AND kind = 'earn' OFFSET 0
) e
CROSS JOIN LATERAL (SELECT * FROM loyalty_lot WHERE entry_id = e.id OFFSET 0) l
WHERE w.member_id = ANY(%s) AND (l.expires_at IS NULL OR l.expires_at > %s)"""


def load_walks(
    *, expected: dict[int, int], lifetimes: dict[int, int], since: datetime
) -> dict[int, Walk]:
    """Tier histories of members (ids) for a batch whose first order was placed at `since`.

    `expected` is at least the status points that the batch gives each member, `lifetimes` what each has earned
    before. Two or three queries whatever the number of members.
    """
    tiers = member_queries.tiers()
    by_id = {tier.pk: tier for tier in tiers}
    walks = {member: Walk(tiers, [], lifetimes[member]) for member in expected}
    changes = TierChange.objects.filter(member__in=list(expected)).order_by("at", "id")
    for member_id, at, tier_id in changes.values_list("member_id", "at", "tier_id"):
        walks[member_id].history.append((at, by_id[tier_id]))
    close = [
        member
        for member, walk in walks.items()
        if walk.lifetime + expected[member] >= walk.next_threshold(since)
    ]
    if close:
        with connection.cursor() as cursor:
            cursor.execute(_STATUS_CREDITS, [close, since])
            for member_id, active_from, expires_at, points in cursor.fetchall():
                if points:
                    walks[member_id].credits.append(StatusCredit(active_from, expires_at, points))
    return walks


def record(*, walks: dict[int, Walk]) -> None:
    """Write the steps of walked members: history rows and the tier on the member."""
    changes = [
        TierChange(
            member_id=member_id,
            before=step.before,
            tier=step.tier,
            at=step.at,
            reason=TierChange.Reason.REACHED,
            details={"status_points": step.status_points, "threshold": step.tier.threshold},
        )
        for member_id, walk in walks.items()
        for step in walk.steps
    ]
    if not changes:
        return
    TierChange.objects.bulk_create(changes)
    lifted: dict[int, list[int]] = {}
    for member_id, walk in walks.items():
        if walk.steps:
            lifted.setdefault(walk.highest().pk, []).append(member_id)
    for tier_id, members in lifted.items():
        Member.objects.filter(pk__in=members).update(tier_id=tier_id)


def standing(*, member: Member, at: datetime) -> Standing:
    """The member's tier, how long the status behind it lasts, and what the next tier needs."""
    lots = queries.lots_of(member=member, at=at, type_code="status")
    status_points = sum(lot.remaining for lot in lots if not lot.is_pending)
    next_tier = member_queries.next_tier(member.tier)
    return Standing(
        tier=member.tier,
        status_points=status_points,
        valid_until=_valid_until(member.tier, status_points, lots),
        next_tier=next_tier,
        needed=None if next_tier is None else max(0, next_tier.threshold - status_points),
    )


def _valid_until(
    tier: Tier, status_points: int, lots: Iterable[queries.OpenLot]
) -> datetime | None:
    """When enough status points lapse that the sum no longer reaches the tier; None when it never does."""
    if not tier.threshold or status_points < tier.threshold:
        return None
    left = status_points
    for lot in lots:
        left -= lot.remaining
        if left < tier.threshold:
            return lot.expires_at
    return None


def money_to(*, needed: int, program: Program) -> Decimal | None:
    """What a member still has to spend for `needed` status points, rounded up to cents; None without a rate."""
    if not program.status_rate:
        return None
    return (needed / program.status_rate).quantize(Decimal("0.01"), ROUND_UP)
