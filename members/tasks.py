"""Background work of the members app; the timetable is in the settings."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from members import idempotency

KEPT = timedelta(hours=48)


@shared_task
def forget_api_answers() -> int:
    """Remove the answers to Idempotency-Keys that nobody will repeat any more."""
    return idempotency.forget(before=timezone.now() - KEPT)
