"""Background work of the ledger; the timetable is in the settings."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from loyalty import expiry, seals, switching, tiers, verification


@shared_task
def expire_points() -> int:
    """Settle everything that fell due, batch by batch; safe to run twice, killed, or by two workers."""
    return expiry.expire_all(at=timezone.now(), connections=settings.EXPIRY_CONNECTIONS)


@shared_task
def date_lots() -> int:
    """Finish giving lots their date after expiry was switched on; safe to run twice, killed, or by two workers."""
    return switching.date_lots(at=timezone.now())


@shared_task
def review_tiers() -> int:
    """Judge everybody whose tier may have fallen, batch by batch; safe to run twice, killed, or by two workers."""
    judged = 0
    while count := tiers.review_due(at=timezone.now()):
        judged += count
    return judged


@shared_task
def seal_days() -> int:
    """Seal the days that are over; safe to run twice or by two workers."""
    return len(seals.seal_days(at=timezone.now()).seals)


@shared_task
def verify_books() -> int:
    """Check every invariant of the ledger and freeze the members whose wallets disagree."""
    return verification.verify_and_freeze(by="verify_books", at=timezone.now())
