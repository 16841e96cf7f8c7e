"""The friends that a member has brought: how far each has come, and what that was worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from campaigns import queries, running
from campaigns.models import Campaign, Conversion
from campaigns.occasions import REFERRAL
from campaigns.offers import Offer, Offers
from members.models import Member

ENROLLED, WAITING, PENDING, PAID, CAPPED, TAKEN_BACK = (
    "enrolled",
    "waiting",
    "pending",
    "paid",
    "capped",
    "taken_back",
)
SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Friend:
    """One who joined: the name as others may see it, how far it has come, the points for the referrer.

    `until`: when pending points become usable.
    """

    name: str
    enrolled_at: datetime
    state: str
    points: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A member's friends, the newest first, with the sums of this month and in all; `cap`: points a month at most."""

    friends: Sequence[Friend]
    count: int
    earned_this_month: int
    earned: int
    cap: int | None


def referral_offers(offers: Offers) -> list[Offer]:
    """The campaigns that pay for friends now."""
    return [each for each in offers.running if each.rule.trigger == REFERRAL]


def pays_referrer(campaign: Campaign) -> bool:
    """Whether who brings a friend gets something."""
    return campaign.effect.get("to", "both") in ("both", "referrer")


def pays_referee(campaign: Campaign) -> bool:
    """Whether the friend gets something."""
    return campaign.effect.get("to", "both") in ("both", "referee")


def circle(offers: Offers) -> Circle:
    """The friends of a member, fifty of them; four queries beside the offers'."""
    member, at = offers.member, offers.at
    brought = queries.brought_by(member)
    shown = list(brought[:SHOWN])
    of_friend: dict[int, list[Conversion]] = {}
    for each in queries.conversions_of(referrer=member).filter(referee__in=shown):
        of_friend.setdefault(each.referee_id, []).append(each)
    month = offers.occasion.day.replace(day=1)
    earned, earned_this_month = queries.earned_by_friends(referrer=member, since=month)
    campaigns = [each.campaign for each in referral_offers(offers)]
    paying = any(pays_referrer(each) for each in campaigns)
    return Circle(
        friends=[
            _friend(each, of_friend.get(each.pk, []), at, is_paid_for=paying) for each in shown
        ],
        count=brought.count(),
        earned_this_month=earned_this_month,
        earned=earned,
        cap=_cap(campaigns),
    )


def _friend(
    member: Member, conversions: Sequence[Conversion], at: datetime, *, is_paid_for: bool
) -> Friend:
    mine = [each for each in conversions if pays_referrer(each.campaign)]
    standing = [each for each in mine if each.reversed_at is None]
    points = sum(each.referrer_points for each in standing)
    until = max((each.active_from for each in standing), default=None)
    return Friend(
        name=member.masked_name,
        enrolled_at=member.enrolled_at,
        state=_state(mine, points, until, at) if mine else WAITING if is_paid_for else ENROLLED,
        points=points,
        until=until,
    )


def _state(
    conversions: Sequence[Conversion], points: int, until: datetime | None, at: datetime
) -> str:
    if all(each.reversed_at is not None for each in conversions):
        return TAKEN_BACK
    if not points:
        return CAPPED
    return PENDING if until is not None and until > at else PAID


def _cap(campaigns: Sequence[Campaign]) -> int | None:
    """What a member can get for friends in a month, where every campaign that pays has a limit of that kind."""
    limits = [each.limits.get("per_member_per_month") for each in campaigns if pays_referrer(each)]
    known = [int(each) for each in limits if each is not None]
    return sum(known) if known and len(known) == len(limits) else None


def invitation(at: datetime) -> Sequence[Campaign]:
    """What a friend who joins now is promised: the public campaigns that pay the friend."""
    found = running.active_campaigns(triggers=[REFERRAL], since=at, until=at)
    return [each for each in found if each.is_public and pays_referee(each)]


def promised(campaigns: Sequence[Campaign]) -> int:
    """The points that these campaigns pay to one side, together."""
    return sum(int(each.effect["points"]) for each in campaigns)
