"""Background work of the rewards app; the timetable is in the settings."""

from celery import shared_task
from django.utils import timezone

from rewards import draw_rounds


@shared_task
def keep_draw_rounds() -> int:
    """Close rounds of draws that are over and open those that are due; safe to run twice or by two workers."""
    return draw_rounds.keep_all(at=timezone.now())
