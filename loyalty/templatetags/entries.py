"""How a movement of points is told to the member it belongs to."""

from django import template

from loyalty import wording
from loyalty.models import Entry

register = template.Library()

DRAWINGS = {
    Entry.Kind.EARN: ("receipt", ""),
    Entry.Kind.REVERSE: ("return", "danger"),
    Entry.Kind.REDEEM: ("gift", "warm"),
    Entry.Kind.RETURN: ("return", "brand"),
    Entry.Kind.EXPIRE: ("clock", ""),
    Entry.Kind.ADJUST: ("edit", ""),
}


@register.filter
def title(entry: Entry) -> str:
    """What happened: “静安寺店消费 ¥64.00”."""
    return wording.entry_title(entry)


@register.filter
def reason(entry: Entry) -> str:
    """Why it is so many points: “银卡 ×1.2：64 → 76”."""
    return wording.entry_reason(entry)


@register.filter
def drawing(entry: Entry) -> str:
    """The icon of its kind."""
    return DRAWINGS.get(Entry.Kind(entry.kind), ("sprout", ""))[0]


@register.filter
def tone(entry: Entry) -> str:
    """The colour behind the icon; empty for the quiet kinds."""
    return DRAWINGS.get(Entry.Kind(entry.kind), ("sprout", ""))[1]
