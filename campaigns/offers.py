"""The campaigns that members are shown, as one member meets them: what runs, what is coming, and "am I in?"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db.models import Sum

from campaigns import judging, queries
from campaigns.judging import Judge
from campaigns.models import Campaign, CampaignAward
from campaigns.occasions import ORDER, Occasion, of_act
from campaigns.rules import Rule
from loyalty.models import Program
from members.models import Member

#: Conditions on the member, as against those on an order or an act: "am I in?" is about them.
PERSONAL = (
    "tiers",
    "segments",
    "percentage",
    "enrolled_within_days",
    "birthday_month",
    "first_order",
    "every_nth_order",
    "after_spend",
    "period_sum",
    "period_count",
)
#: For whom a campaign is chosen by the shop: nobody else has to see it.
CHOSEN = ("segments", "percentage")
#: What may still come true by what the member does; the others are as they are.
REACHABLE = ("every_nth_order", "after_spend", "period_sum", "period_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A condition on the member: what it expects, what is seen now, whether it holds."""

    name: str
    expected: Any
    seen: Any
    is_met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A campaign with its rule and the member's chances; `is_in`: nothing that cannot change is in the way."""

    campaign: Campaign
    rule: Rule
    is_running: bool
    chances: Sequence[Chance]
    given: Mapping[date, int]

    @property
    def is_in(self) -> bool:
        """Whether the member takes part as things stand."""
        return all(each.is_met for each in self.chances if each.name not in REACHABLE)

    @property
    def is_chosen(self) -> bool:
        """Whether the shop has chosen the members it is for."""
        return any(each.name in CHOSEN for each in self.chances)


class Offers:
    """All that a member is shown, read once in a fixed number of queries."""

    def __init__(self, *, member: Member, at: datetime, program: Program) -> None:
        self.member = member
        self.at = at
        self.program = program
        self.campaigns = list(queries.shown_to_members(at))
        self.judge = Judge([judging.rule_of(each) for each in self.campaigns])
        self.occasion = of_act(
            trigger=ORDER,
            at=at,
            member=member,
            zone=program.zone,
            history=self.judge.past,
            data={},
        )
        self.judge.load(occasions=[self.occasion], lock=False)
        self.given = self._given()

    @cached_property
    def all(self) -> list[Offer]:
        """Every campaign that is for everybody or for this member too."""
        found = [
            self._offer(campaign, rule)
            for campaign, rule in zip(self.campaigns, self.judge.rules, strict=True)
        ]
        return [
            offer
            for offer in found
            if all(each.is_met for each in offer.chances if each.name in CHOSEN)
        ]

    @property
    def running(self) -> list[Offer]:
        """What runs now, the first to end first."""
        return [each for each in self.all if each.is_running]

    @property
    def coming(self) -> list[Offer]:
        """What is still to come, the first to start first."""
        found = [each for each in self.all if not each.is_running]
        return sorted(found, key=lambda each: (each.rule.starts_at or self.at, each.rule.id))

    def one(self, code: str) -> Offer | None:
        """The offer with this code; None where there is none for the member."""
        return next((each for each in self.all if each.campaign.code == code), None)

    def _offer(self, campaign: Campaign, rule: Rule) -> Offer:
        return Offer(
            campaign=campaign,
            rule=rule,
            is_running=rule.holds(self.at),
            chances=chances(rule, self.occasion),
            given=self.given.get(rule.id, {}),
        )

    def _given(self) -> dict[int, dict[date, int]]:
        """How often each campaign has given something to the member, by program day."""
        found = CampaignAward.objects.filter(
            member=self.member, campaign__in=[each.pk for each in self.campaigns]
        )
        sums: dict[int, dict[date, int]] = {}
        for campaign, day, points, status_points, pieces in (
            found.values_list("campaign_id", "day")
            .annotate(Sum("points"), Sum("status_points"), Sum("pieces"))
            .order_by("campaign_id", "day")
        ):
            sums.setdefault(campaign, {})[day] = points + status_points + pieces
        return sums


def chances(rule: Rule, occasion: Occasion) -> list[Chance]:
    """The rule's conditions on the member, as they stand."""
    return [
        Chance(
            name=check.name,
            expected=check.expected,
            seen=check.seen(occasion),
            is_met=check.test(occasion),
        )
        for check in rule.checks
        if check.name in PERSONAL
    ]
