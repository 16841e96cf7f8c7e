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
    start = "" if first is None else _written(first, is_whole=is_whole)
    if after is None:
        return _("from %(start)s on") % {"start": start}
    end = _written(after - timedelta(days=1) if is_whole else after, is_whole=is_whole)
    if first is None:
        return _("until %(end)s") % {"end": end}
    if start == end:
        return _("on %(day)s") % {"day": start}
    return _("from %(start)s to %(end)s") % {"start": start, "end": end}


def moment_of(value: Any) -> datetime | None:
    """A moment on the program's clock, from a moment or RFC 3339."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return None if moment is None else timezone.localtime(moment)


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)


def _written(moment: datetime, *, is_whole: bool) -> str:
    if is_whole:
        return formats.date_format(moment, pgettext("date format", "M j, Y"))
    return formats.date_format(moment, pgettext("date format", "M j, Y, H:i"))
