"""The cards that the members contribute to the console's pages."""

from collections.abc import Iterable

from django import template
from django.utils.translation import gettext

from members.models import Job, Member, StatusChange, TierChange

register = template.Library()

SHOWN = 10


@register.simple_tag
def tier_history(member: Member) -> Iterable[TierChange]:
    """The latest steps up or down."""
    steps = member.tier_changes.select_related("before", "tier")
    return steps.order_by("-at", "-id")[:SHOWN]


@register.simple_tag
def status_history(member: Member) -> Iterable[StatusChange]:
    """The latest freezes and unfreezes, and the end."""
    return member.status_changes.order_by("-at", "-id")[:SHOWN]


@register.simple_tag
def job_result(job: Job) -> list[tuple[str, str]]:
    """The plain figures of what came out of a job; tables and lists have pages of their own."""
    result = job.result if isinstance(job.result, dict) else {}
    words = {
        "members": gettext("members"),
        "segments": gettext("segments"),
        "points": gettext("points"),
        "orders": gettext("orders"),
        "cost": gettext("cost"),
    }
    plain = {name: value for name, value in result.items() if isinstance(value, int | str)}
    return [
        (words.get(name, name), f"{value:,}" if isinstance(value, int) else value)
        for name, value in plain.items()
    ]
