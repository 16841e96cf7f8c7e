"""Background work of the rewards app; the timetable is in the settings."""

from celery import shared_task
from django.urls import reverse
from django.utils import timezone

from rewards import draw_rounds, pools, timeouts, wish_telling


@shared_task
def keep_draw_rounds() -> int:
    """Close rounds of draws that are over and open those that are due; safe to run twice or by two workers."""
    return draw_rounds.keep_all(at=timezone.now())


@shared_task
def tell_wishes() -> int:
    """Tell members of wishes that can be had now; safe to run twice or by two workers."""
    return wish_telling.tell(
        at=timezone.now(), link=lambda code: reverse("rewards:reward", args=[code])
    )


@shared_task
def end_drafts() -> int:
    """Give back what drafts that have timed out keep, and take lapsed codes out of their pools; safe to run twice."""
    at = timezone.now()
    return timeouts.give_back_all(at=at) + pools.drop_lapsed(at=at)
