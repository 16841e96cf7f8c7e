"""How a movement of points is told to the member it belongs to."""

from collections.abc import Iterable

from django import template
from django.utils import timezone

from loyalty import queries, wording
from loyalty.models import Entry, Hold
from members.models import Member

register = template.Library()

HOLDS_SHOWN = 5
DRAWINGS = {
    Entry.Kind.EARN: ("receipt", ""),
    Entry.Kind.REVERSE: ("return", "danger"),
    Entry.Kind.REDEEM: ("gift", "warm"),
    Entry.Kind.RETURN: ("return", "brand"),
    Entry.Kind.EXPIRE: ("clock", ""),
    Entry.Kind.ADJUST: ("edit", ""),
    Entry.Kind.TRANSFER_IN: ("gift", "brand"),
    Entry.Kind.TRANSFER_OUT: ("give", "warm"),
    Entry.Kind.FEE: ("receipt", ""),
    Entry.Kind.DONATE: ("heart", "warm"),
    Entry.Kind.BUY_BACK: ("coin", "warm"),
}

EVENT_DRAWINGS = {
    "check_in": "calendar",
    "review": "edit",
    "share": "give",
    "survey": "task",
    "article": "text",
    "birthday": "gift",
    "anniversary": "star",
    "tier.upgraded": "star",
    "member.enrolled": "sprout",
    "member.profile_completed": "user",
}


@register.simple_tag
def open_holds(member: Member) -> Iterable[Hold]:
    """What is set aside for purchases at this moment, the soonest to time out first."""
    return queries.open_holds_of(member=member, at=timezone.now())[:HOLDS_SHOWN]


@register.simple_tag
def waiting_orders(member: Member) -> int:
    """How many orders will still earn their points, when they have come further."""
    return queries.awaiting_award(member=member).count()


@register.filter
def title(entry: Entry) -> str:
    """What happened: “静安寺店消费 ¥64.00”."""
    return wording.entry_title(entry)


@register.filter
def reason(entry: Entry) -> str:
    """Why it is so many points: “银卡 ×1.2：64 → 76”."""
    return wording.entry_reason(entry)


@register.filter
def order_name(entry: Entry) -> str:
    """The order it is about: “A-1”; empty when there is none."""
    return wording.order_name(entry.details)


@register.filter
def drawing(entry: Entry) -> str:
    """The icon of its kind, or of what was done for it."""
    if entry.kind == Entry.Kind.EARN and entry.details.get("event") in EVENT_DRAWINGS:
        return EVENT_DRAWINGS[entry.details["event"]]
    if "make_up" in entry.details:
        return "calendar"
    if "friend" in entry.details and entry.points > 0:
        return "heart"
    return DRAWINGS.get(Entry.Kind(entry.kind), ("sprout", ""))[0]


@register.filter
def tone(entry: Entry) -> str:
    """The colour behind the icon; empty for the quiet kinds."""
    if entry.kind == Entry.Kind.EARN and {"event", "friend"} & set(entry.details):
        return "brand"
    return DRAWINGS.get(Entry.Kind(entry.kind), ("sprout", ""))[1]
