"""From when to when a campaign runs, in words."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def window_words(starts_at: Any, ends_at: Any) -> str:
    """A window in words; whole days are named without hours. Moments, RFC 3339 or None; empty without both ends."""
    first, after = (moment_of(each) for each in (starts_at, ends_at))
    if first is None and after is None:
        return ""
    is_whole = all(each is None or _is_midnight(each) for each in (first, after))
    start = "" if first is None else _day(first) if is_whole else _moment(first)
    if after is None:
        return _("from %(start)s on") % {"start": start}
    last = after - timedelta(days=1) if _is_midnight(after) else after
    end = _day(last) if is_whole else f"{_day(last)} {_clock(after, is_end=True)}"
    if first is None:
        return _("until %(end)s") % {"end": end}
    if first.date() != last.date():
        return _("from %(start)s to %(end)s") % {"start": start, "end": end}
    hours = "" if is_whole else f" {_clock(first)}\N{EN DASH}{_clock(after, is_end=True)}"
    return _("on %(day)s") % {"day": f"{_day(first)}{hours}"}


def moment_words(value: Any) -> str:
    """A moment with day and time."""
    moment = moment_of(value)
    return "" if moment is None else _moment(moment)


def moment_of(value: Any) -> datetime | None:
    """A moment on the program's clock, from a moment or RFC 3339."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return None if moment is None else timezone.localtime(moment)


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)


def _day(moment: datetime) -> str:
    return formats.date_format(moment, pgettext("date format", "M j, Y"))


def _moment(moment: datetime) -> str:
    return f"{_day(moment)} {_clock(moment)}"


def _clock(moment: datetime, *, is_end: bool = False) -> str:
    """The time of day; midnight as an end is 24:00 of the day before."""
    return "24:00" if is_end and _is_midnight(moment) else f"{moment:%H:%M}"
