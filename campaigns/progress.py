"""Tasks and challenges: what there is to do for points, how far a member has come, when it begins again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns import effects, periods
from campaigns.models import Campaign
from campaigns.occasions import (
    ANNIVERSARY,
    BIRTHDAY,
    CHECK_IN,
    ENROLLED,
    ORDER,
    PROFILE_COMPLETED,
    REFERRAL,
    TIER_UPGRADED,
)
from campaigns.offers import Offer, Offers
from campaigns.rules import Rule
from campaigns.streaks import A_DAY

OPEN, DONE, CLAIMED = "open", "done", "claimed"

#: These have pages of their own, or come by themselves.
NO_TASKS = frozenset({CHECK_IN, REFERRAL, BIRTHDAY, ANNIVERSARY, TIER_UPGRADED})
#: What happens once in a membership.
ONCE = frozenset({ENROLLED, PROFILE_COMPLETED})

_ACTS = """
SELECT n.type, n.starts_at, count(a.id)
FROM unnest(%s::text[], %s::timestamptz[]) AS n (type, starts_at)
JOIN campaigns_act a ON a.member_id = %s AND a.type = n.type AND a.at >= n.starts_at
    AND NOT (a.type = 'check_in' AND a.reference LIKE 'check-in/%%/%%')
GROUP BY n.type, n.starts_at"""

Counts = Mapping[tuple[str, datetime], int]

_LIMITS = {
    "ever": "per_member",
    "day": "per_member_per_day",
    "month": "per_member_per_month",
}
# What one time is worth hangs on what was reported: times cannot be counted from points.
_UNEVEN = (effects.PER_AMOUNT, effects.PER_UNIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to do up to a goal, in a period ("" for none) that begins again on a day.

    `state`: open; done (the goal is reached, nothing came of it); claimed (it was given). `goal` None: as often as one
    likes. An amount of money where `is_money`.
    """

    offer: Offer
    done: Decimal
    goal: Decimal | None
    period: str
    again_on: date | None
    ends_at: datetime | None
    state: str
    is_money: bool = False

    @property
    def campaign(self) -> Campaign:
        """The campaign that gives something for it."""
        return self.offer.campaign

    @property
    def share(self) -> Decimal:
        """How much of the way to the goal is done, from 0 to 1."""
        return self.done / self.goal if self.goal else Decimal(0)

    @property
    def is_challenge(self) -> bool:
        """Whether it takes more than one step."""
        return self.goal is not None and self.goal > 1


def tasks(offers: Offers) -> Sequence[Task]:
    """What a member can do now, the nearest to its goal first; then what was given already. One query beside the offers'."""
    found = [each for each in offers.running if _is_task(each.rule) and each.is_in]
    counts = _acts_in(offers, found)
    made = [_task(offer, offers, counts) for offer in found]
    order = {OPEN: 0, DONE: 1, CLAIMED: 2}
    return sorted(made, key=lambda each: (order[each.state], -each.share, each.offer.rule.id))


def has_own_page(rule: Rule) -> bool:
    """Whether a campaign is shown elsewhere: with the tasks, the calendar or the friends."""
    return rule.trigger in {CHECK_IN, REFERRAL} or _is_task(rule)


def _is_task(rule: Rule) -> bool:
    if rule.trigger in NO_TASKS:
        return False
    return rule.trigger != ORDER or _goal_of(rule) is not None


def _goal_of(rule: Rule) -> tuple[str, Mapping[str, Any]] | None:
    """The condition that asks for so many, or so much, in a period."""
    for check in rule.checks:
        if check.name in ("period_sum", "period_count"):
            return check.name, check.expected
    return None


def _period_of(rule: Rule) -> str:
    """The period in which a task counts: of its goal, else of its limits, else ever; "" without end."""
    goal = _goal_of(rule)
    if goal is not None:
        return str(goal[1]["period"])
    if rule.trigger in ONCE or "per_member" in rule.limits:
        return "ever"
    for name, period in (("per_member_per_day", "day"), ("per_member_per_month", "month")):
        if name in rule.limits:
            return period
    return ""


def _acts_in(offers: Offers, found: Sequence[Offer]) -> Counts:
    """How often the member did what goals are about, in the periods that they name."""
    asked = {
        (offer.rule.trigger, _start(_period_of(offer.rule), offers))
        for offer in found
        if offer.rule.trigger != ORDER and _goal_of(offer.rule) is not None
    }
    if not asked:
        return {}
    types, starts = zip(*sorted(asked), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_ACTS, [list(types), list(starts), offers.member.pk])
        return {(row[0], row[1]): row[2] for row in cursor.fetchall()}


def _start(period: str, offers: Offers) -> datetime:
    return periods.starts_at(periods.first_day(period, offers.occasion.day), offers.program.zone)


def _task(offer: Offer, offers: Offers, counts: Counts) -> Task:
    period = _period_of(offer.rule)
    goal = _goal_of(offer.rule)
    today = offers.occasion.day
    again_on = periods.next_first_day(period, today) if period else None
    done, wanted = _steps(offer, offers, counts, period)
    first = periods.first_day(period, today) if period else today
    given = sum(points for day, points in offer.given.items() if day >= first)
    is_reached = wanted is not None and done >= wanted
    return Task(
        offer=offer,
        done=done if wanted is None else min(done, wanted),
        goal=wanted,
        period=period,
        again_on=again_on,
        ends_at=_end(offer, again_on, offers),
        state=OPEN if not is_reached else CLAIMED if given else DONE,
        is_money=goal is not None and goal[0] == "period_sum",
    )


def _steps(
    offer: Offer, offers: Offers, counts: Counts, period: str
) -> tuple[Decimal, Decimal | None]:
    """How far it has come, and the goal."""
    goal = _goal_of(offer.rule)
    if goal is None:
        return _times(offer, period, offers.occasion.day)
    name, wanted = goal
    start = _start(period, offers)
    number, amount = offers.judge.past.in_period(offers.member.pk, period, start)
    if name == "period_sum":
        return amount, Decimal(str(wanted["amount"]))
    if offer.rule.trigger != ORDER:
        number = counts.get((offer.rule.trigger, start), 0)
    return Decimal(number), Decimal(wanted.get("orders") or wanted.get("events") or 1)


def _times(offer: Offer, period: str, today: date) -> tuple[Decimal, Decimal | None]:
    """How often it was given in the period, and how often its limits let it be."""
    each = effects.one_award(offer.rule.effect)
    first = periods.first_day(period, today) if period else date.min
    given = sum(points for day, points in offer.given.items() if day >= first)
    if offer.rule.trigger in ONCE:
        return Decimal(bool(given)), Decimal(1)
    limit = offer.rule.limits.get(_LIMITS.get(period, ""))
    if not each or limit is None or offer.rule.effect["type"] in _UNEVEN:
        return Decimal(0), None
    return Decimal(-(-given // each)), Decimal(max(1, limit // each))


def _end(offer: Offer, again_on: date | None, offers: Offers) -> datetime | None:
    """When the period, or the campaign, is over: whichever comes first. That a day ends needs no saying."""
    is_daily = again_on == offers.occasion.day + A_DAY
    ends = (
        [] if again_on is None or is_daily else [periods.starts_at(again_on, offers.program.zone)]
    )
    ends += [offer.rule.ends_at] if offer.rule.ends_at is not None else []
    return min(ends) if ends else None
