"""Background work of the campaigns app; the timetable is in the settings."""

from celery import shared_task
from django.utils import timezone

from campaigns import segmenting


@shared_task
def refresh_segments() -> int:
    """Write down who is in which segment; safe to run twice, killed, or by two workers."""
    return segmenting.refresh_all(at=timezone.now())
