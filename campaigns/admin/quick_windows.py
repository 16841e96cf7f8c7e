"""The windows of a quick campaign: whole days of the program, except what has begun already."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

Window = tuple[datetime, datetime]
SATURDAY = 6


class When(TextChoices):
    """When a quick campaign runs."""

    TODAY = "today", _("Now, until the end of the day")
    TOMORROW = "tomorrow", _("Tomorrow")
    WEEKEND = "weekend", _("This weekend")
    WEEK = "week", _("Next week")
    CUSTOM = "custom", _("From … through …")


def days_of(when: When, today: date) -> tuple[date, date]:
    """The first and the last day; on a weekend "this weekend" is the rest of it."""
    weekday = today.isoweekday()
    saturday = today + timedelta(days=max(0, SATURDAY - weekday))
    monday = today + timedelta(days=8 - weekday)
    return {
        When.TODAY: (today, today),
        When.TOMORROW: (today + timedelta(days=1), today + timedelta(days=1)),
        When.WEEKEND: (saturday, saturday + timedelta(days=7 - saturday.isoweekday())),
        When.WEEK: (monday, monday + timedelta(days=6)),
    }[when]


def window(*, first: date, last: date, at: datetime, zone: ZoneInfo) -> Window:
    """From the first moment of one day to the last of another; from now on where the first has begun."""
    starts_at = datetime.combine(first, time.min, zone)
    if starts_at < at and first == at.astimezone(zone).date():
        starts_at = at.astimezone(zone).replace(second=0, microsecond=0)
    return starts_at, datetime.combine(last + timedelta(days=1), time.min, zone)
