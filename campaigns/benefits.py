"""What tiers give by themselves: each benefit once per period, when the tier is reached and when a period begins."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns import anniversaries, periods
from campaigns.models import BenefitGrant
from loyalty import awarding, ledger, programs
from loyalty.awarding import Award
from members import benefits
from members import queries as member_queries
from members.benefits import BIRTHDAY_GIFT, Benefit
from members.models import Member, Tier
from members.transactions import in_transaction
from rewards import giving
from rewards.giving import Gift
from rewards.models import Voucher


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One benefit of one tier for one period; `birthdays` narrows it to members born on these (month, day)."""

    tier: Tier
    benefit: Benefit
    period: str
    birthdays: Sequence[tuple[int, int]] | None = None
    before: datetime | None = None

    @property
    def reference(self) -> str:
        """The reference of what it gives: once for ever."""
        return f"benefit/{self.benefit.code}/{self.period}"


@dataclass(frozen=True, slots=True)
class Given:
    """What a member has of a benefit in its current period; `used` and `left` are pieces of a reward."""

    granted_at: datetime
    used: int = 0
    left: int = 0


def reached(*, members: Collection[int], at: datetime) -> int:
    """Give members (ids) who have just reached a tier what it gives for the period that now is; returns how many gifts.

    In the caller's transaction, with its wallets no longer used. Birthday gifts wait for the birthday.
    """
    given = 0
    for turn in turns(at=at):
        if turn.birthdays is None:
            waiting = _waiting(turn, at).filter(pk__in=members)
            given += _give(turn, list(waiting.values_list("pk", flat=True)), at)
    return given


def keep(*, at: datetime, limit: int = 500) -> int:
    """Give every benefit of every tier to whoever has not had it in the period that now is; returns how many gifts.

    Set by set, each in a transaction of its own: safe to run twice, killed, or by two workers.
    """
    given = 0
    for turn in turns(at=at):
        last = 0
        while not _is_sold_out(turn) and (
            found := list(
                _waiting(turn, at).filter(pk__gt=last).values_list("pk", flat=True)[:limit]
            )
        ):
            given += in_transaction(partial(_give, turn, found, at))
            # What could not be given (no stock) waits for the next time.
            last = found[-1]
    return given


def _is_sold_out(turn: Turn) -> bool:
    """Whether there is nothing to hand out: then nobody's wallet need be locked for it."""
    code = turn.benefit.reward
    return code is not None and giving.stock_of(codes=[code], lock=False).get(code, 1) <= 0


def turns(*, at: datetime) -> list[Turn]:
    """What is to be given now: benefits with something to give, each for the period of the program's day."""
    day = at.astimezone(programs.current().zone).date()
    return [
        turn
        for tier in member_queries.tiers()
        for benefit in benefits.of_tier(tier)
        if benefit.is_given
        for turn in _turns_of(tier, benefit, day)
    ]


def _turns_of(tier: Tier, benefit: Benefit, day: date) -> Iterable[Turn]:
    if benefit.kind != BIRTHDAY_GIFT:
        yield Turn(tier=tier, benefit=benefit, period=periods.name_of(benefit.period, day))
        return
    zone = programs.current().zone
    # Given on the birthday (once a year whatever is said), made up for where nights were missed.
    for back in range(anniversaries.DAYS_BACK, -1, -1):
        birthday = day - timedelta(days=back)
        yield Turn(
            tier=tier,
            benefit=benefit,
            period=str(birthday.year),
            birthdays=anniversaries.born_on(birthday),
            before=periods.starts_at(birthday, zone),
        )


def _waiting(turn: Turn, at: datetime) -> QuerySet[Member]:
    """Who holds the tier now and has not had the benefit for the period, whichever tier gave it."""
    had = BenefitGrant.objects.filter(
        member=OuterRef("pk"), benefit=turn.benefit.code, period=turn.period
    )
    found = Member.objects.filter(
        # Whose fall is due already waits until it is written.
        Q(tier_review_at=None) | Q(tier_review_at__gt=at),
        ~Exists(had),
        tier=turn.tier,
    ).exclude(status=Member.Status.CLOSED)
    if turn.birthdays is not None:
        born = Q()
        for month, day in turn.birthdays:
            born |= Q(birthday__month=month, birthday__day=day)
        found = found.filter(born, enrolled_at__lt=turn.before)
    return found.order_by("pk")


