"""Which campaigns are in force, and whom they have paid for: questions of the engine."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from campaigns.models import Campaign, CampaignVersion, Conversion


def active_campaigns(
    *, triggers: Collection[str], since: datetime, until: datetime
) -> QuerySet[Campaign]:
    """Active campaigns with one of these triggers whose window meets the time from `since` to `until`."""
    return Campaign.objects.filter(
        Q(starts_at=None) | Q(starts_at__lte=until),
        Q(ends_at=None) | Q(ends_at__gt=since),
        state=Campaign.State.ACTIVE,
        trigger__in=triggers,
    ).order_by("id")


def waiting_for(*, triggers: Collection[str], since: datetime, until: datetime) -> list[str]:
    """Which of the triggers some active campaign waits for in that time; one question."""
    found = active_campaigns(triggers=triggers, since=since, until=until)
    return sorted(set(found.order_by().values_list("trigger", flat=True)))


def version_in_force(*, triggers: Collection[str], at: datetime) -> QuerySet[CampaignVersion]:
    """What every campaign with one of these triggers said at a moment of posting, the newest version of each."""
    return (
        CampaignVersion.objects.filter(at__lte=at, content__trigger__in=list(triggers))
        .order_by("campaign_id", "-number")
        .distinct("campaign_id")
    )


def converted(*, referees: Collection[int]) -> set[tuple[int, int]]:
    """(campaign, referee) of the referrals that were paid for already."""
    found = Conversion.objects.filter(referee__in=referees).order_by("id")
    return set(found.values_list("campaign_id", "referee_id"))
