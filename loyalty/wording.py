"""Words for people: what an entry is and why, in the language of the reader."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.models import Entry


def entry_title(entry: Entry) -> str:
    """What happened, in a few words: "静安寺店消费 ¥64.00"."""
    return _KIND_TITLES[entry.kind](entry.details)


def entry_reason(entry: Entry) -> str:
    """Why the points are what they are, in plain words: "银卡 ×1.2：64 → 76"."""
    reason = _KIND_REASONS.get(entry.kind)
    return "" if reason is None else reason(entry)


def order_name(details: Mapping[str, Any]) -> str:
    """The order that an entry is about, as people call it: the source only where it is not the default one."""
    return str(details.get("order", "")).removeprefix("default/")


def parts(explanation: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An explanation in the form of the API: {"rule", "title", "kind", "factor"?, "points"}, titles in words."""
    return [
        {
            **{name: said for name, said in part.items() if name not in _FOR_RECOMPUTING},
            "title": part_title(part),
        }
        for part in explanation
    ]


# What a sum needs to be done again, and nobody has to read.
_FOR_RECOMPUTING = frozenset({"rounding", "stacking", "target", "before", "price", "quantity"})


def part_title(part: Mapping[str, Any]) -> str:
    """What one part of an explanation is called."""
    known = {
        "base": _("Base points"),
        "status": _("Status points"),
        "refund": _("Refund"),
        "cancelled": _("Order cancelled"),
        "expired": _("Already expired, so not taken again"),
        "no_debt": _("More than the balance, so not taken"),
        "expiry": _("Expiry"),
        "award": _("Points awarded"),
        "benefit": _("Benefit of your tier"),
        "opening": _("Opening balance"),
        "adjustment": _("Adjustment"),
        "capture": _("Paid with points"),
        "transfer_out": _("Points given"),
        "transfer_in": _("Points received"),
        "fee": _("Fee"),
        "donation": _("Donation"),
        "buy_back": _("Buy-back"),
        "merge": _("Memberships merged"),
        "make_up": _("Make-up of a missed sign-in"),
        "forfeit": _("Forfeited at the end of the membership"),
    }
    return str(part.get("title") or known.get(str(part["rule"]), part["rule"]))


def _adjust_title(details: Mapping[str, Any]) -> str:
    if details.get("reason") == "forfeited":
        return _("Forfeited at the end of the membership")
    return str(details.get("message") or _("Adjustment"))


def _earn_title(details: Mapping[str, Any]) -> str:
    if "event" in details:
        known: str | None = import_string(settings.EVENT_TITLES)(details["event"])
        return known or str(details.get("title") or details["event"])
    if "order" not in details:
        usual = _("Opening balance") if "opening" in details else _("Points awarded")
        return str(details.get("title") or usual)
    words = {"amount": details["amount"], "store": details.get("store", "")}
    if words["store"]:
        return _("¥%(amount)s spent at %(store)s") % words
    return _("¥%(amount)s spent") % words


def _local_day(moment: str) -> str:
    return timezone.localtime(datetime.fromisoformat(moment)).date().isoformat()


def _redeem_title(details: Mapping[str, Any]) -> str:
    if "make_up" in details:
        return _("Missed sign-in of %(day)s made up") % {"day": details["make_up"]}
    if "draw" in details:
        return _("Draw: “%(draw)s”") % {"draw": details["draw"]}
    if "reward" not in details:
        return _("Paid with points")
    return _("Redeemed %(reward)s") % {"reward": details["reward"]}


def _reverse_title(details: Mapping[str, Any]) -> str:
    if "referral" in details:
        return _("A friend's first order was refunded")
    return _("Order cancelled") if "cancelled" in details else _("Taken back after a refund")


def _return_title(details: Mapping[str, Any]) -> str:
    if "cancelled" in details:
        return _("Order cancelled")
    if "reward" not in details:
        return _("Points back from a payment")
    return _("Redemption of %(reward)s cancelled") % {"reward": details["reward"]}


def _soonest_first(_entry: Entry) -> str:
    return _("The points that expire soonest were used first")


def _redeem_reason(entry: Entry) -> str:
    if "order" in entry.details:
        return _("For order %(order)s") % {"order": order_name(entry.details)}
    return _soonest_first(entry)


def _reverse_reason(entry: Entry) -> str:
    if "referral" in entry.details:
        return _("Points given by “%(campaign)s”") % {"campaign": entry.details.get("title", "")}
    if "cancelled" in entry.details:
        return _("Points earned by order %(order)s") % {"order": order_name(entry.details)}
    return _("Refund of ¥%(amount)s on order %(order)s") % {
        "amount": entry.details.get("amount", ""),
        "order": entry.details.get("order", ""),
    }


def _expire_reason(entry: Entry) -> str:
    return _("Earned on %(day)s") % {"day": _local_day(str(entry.details["earned_at"]))}


def _message(entry: Entry) -> str:
    """What the giver wrote to it."""
    said = str(entry.details.get("message", ""))
    return _("“%(message)s”") % {"message": said} if said else ""


def _transfer_in_reason(entry: Entry) -> str:
    return _message(entry) or _("With their original expiry date")


