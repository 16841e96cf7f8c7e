"""Questions about what campaigns have given; each is bounded, however long the table of awards is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection
from django.db.models import Count, Max, QuerySet, Sum

from campaigns.models import Campaign, CampaignAward

# In lists so many of a campaign's latest awards are added up; what was given before makes it "more than".
MOST_SUMMED = 5_000
# On a campaign's page so many days are looked at, up to the last on which it gave something.
DAYS = 92

_LATEST_SUMS = """
SELECT campaign.id, summed.points, summed.awards
FROM unnest(%(campaigns)s::bigint[]) AS campaign (id)
CROSS JOIN LATERAL (
    SELECT COALESCE(SUM(latest.points), 0)::bigint AS points, COUNT(*) AS awards
    FROM (
        SELECT award.points FROM campaigns_campaignaward AS award
        WHERE award.campaign_id = campaign.id
        ORDER BY award.day DESC
        LIMIT %(most)s
    ) AS latest
) AS summed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """Points that a campaign has given; `is_more`: older awards are not added up, so that it is more than that."""

    points: int
    is_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a campaign gave on one program day."""

    day: date
    points: int
    status_points: int
    pieces: int
    cut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a campaign gave in the days from `since`, by day (days without anything left out), and to how many.

    `is_all`: it has given nothing before. `since` is None when it has given nothing at all.
    """

    since: date | None = None
    days: Sequence[Day] = ()
    members: int = 0
    orders: int = 0
    acts: int = 0
    is_all: bool = True

    @property
    def points(self) -> int:
        """Points given, after the limits."""
        return sum(each.points for each in self.days)

    @property
    def status_points(self) -> int:
        """Status points given, after the limits."""
        return sum(each.status_points for each in self.days)

    @property
    def pieces(self) -> int:
        """Rewards and draw tickets given."""
        return sum(each.pieces for each in self.days)

    @property
    def cut(self) -> int:
        """What limits and budget kept back."""
        return sum(each.cut for each in self.days)


def so_far(*, campaigns: Collection[int]) -> dict[int, SoFar]:
    """What each of these campaigns has given so far, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST_SUMS, {"campaigns": list(campaigns), "most": MOST_SUMMED})
        return {
            key: SoFar(points=points, is_more=awards == MOST_SUMMED)
            for key, points, awards in cursor.fetchall()
        }


def outcome(*, campaign: Campaign) -> Outcome:
    """What a campaign gave in the last days on which it gave anything: four queries."""
    awards = CampaignAward.objects.filter(campaign=campaign)
    last: date | None = awards.aggregate(last=Max("day"))["last"]
    if last is None:
        return Outcome()
    since = last - timedelta(days=DAYS - 1)
    recent = awards.filter(day__gte=since)
    counted = recent.aggregate(
        members=Count("member", distinct=True),
        orders=Count("order", distinct=True),
        acts=Count("act", distinct=True),
    )
    return Outcome(
        since=since,
        days=_by_day(recent),
        is_all=not awards.filter(day__lt=since).exists(),
        **counted,
    )


def _by_day(awards: QuerySet[CampaignAward]) -> list[Day]:
    names = ("points", "status_points", "pieces", "cut")
    sums = [Sum(name) for name in names]
    rows = awards.values_list("day").annotate(*sums).order_by("day")
    return [
        Day(day=day, points=points, status_points=status, pieces=pieces, cut=cut)
        for day, points, status, pieces, cut in rows
    ]


def latest(*, campaign: Campaign, most: int) -> QuerySet[CampaignAward]:
    """The awards of the last days, the newest first."""
    awards = CampaignAward.objects.filter(campaign=campaign).select_related(
        "member", "order", "act"
    )
    return awards.order_by("-day", "-id")[:most]
