"""When points lapse, and the work that settles what has lapsed."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from loyalty import ledger, queries
from loyalty.models import Program

Policy = Program.ExpiryPolicy


def end_of_local_day(day: date, zone: ZoneInfo) -> datetime:
    """The first moment after a program day: what is valid through `day` expires then."""
    return datetime.combine(day + timedelta(days=1), time.min, zone)


def add_months(day: date, months: int) -> date:
    """The same day N months later, clipped to the month's end (31 January + 1 month = 28 or 29 February)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def points_lapse_at(program: Program, active_from: datetime) -> datetime | None:
    """When redeemable points that become active at `active_from` lapse; None: never."""
    return _lapse_at(
        program.expiry_policy,
        program.expiry_months,
        program.expiry_date,
        program.zone,
        active_from,
    )


def status_lapses_at(program: Program, active_from: datetime) -> datetime | None:
    """When status points that become active at `active_from` lapse; None: never."""
    return _lapse_at(
        program.status_expiry_policy,
        program.status_expiry_months,
        program.status_expiry_date,
        program.zone,
        active_from,
    )


def active_from(program: Program, earned_at: datetime) -> datetime:
    """When points earned at a moment become active (`pending_days` later, to the moment)."""
    # In UTC, so that equal moments give equal answers whatever zone they were written in.
    return earned_at.astimezone(UTC) + timedelta(days=program.pending_days)


def _lapse_at(
    policy: str, months: int, month_day: str, zone: ZoneInfo, active_from: datetime
) -> datetime | None:
    if policy == Policy.NEVER:
        return None
    day = active_from.astimezone(zone).date()
    if policy == Policy.ROLLING:
        return end_of_local_day(add_months(day, months), zone)
    if policy == Policy.MONTH_END:
        last = add_months(day.replace(day=1), months + 1) - timedelta(days=1)
        return end_of_local_day(last, zone)
    return end_of_local_day(_next_fixed_day(day, month_day), zone)


def _next_fixed_day(day: date, month_day: str) -> date:
    """The first such day of the year on or after `day`; 02-29 is 28 February in common years."""
    month, of_month = (int(part) for part in month_day.split("-"))
    for year in (day.year, day.year + 1):
        candidate = date(year, month, min(of_month, monthrange(year, month)[1]))
        if candidate >= day:
            return candidate
    raise AssertionError("a day of the year comes round every year")


def expire_due(*, at: datetime, limit: int = 5_000) -> int:
    """Settle one batch of wallets on which something fell due by `at`; returns how many wallets.

    Call until it returns 0. Wallets that another worker holds are left to it, so two workers may run at once, and a
    run that was killed is simply run again.
    """
    with transaction.atomic():
        wallets = queries.due_wallets_locked(at=at, limit=limit)
        if wallets:
            ledger.settle(wallets=wallets, at=at)
    return len(wallets)
