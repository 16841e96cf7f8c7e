"""Words for people: what an entry is and why, in the language of the reader."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.models import Entry


def entry_title(entry: Entry) -> str:
    """What happened, in a few words: "静安寺店消费 ¥64.00"."""
    return _KIND_TITLES[entry.kind](entry.details)


def entry_reason(entry: Entry) -> str:
    """Why the points are what they are, in plain words: "银卡 ×1.2：64 → 76"."""
    details = entry.details
    if entry.kind == Entry.Kind.EARN:
        return _earn_reason(entry)
    if entry.kind == Entry.Kind.REVERSE:
        return _("Refund of ¥%(amount)s on order %(order)s") % {
            "amount": details.get("amount", ""),
            "order": details.get("order", ""),
        }
    if entry.kind == Entry.Kind.REDEEM:
        return _("The points that expire soonest were used first")
    if entry.kind == Entry.Kind.RETURN:
        return _("Back with their old expiry date")
    if entry.kind == Entry.Kind.EXPIRE:
        return _("Earned on %(day)s") % {"day": _local_day(str(details["earned_at"]))}
    return str(Entry.Kind(entry.kind).label) if details.get("message") else ""


def parts(explanation: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An explanation in the form of the API: {"rule", "title", "kind", "factor"?, "points"}, titles in words."""
    return [{**part, "title": part_title(part)} for part in explanation]


def part_title(part: Mapping[str, Any]) -> str:
    """What one part of an explanation is called."""
    known = {
        "base": _("Base points"),
        "status": _("Status points"),
        "refund": _("Refund"),
        "expired": _("Expired already, not taken again"),
        "no_debt": _("More than there was, not taken"),
        "expiry": _("Expiry"),
        "award": _("Points awarded"),
        "adjustment": _("Adjustment"),
    }
    return str(part.get("title") or known.get(str(part["rule"]), part["rule"]))


def _earn_title(details: Mapping[str, Any]) -> str:
    if "order" not in details:
        return str(details.get("title") or _("Points awarded"))
    words = {"amount": details["amount"], "store": details.get("store", "")}
    if words["store"]:
        return _("¥%(amount)s spent at %(store)s") % words
    return _("¥%(amount)s spent") % words


def _local_day(moment: str) -> str:
    return timezone.localtime(datetime.fromisoformat(moment)).date().isoformat()


def _redeem_title(details: Mapping[str, Any]) -> str:
    return _("Redeemed %(reward)s") % {"reward": details.get("reward", "")}


def _return_title(details: Mapping[str, Any]) -> str:
    return _("Redemption of %(reward)s cancelled") % {"reward": details.get("reward", "")}


def _earn_reason(entry: Entry) -> str:
    steps = [
        f"{part_title(part)} ×{part['factor']}" for part in entry.explanation if "factor" in part
    ]
    if not steps:
        return ""
    base = entry.explanation[0]["points"]
    return _("%(steps)s: %(before)s → %(after)s") % {
        "steps": _(", ").join(steps),
        "before": base,
        "after": entry.points,
    }


_KIND_TITLES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    Entry.Kind.EARN: _earn_title,
    Entry.Kind.REVERSE: lambda _details: _("Taken back after a refund"),
    Entry.Kind.REDEEM: _redeem_title,
    Entry.Kind.RETURN: _return_title,
    Entry.Kind.EXPIRE: lambda _details: _("Points expired"),
    Entry.Kind.TRANSFER_IN: lambda details: (
        _("Points from %(member)s") % {"member": details.get("from", "")}
    ),
    Entry.Kind.TRANSFER_OUT: lambda details: (
        _("Points given to %(member)s") % {"member": details.get("to", "")}
    ),
    Entry.Kind.FEE: lambda _details: _("Fee for giving points"),
    Entry.Kind.MERGE: lambda _details: _("Memberships merged"),
    Entry.Kind.DONATE: lambda details: (
        _("Donated to %(project)s") % {"project": details.get("project", "")}
    ),
    Entry.Kind.BUY_BACK: lambda _details: _("Points bought back"),
    Entry.Kind.ADJUST: lambda details: str(details.get("message") or _("Adjustment")),
}
