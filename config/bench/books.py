"""A great many lots that fall due, and the check of all books afterwards."""

import resource
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

from django.db import connection

from config.bench.measuring import Goal, Line
from loyalty import expiry, verification
from loyalty.models import Entry

# After the day on which the large shop's lots lapse (see story.py).
DUE = timedelta(days=285)


def expire(lots: int) -> list[Line]:
    """Settle the first half by one worker, the rest by two."""
    at = datetime.now(UTC) + DUE
    before = _memory()
    started = time.perf_counter()
    settled = 0
    while settled < lots // 2:
        settled += expiry.expire_due(at=at)
    alone = settled / (time.perf_counter() - started)
    grown = _memory() - before
    connection.close()
    started = time.perf_counter()
    with get_context("fork").Pool(2) as pool:
        together = sum(pool.map(_work, [at, at], chunksize=1))
    both = together / (time.perf_counter() - started)
    expired = Entry.objects.filter(kind="expire", at__gt=datetime.now(UTC)).count()
    goal = Goal(must=10_000, aim=30_000, form="{:,.0f}/s")
    return [
        Line(
            what=f"expiry of {expired:,} due lots: one worker (its memory grew by {grown:.0f} MB)",
            ours=f"{alone:,.0f}/s",
            beside="–",
            value=alone,
            goal=goal,
        ),
        Line(
            what="the same by two workers",
            ours=f"{both:,.0f}/s",
            beside="–",
            value=both,
            goal=goal,
        ),
    ]


def verify() -> Line:
    """Check every invariant of every wallet, after all that the bench has done."""
    started = time.perf_counter()
    differences = len(list(verification.differences()))
    minutes = (time.perf_counter() - started) / 60
    return Line(
        what=f"verify_ledger on {verification.count_wallets():,} wallets, {Entry.objects.count():,} entries "
        f"({differences} differences)",
        ours=f"{minutes:.1f} min",
        beside="–",
        value=minutes,
        goal=Goal(must=10, aim=2, form="{:.1f} min", is_least=True),
    )


def _work(at: datetime) -> int:
    settled = 0
    while count := expiry.expire_due(at=at):
        settled += count
    return settled


def _memory() -> float:
    """The most memory this process has needed, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
