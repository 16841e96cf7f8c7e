"""Questions about replays: background jobs whose parameters say of which campaign, with which content."""

from datetime import datetime

from django.db.models import QuerySet

from loyalty.models import Order
from members.models import Job

KIND = "replay"


def replays(code: str) -> QuerySet[Job]:
    """The replays of a campaign, the newest first."""
    return Job.objects.filter(kind=KIND, parameters__campaign=code).order_by("-id")


def newest_order_at() -> datetime | None:
    """When the latest order was placed."""
    placed = Order.objects.order_by("-placed_at", "-id").values_list("placed_at", flat=True)
    return placed.first()


def newest_done(limit: int = 200) -> QuerySet[Job]:
    """The newest replays, of whatever campaign, that have come to a result."""
    return Job.objects.filter(kind=KIND, state=Job.State.DONE).order_by("-id")[:limit]
