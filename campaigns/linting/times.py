"""Windows that are over, and days and hours that never come within them."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.linting.subject import Background, Finding, Subject, blocking

# Every day of a month falls on every day of the week within eight years; no window has to be walked further.
MOST_DAYS = 8 * 366
CALENDAR = ("month_days", "weekdays", "hours")


def window_is_past(subject: Subject, known: Background) -> Iterable[Finding]:
    """The window was over before anybody could see it."""
    if subject.ends_at is not None and subject.ends_at <= known.at:
        yield blocking(
            "window_past",
            "/ends_at",
            _("The window ended on %(moment)s: from now on nothing happens.")
            % {"moment": date_format(subject.ends_at.astimezone(known.zone), "DATETIME_FORMAT")},
        )


def never_matches(subject: Subject, known: Background) -> Iterable[Finding]:
    """No moment of the window falls on the days and hours asked for."""
    asked = [name for name in CALENDAR if subject.conditions.get(name)]
    if not asked or subject.starts_at is None or subject.ends_at is None:
        return  # without both ends every day of the calendar comes some time
    if not any(_matching(subject, known.zone)):
        yield blocking(
            "never_matches",
            f"/conditions/{asked[0]}",
            _(
                "Within its window the campaign never matches: none of the days and hours falls into it."
            ),
        )


def _matching(subject: Subject, zone: ZoneInfo) -> Iterator[bool]:
    """For each local day of the window whether something of it matches."""
    assert subject.starts_at is not None
    assert subject.ends_at is not None
    first = subject.starts_at.astimezone(zone).replace(tzinfo=None)
    after = subject.ends_at.astimezone(zone).replace(tzinfo=None)
    spans = [
        span for hours in subject.conditions.get("hours") or [ALL_DAY] for span in _spans(hours)
    ]
    for offset in range(min((after.date() - first.date()).days + 1, MOST_DAYS)):
        day = first.date() + timedelta(days=offset)
        yield _is_asked(subject, day) and any(
            max(_at(day, start), first) < min(_at(day, end), after) for start, end in spans
        )


def _is_asked(subject: Subject, day: date) -> bool:
    weekdays = subject.conditions.get("weekdays") or [day.isoweekday()]
    month_days = subject.conditions.get("month_days") or [day.day]
    return day.isoweekday() in weekdays and day.day in month_days


ALL_DAY = "00:00-24:00"
MIDNIGHT = 24 * 60


def _spans(hours: str) -> list[tuple[int, int]]:
    """Minutes of a day from and to; hours across midnight are the day's two ends."""
    start, end = (_minutes(each) for each in hours.split("-"))
    return [(start, end)] if start < end else [(start, MIDNIGHT), (0, end)]


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _at(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time.min) + timedelta(minutes=minutes)
