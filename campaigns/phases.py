"""Where a campaign stands in the eyes of people: its state seen together with its window and who was asked."""

from datetime import datetime

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign

State = Campaign.State


class Phase(TextChoices):
    """What the state and the window come to at a moment."""

    DRAFT = "draft", _("Draft")
    WAITING = "waiting", _("Waiting for approval")
    SCHEDULED = "scheduled", _("Scheduled")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    ENDED = "ended", _("Ended")


def phase_of(campaign: Campaign, at: datetime) -> Phase:
    """Where the campaign stands at a moment; an active one whose window is over has ended."""
    if campaign.state == State.ACTIVE:
        if campaign.ends_at is not None and campaign.ends_at <= at:
            return Phase.ENDED
        is_to_come = campaign.starts_at is not None and at < campaign.starts_at
        return Phase.SCHEDULED if is_to_come else Phase.RUNNING
    if campaign.state == State.ENDED:
        return Phase.ENDED
    if is_waiting(campaign):
        return Phase.WAITING
    return Phase(campaign.state)


def is_waiting(campaign: Campaign) -> bool:
    """Whether a second person was asked and has not decided yet."""
    return bool(campaign.requested_by) and not campaign.approved_by


def those_in(*, campaigns: QuerySet[Campaign], phase: Phase, at: datetime) -> QuerySet[Campaign]:
    """The campaigns that stand there at a moment."""
    waiting = Q(state__in=[State.DRAFT, State.PAUSED], approved_by="") & ~Q(requested_by="")
    active = Q(state=State.ACTIVE)
    over, coming = Q(ends_at__isnull=False, ends_at__lte=at), Q(starts_at__gt=at)
    asked = {
        Phase.DRAFT: Q(state=State.DRAFT) & ~waiting,
        Phase.WAITING: waiting,
        Phase.SCHEDULED: active & coming & ~over,
        Phase.RUNNING: active & ~coming & ~over,
        Phase.PAUSED: Q(state=State.PAUSED) & ~waiting,
        Phase.ENDED: Q(state=State.ENDED) | (active & over),
    }
    return campaigns.filter(asked[phase])
