"""Periods of the program's calendar. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PERIODS = ("day", "week", "month", "quarter", "year", "ever")
EVER = date(1970, 1, 1)


def first_day(period: str, day: date) -> date:
    """The first day of the period that a day lies in; weeks begin on Monday."""
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return date(day.year, 1, 1) if period == "year" else EVER


def next_first_day(period: str, day: date) -> date | None:
    """The first day of the period after the one a day lies in; None: there is none."""
    start = first_day(period, day)
    if period == "ever":
        return None
    if period in {"day", "week"}:
        return start + timedelta(days=1 if period == "day" else 7)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    index = start.year * 12 + start.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


@lru_cache(maxsize=10_000)
def began_at(period: str, day: date, zone: ZoneInfo) -> datetime:
    """The first moment of the period that a program day lies in, in UTC."""
    return starts_at(first_day(period, day), zone)


@lru_cache(maxsize=10_000)
def starts_at(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a program day, in UTC."""
    try:
        return datetime.combine(day, time.min, zone).astimezone(UTC)
    except OverflowError:  # east of Greenwich the calendar's first day begins before the calendar
        return datetime.min.replace(tzinfo=UTC)


def name_of(period: str, day: date) -> str:
    """What a period is called where something is given once in each: "2026", "2026-11", "2026-W48", "ever"."""
    if period == "day":
        return day.isoformat()
    if period == "week":
        year, week, _weekday = day.isocalendar()
        return f"{year}-W{week:02d}"
    if period == "month":
        return f"{day:%Y-%m}"
    if period == "quarter":
        return f"{day.year}-Q{(day.month - 1) // 3 + 1}"
    return str(day.year) if period == "year" else "ever"