def _fee_reason(entry: Entry) -> str:
    return _("For points given to %(member)s") % {"member": entry.details.get("to", "")}


def _buy_back_reason(entry: Entry) -> str:
    return _("Worth ¥%(value)s") % {"value": entry.details.get("value", "")}


def _adjust_reason(entry: Entry) -> str:
    return str(Entry.Kind(entry.kind).label) if entry.details.get("message") else ""


def _earn_reason(entry: Entry) -> str:
    """What was added, factors with what they made of it, bonuses by name, then what limits cut."""
    parts = entry.explanation
    said = _paid_with_points(entry)
    said += [_bonus(part) for part in parts if "multiplied" in part]
    said += [_multiplied(parts)]
    if "streak" in entry.details:
        said.append(_in_a_row(entry.details["streak"]))
    # One bonus for signing in is what signing in is: its days in a row say more.
    if "streak" not in entry.details or len(parts) > 1:
        said += [_bonus(part) for part in parts if "multiplied" not in part]
    said += [_cut(part) for part in parts if part["kind"] == "cap"]
    if "friend" in entry.details:
        said.append(_("with %(friend)s") % {"friend": entry.details["friend"]})
    if "benefit" in entry.details:
        said.append(_("Benefit of %(tier)s") % {"tier": entry.details.get("tier", "")})
    return _("; ").join(filter(None, said))


def _paid_with_points(entry: Entry) -> list[str]:
    """What of the order earned nothing, and what the rest earned: "¥50 paid with points earns nothing; ¥30 → 30"."""
    paid = entry.details.get("paid_with_points")
    if paid is None:
        return []
    said = [_("¥%(amount)s paid with points earns nothing") % {"amount": _money(paid)}]
    base = next((part for part in entry.explanation if "amount" in part), None)
    if base is not None:
        said.append(f"¥{_money(base['amount'])} → {base['points']:,}")
    return said


def _money(amount: str) -> str:
    """An amount as people write it, whole ones without cents; shares of an order may be fractions."""
    exact = Fraction(amount)
    return f"{Decimal(exact.numerator) / exact.denominator:,.2f}".removesuffix(".00")


def _in_a_row(days: int) -> str:
    return ngettext("%(days)d day in a row", "%(days)d days in a row", days) % {"days": days}


def _multiplied(explanation: Iterable[Mapping[str, Any]]) -> str:
    """What the factors are and what they made of base and added bonuses: "晚间双倍 ×2：100 → 200"."""
    parts = list(explanation)
    factors = [part for part in parts if "factor" in part]
    if not factors:
        return ""
    before = sum(part["points"] for part in parts if "rate" in part or "multiplied" in part)
    steps = [f"{part_title(part)} ×{part['factor']}" for part in factors]
    return _("%(steps)s: %(before)s → %(after)s") % {
        "steps": _(", ").join(steps),
        "before": before,
        "after": before + sum(part["points"] for part in factors),
    }


def _bonus(part: Mapping[str, Any]) -> str:
    """A bonus by its name: "首单礼 +100"."""
    if part["kind"] != "bonus" or not part.get("title"):
        return ""
    if "reward" in part:
        return _("%(title)s: a gift") % {"title": part["title"]}
    words = {"title": part["title"], "points": part["points"] or part.get("status_points", 0)}
    return _("%(title)s +%(points)s") % words if words["points"] else ""


def _cut(part: Mapping[str, Any]) -> str:
    return _("%(points)s by %(limit)s") % {
        "points": f"{part['points']:,}".replace("-", "−"),
        "limit": limit_words(str(part.get("cap"))),
    }


def limit_words(name: str) -> str:
    """A limit that cut points, by its name in an explanation."""
    limits = {
        "per_member_per_day": _("the limit of the day"),
        "per_member_per_month": _("the limit of the month"),
        "per_member": _("the limit per member"),
        "budget_points": _("the campaign's budget"),
    }
    return limits.get(name) or _("a limit")


_KIND_TITLES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    Entry.Kind.EARN: _earn_title,
    Entry.Kind.REVERSE: _reverse_title,
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
        _("Donated to %(project)s")
        % {"project": details.get("name") or details.get("project", "")}
    ),
    Entry.Kind.BUY_BACK: lambda _details: _("Points bought back"),
    Entry.Kind.ADJUST: _adjust_title,
}

_KIND_REASONS: dict[str, Callable[[Entry], str]] = {
    Entry.Kind.EARN: _earn_reason,
    Entry.Kind.REVERSE: _reverse_reason,
    Entry.Kind.REDEEM: _redeem_reason,
    Entry.Kind.RETURN: lambda _entry: _("Returned with their original expiry date"),
    Entry.Kind.EXPIRE: _expire_reason,
    Entry.Kind.TRANSFER_IN: _transfer_in_reason,
    Entry.Kind.TRANSFER_OUT: _message,
    Entry.Kind.FEE: _fee_reason,
    Entry.Kind.DONATE: _soonest_first,
    Entry.Kind.BUY_BACK: _buy_back_reason,
    Entry.Kind.ADJUST: _adjust_reason,
}
