"""How many messages wait, for the pages that say so."""

from django import template
from django.http import HttpRequest

from members import queries
from members.models import Member

register = template.Library()


@register.simple_tag
def unread_messages(request: HttpRequest) -> int:
    """How many unread messages the signed-in member has; asked once for each page."""
    member: Member | None = getattr(request, "member", None)
    if member is None:
        return 0
    if not hasattr(request, "unread_messages"):
        request.unread_messages = queries.unread_messages(member)  # type: ignore[attr-defined]
    count: int = request.unread_messages  # type: ignore[attr-defined]
    return count
