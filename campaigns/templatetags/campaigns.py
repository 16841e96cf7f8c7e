"""What the members' pages of all apps show of campaigns: days, and why a purchase did not bring more."""

from collections.abc import Sequence
from datetime import date

from django import template
from django.utils import formats
from django.utils.translation import pgettext

from campaigns import near_misses
from loyalty import queries
from loyalty.models import Entry
from members.errors import NotFound

register = template.Library()


@register.filter
def on_day(day: date) -> str:
    """A day of about now: Nov 28."""
    return formats.date_format(day, pgettext("date format", "M j"))


@register.filter
def month_of(day: date) -> str:
    """A day's month with its year: November 2026."""
    return formats.date_format(day, pgettext("date format", "F Y"))


@register.simple_tag
def weekdays() -> Sequence[str]:
    """The heads of a calendar's columns, from Monday on."""
    return (
        pgettext("calendar head", "Mo"),
        pgettext("calendar head", "Tu"),
        pgettext("calendar head", "We"),
        pgettext("calendar head", "Th"),
        pgettext("calendar head", "Fr"),
        pgettext("calendar head", "Sa"),
        pgettext("calendar head", "Su"),
    )


@register.simple_tag
def missed_campaigns(entry: Entry) -> list[near_misses.Missed]:
    """Why an order's entry is not more: the campaigns that did not hold."""
    try:
        order = queries.order(
            source=entry.details.get("source") or "default", number=entry.details["order"]
        )
    except NotFound:
        return []
    return near_misses.missed(order)
