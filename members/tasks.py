"""Background work of the members app; the timetable is in the settings."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from members import idempotency, jobs

KEPT = timedelta(hours=48)


@shared_task
def forget_api_answers() -> int:
    """Remove the answers to Idempotency-Keys that nobody will repeat any more."""
    return idempotency.forget(before=timezone.now() - KEPT)


@shared_task
def run_job(*, job_id: int) -> None:
    """Do the work that somebody asked for; safe to run twice, killed, or by two workers."""
    jobs.run(job=job_id, clock=timezone.now)


@shared_task
def revive_jobs() -> int:
    """Begin the jobs again whose worker died."""
    return jobs.revive(at=timezone.now())
