"""How the console writes until when something is good."""

from datetime import datetime, time

from django.utils import timezone

from members.templatetags.portal import day, full_stamp, last_day


def last(end: datetime) -> str:
    """An end as people say it: at midnight it is the last good day, else day and time."""
    is_midnight = timezone.localtime(end).time() == time.min
    return day(last_day(end)) if is_midnight else full_stamp(end)