# ---- giving ---------------------------------------------------------------------------------------
def _give(turn: Turn, members: Sequence[int], at: datetime) -> int:
    if not members:
        return 0
    ledger.lock(members=members, at=at)
    # As it is under the lock: another worker may have been here.
    still = list(_waiting(turn, at).filter(pk__in=members).values_list("pk", flat=True))
    grants = [
        BenefitGrant(
            member_id=member,
            tier=turn.tier,
            benefit=turn.benefit.code,
            period=turn.period,
            points=turn.benefit.points or 0,
            at=at,
        )
        for member in still
    ]
    if turn.benefit.points:
        awarding.award_all(awards=[_award(turn, member, at) for member in still], at=at)
    else:
        grants = _handed_out(turn, grants, at)
    BenefitGrant.objects.bulk_create(grants)
    return len(grants)


def _award(turn: Turn, member: int, at: datetime) -> Award:
    points = turn.benefit.points or 0
    return Award(
        member=member,
        points=points,
        reference=turn.reference,
        at=at,
        details={
            "title": turn.benefit.name,
            "benefit": turn.benefit.code,
            "tier": turn.tier.name,
        },
        explanation=[{"rule": "benefit", "kind": "bonus", "points": points}],
    )


def _handed_out(turn: Turn, grants: list[BenefitGrant], at: datetime) -> list[BenefitGrant]:
    """Make the vouchers; the grants that got one: there is no such reward for the others, or no stock."""
    assert turn.benefit.reward is not None
    gifts = [
        Gift(
            member=grant.member_id,
            reward=turn.benefit.reward,
            pieces=1,
            reference=turn.reference,
            title=turn.benefit.name,
        )
        for grant in grants
    ]
    for grant, made in zip(grants, giving.give_all(gifts=gifts, at=at), strict=True):
        grant.redemption = made
    return [grant for grant in grants if grant.redemption is not None]


# ---- for people -----------------------------------------------------------------------------------
def given(*, member: Member, tier: Tier, at: datetime) -> Mapping[str, Given]:
    """What a member has had of a tier's benefits in their current periods, by the benefit's code."""
    day = at.astimezone(programs.current().zone).date()
    wanted = {
        benefit.code: periods.name_of(
            "year" if benefit.kind == BIRTHDAY_GIFT else benefit.period, day
        )
        for benefit in benefits.of_tier(tier)
        if benefit.is_given
    }
    if not wanted:
        return {}
    grants = [
        grant
        for grant in BenefitGrant.objects.filter(member=member, benefit__in=wanted).order_by("id")
        if grant.period == wanted[grant.benefit]
    ]
    pieces = _pieces([grant.redemption_id for grant in grants if grant.redemption_id], at)
    return {
        grant.benefit: Given(grant.at, *pieces.get(grant.redemption_id or 0, (0, 0)))
        for grant in grants
    }


def _pieces(redemptions: Sequence[int], at: datetime) -> dict[int, tuple[int, int]]:
    """(used, still usable) vouchers by redemption; no query without one."""
    counted: dict[int, tuple[int, int]] = {}
    if not redemptions:
        return counted
    rows: Any = Voucher.objects.filter(redemption__in=redemptions).order_by("id")
    for redemption, state, expires_at in rows.values_list("redemption", "state", "expires_at"):
        used, left = counted.get(redemption, (0, 0))
        is_open = state in {Voucher.State.ACTIVE, Voucher.State.INACTIVE}
        is_left = is_open and (expires_at is None or expires_at > at)
        counted[redemption] = (used + (state == Voucher.State.USED), left + is_left)
    return counted
