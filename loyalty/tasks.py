"""Background work of the ledger; the timetable is in the settings."""

from celery import shared_task
from django.utils import timezone

from loyalty import expiry, verification


@shared_task
def expire_points() -> int:
    """Settle everything that fell due, batch by batch; safe to run twice, killed, or by two workers."""
    settled = 0
    while count := expiry.expire_due(at=timezone.now()):
        settled += count
    return settled


@shared_task
def verify_books() -> int:
    """Check every invariant of the ledger and freeze the members whose wallets disagree."""
    return verification.verify_and_freeze()
