"""The cards that the members contribute to the console's pages."""

from collections.abc import Iterable

from django import template

from members.models import Member, StatusChange, TierChange

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
