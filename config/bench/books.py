"""A great many lots that fall due, and the check of all books afterwards."""

import resource
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings

from config.bench.measuring import Goal, Line
from loyalty import expiry, verification
from loyalty.models import Entry

# After the day on which the large shop's lots lapse (see story.py).
DUE = timedelta(days=285)


def expire(lots: int) -> list[Line]:
    """Settle the first half by one connection, the rest as the nightly run does, by several."""
    at = datetime.now(UTC) + DUE
    before = _memory()
    started = time.perf_counter()
    settled = 0
    while settled < lots // 2:
        settled += expiry.expire_due(at=at)
    alone = settled / (time.perf_counter() - started)
    started = time.perf_counter()
    rest = expiry.expire_all(at=at, connections=settings.EXPIRY_CONNECTIONS)
    together = rest / (time.perf_counter() - started)
    grown = _memory() - before
    expired = Entry.objects.filter(kind="expire", at__gt=datetime.now(UTC)).count()
    return [
        Line(
            what=f"expiry of {expired:,} due lots, one worker, {settings.EXPIRY_CONNECTIONS} connections "
            f"(its memory grew by {grown:.0f} MB)",
            ours=f"{together:,.0f}/s",
            beside="–",
            value=together,
            goal=Goal(must=10_000, aim=30_000, form="{:,.0f}/s"),
        ),
        Line(
            what="the same over one connection",
            ours=f"{alone:,.0f}/s",
            beside="–",
            value=alone,
            goal=Goal(must=None, aim=None, form="{:,.0f}/s"),
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


def _memory() -> float:
    """The most memory this process has needed, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
