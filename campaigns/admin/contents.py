"""A campaign's content as the editor's fields, and back."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns import effects, limits
from campaigns.admin.inputs import (
    CONDITIONS,
    Input,
    amount,
    choice,
    number,
    one,
    plain,
    switch,
    text,
)
from campaigns.models import Campaign
from rewards import draw_queries
from rewards import queries as reward_queries

Values = Mapping[str, Any]

KINDS = [
    (effects.MULTIPLIER, _("Multiply the points")),
    (effects.BONUS, _("Give points")),
    (effects.PER_AMOUNT, _("Give points for every so much money")),
    (effects.PER_UNIT, _("Give points for each piece")),
    (effects.STATUS_POINTS, _("Give status points")),
    (effects.GRANT_REWARD, _("Give a reward")),
    (effects.DRAW_TICKET, _("Give draw tickets")),
]
SCOPES = [("order", _("the whole order")), ("matching_lines", _("the matching items only"))]
SIDES = [
    ("", "—"),
    ("both", _("both sides")),
    ("referrer", _("who brought the friend")),
    ("referee", _("the friend")),
]
ON_EXCEED = [("cut", _("Give what still fits")), ("refuse", _("Give nothing of it"))]
MODES = [
    ("stack", _("Give all of the group")),
    ("best", _("Only the one that gives most")),
    ("first", _("Only the first by priority")),
]


def _rewards() -> list[tuple[str, str]]:
    return [("", "—"), *((each.code, each.name) for each in reward_queries.rewards())]


def _draws() -> list[tuple[str, Any]]:
    return [("", _("any draw")), *((each.code, each.name) for each in draw_queries.draws())]


EFFECT: tuple[Input, ...] = (
    one("type", choice(_("What it does"), KINDS)),
    one("value", amount(_("Factor"), _("2 doubles, 0 gives no points at all."))),
    one("scope", choice(_("Counts for"), SCOPES)),
    one("points", number(_("Points"))),
    one("amount", amount(_("for every so much money"))),
    one("field", text(_("Field of the event"), _("Which field holds the number. Empty: 1."))),
    one("multiplied", switch(_("Multiplied along"), _("Added before the factors, not after."))),
    one("to", choice(_("For whom"), SIDES)),
    one("pending_days", number(_("Usable after days"), _("Empty: as the program says."))),
    one("reward", choice(_("Reward"), _rewards)),
    one("tickets", number(_("Tickets"))),
    one("draw", choice(_("Tickets for"), _draws)),
)
LIMITS: tuple[Input, ...] = (
    one("per_member_per_day", number(_("For each member a day"))),
    one("per_member_per_month", number(_("For each member a month"))),
    one("per_member", number(_("For each member in all"))),
    one("budget_points", number(_("Budget of the campaign"))),
    one("on_exceed", choice(_("What does not fit"), ON_EXCEED)),
)
COMBINE: tuple[Input, ...] = (
    one("group", text(_("Group"), _("Campaigns of one group exclude each other."))),
    one("mode", choice(_("Of the group"), MODES)),
    one("priority", number(_("Priority"), _("The highest number comes first."))),
)
PARTS: Mapping[str, tuple[Input, ...]] = {
    "conditions": CONDITIONS,
    "effect": EFFECT,
    "limits": LIMITS,
    "combine": COMBINE,
}
DEFAULTS: Mapping[str, Any] = {
    "effect": {"type": effects.MULTIPLIER, "value": "2"},
    "limits": dict(limits.NO_LIMITS),
    "combine": dict(limits.ALONE),
    "conditions": {},
}


def names_of(part: str) -> list[str]:
    """The names of all fields of a part."""
    return [name for each in PARTS[part] for name in each.names(part).values()]


def shown(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields show for stored parts; what is not stored shows its default."""
    found: dict[str, Any] = {}
    for part, inputs in PARTS.items():
        said = stored.get(part) or DEFAULTS[part]
        for each in inputs:
            found |= each.initial(part, said.get(each.name))
    return found


def stored_parts(campaign: Campaign) -> dict[str, Any]:
    """The four parts of a campaign as they are stored."""
    return {part: getattr(campaign, part) for part in PARTS}


def said(part: str, cleaned: Values, changed: Collection[str], stored: Values) -> dict[str, Any]:
    """What the form says for a part; conditions that were not touched stay as they are stored."""
    if part == "effect":
        return _effect(cleaned)
    found = dict(stored) if part == "conditions" else {}
    for each in PARTS[part]:
        if part == "conditions" and not set(each.names(part).values()) & set(changed):
            continue
        found[each.name] = each.read(part, cleaned)
    return {name: value for name, value in found.items() if value is not None}


def _effect(cleaned: Values) -> dict[str, Any]:
    """Only what the kind of effect has; the other fields may still hold what was there before."""
    kind = cleaned.get("effect_type") or ""
    known = effects.CHECKS.get(kind, {})
    found = {each.name: each.read("effect", cleaned) for each in EFFECT if each.name in known}
    return {
        "type": kind,
        **{name: plain(value) for name, value in found.items() if value is not None},
    }


def share_shown(share: Decimal | None) -> Decimal | None:
    """A share as a percentage."""
    return None if share is None else (share * 100).normalize()


def share_said(percentage: Decimal | None) -> str | None:
    """A percentage as a share."""
    return None if percentage is None else f"{percentage / 100:f}"


def as_decimal(number: str | None) -> Decimal | None:
    """A decimal as contents keep it: text."""
    return None if number is None else Decimal(number)
