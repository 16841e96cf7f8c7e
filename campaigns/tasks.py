"""Background work of the campaigns app; the timetable is in the settings."""

from celery import shared_task
from django.utils import timezone

from campaigns import anniversaries, benefits, segmenting


@shared_task
def refresh_segments() -> int:
    """Write down who is in which segment; safe to run twice, killed, or by two workers."""
    return segmenting.refresh_all(at=timezone.now())


@shared_task
def keep_anniversaries() -> int:
    """Let birthdays and anniversaries happen; safe to run twice, killed, or by two workers."""
    return anniversaries.keep(at=timezone.now())


@shared_task
def give_benefits() -> int:
    """Give what tiers give by themselves; safe to run twice, killed, or by two workers."""
    return benefits.keep(at=timezone.now())
