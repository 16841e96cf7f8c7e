"""Whoever names many voucher codes that do not exist is slowed: counted in the database, for every process at once.

After 20 wrong codes in ten minutes nothing is looked up for a minute; every five more double the wait, up to an hour. A
good code in between changes nothing; a day after the last wait it begins anew.
"""

from datetime import datetime, timedelta

from django.db import transaction

from rewards.models import WrongCodes
from rewards.voucher_errors import TooManyMisses

MOST = 20
WINDOW = timedelta(minutes=10)
# How many wrong codes are left once a wait is over.
ANEW = 5
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=1)
FORGOTTEN = timedelta(days=1)


def check(*, subject: str, at: datetime) -> None:
    """Raise TooManyMisses while somebody ("key:3", "member:17", "staff:4") has to wait."""
    slowed = WrongCodes.objects.filter(subject=subject, blocked_until__gt=at)
    until = slowed.values_list("blocked_until", flat=True).first()
    if until is not None:
        raise TooManyMisses(retry_after=max(1, -int((at - until).total_seconds() // 1)))


@transaction.atomic
def miss(*, subject: str, at: datetime) -> None:
    """Count a wrong code; call it outside any transaction that the wrong code undoes."""
    WrongCodes.objects.bulk_create([WrongCodes(subject=subject, since=at)], ignore_conflicts=True)
    row = WrongCodes.objects.select_for_update(no_key=True).get(subject=subject)
    if at - row.since > FORGOTTEN:
        row.waits = 0
    if at - row.since > WINDOW and not row.waits:
        row.misses, row.since = 0, at
    row.misses += 1
    if row.misses >= MOST:
        wait = min(LONGEST, SHORTEST * 2 ** min(row.waits, 10))
        row.misses, row.since, row.waits = MOST - ANEW, at, row.waits + 1
        row.blocked_until = at + wait
    row.save(update_fields=["misses", "since", "waits", "blocked_until"])
