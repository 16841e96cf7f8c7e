"""Words for people: why a member's tier changed."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from members.models import TierChange

Reason = TierChange.Reason
Details = Mapping[str, Any]


def account(change: TierChange) -> str:
    """Why the tier changed, with its numbers: "6,000 status points, 5,000 reach it"; empty where nothing is to be said."""
    tell = _ACCOUNTS.get(change.reason)
    return "" if tell is None else tell(change.details)


def account_for_staff(change: TierChange) -> str:
    """The same with what only staff may read: notes, and who was merged."""
    details = change.details
    said = [account(change), details.get("note", "")]
    if change.reason == Reason.MERGED:
        said.append(_("with member %(number)s") % {"number": details.get("from", "")})
    return " · ".join(each for each in said if each)


def _reached(details: Details) -> str:
    if "threshold" not in details:
        return _("Points added later show that it was kept.")
    return _("%(points)s status points; %(needed)s are needed") % {
        "points": _sum(details["status_points"]),
        "needed": _sum(details["threshold"]),
    }


def _not_kept(details: Details) -> str:
    if "keep" not in details:
        return ""
    return _("%(points)s status points; %(needed)s were needed to keep it") % {
        "points": _sum(details["status_points"]),
        "needed": _sum(details["keep"]),
    }


def _refunded(details: Details) -> str:
    return _("%(points)s status points are left; the tier needs %(needed)s") % {
        "points": _sum(details["status_points"]),
        "needed": _sum(details["threshold"]),
    }


def _given(details: Details) -> str:
    if "ended" in details:
        return _("The time it was given for has ended.")
    if details.get("floor") is None:
        return _("Taken away by hand")
    until = details.get("until")
    if not until:
        return _("Until it is taken away")
    # The end is the first moment that is no longer meant: its day is the one before.
    last = timezone.localtime(datetime.fromisoformat(until) - timedelta(microseconds=1))
    return _("Through %(day)s") % {"day": date_format(last, "DATE_FORMAT")}


def _sum(points: int) -> str:
    return f"{points:,}"


_ACCOUNTS: dict[str, Callable[[Details], str]] = {
    Reason.REACHED: _reached,
    Reason.NOT_KEPT: _not_kept,
    Reason.REFUNDED: _refunded,
    Reason.GIVEN: _given,
}
