"""What a campaign gives, in words."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import effects
from campaigns.wording import events
from campaigns.wording.names import Names, clauses, money

Said = Mapping[str, Any]


def effect_words(effect: Said, names: Names | None = None) -> str:
    """An effect in a few words: "double points", "100 points"."""
    return _KINDS[effect["type"]](effect, names or Names())


def _multiplier(effect: Said, _names: Names) -> str:
    factor = Decimal(str(effect["value"]))
    usual = {0: _("no points"), 2: _("double points"), 3: _("triple points")}
    said = usual.get(int(factor)) if factor == int(factor) else None
    said = said or _("%(factor)s × points") % {"factor": effects.plain(factor)}
    if effect.get("scope") == "matching_lines":
        return _("%(points)s on the matching items") % {"points": said}
    return said


def _bonus(effect: Said, _names: Names) -> str:
    return clauses(
        [
            _SIDES[effect.get("to")]() % {"points": points_words(effect["points"])},
            _("multiplied along") if effect.get("multiplied") else "",
            _pending(effect.get("pending_days")),
        ]
    )


def points_words(points: int) -> str:
    """So many points."""
    return ngettext("%(points)s point", "%(points)s points", points) % {"points": f"{points:,}"}


_SIDES: Mapping[Any, Callable[[], str]] = {
    None: lambda: "%(points)s",
    "both": lambda: _("%(points)s for each of you"),
    "referrer": lambda: _("%(points)s for the member who refers"),
    "referee": lambda: _("%(points)s for the friend"),
}


def _pending(days: int | None) -> str:
    if not days:
        return ""
    return ngettext("usable after %(days)d day", "usable after %(days)d days", days) % {
        "days": days
    }


def _per_amount(effect: Said, _names: Names) -> str:
    words = {"points": points_words(effect["points"]), "amount": money(effect["amount"])}
    if effect.get("field"):
        words["field"] = events.field_words(effect["field"])
        return _("%(points)s for every %(amount)s of “%(field)s”") % words
    return _("%(points)s for every %(amount)s") % words


def _per_unit(effect: Said, _names: Names) -> str:
    words = {"points": points_words(effect["points"])}
    field = effect.get("field")
    if field and (unit := events.unit_words(field)):
        return _("%(points)s for each %(unit)s") % {**words, "unit": unit}
    if field:
        return _("%(points)s for each “%(field)s”") % {**words, "field": events.field_words(field)}
    return _("%(points)s for each piece") % words


def _status_points(effect: Said, _names: Names) -> str:
    points = effect["points"]
    words = {"points": f"{points:,}"}
    return ngettext("%(points)s status point", "%(points)s status points", points) % words


def _reward(effect: Said, names: Names) -> str:
    code = effect["reward"]
    return _("“%(reward)s” as a gift") % {"reward": names.rewards.get(code, code)}


def _ticket(effect: Said, names: Names) -> str:
    count, draw = effect.get("tickets", 1), effect.get("draw") or ""
    words = {"count": count, "draw": names.draws.get(draw, draw)}
    if draw:
        return (
            ngettext("%(count)d ticket for “%(draw)s”", "%(count)d tickets for “%(draw)s”", count)
            % words
        )
    return ngettext("%(count)d draw ticket", "%(count)d draw tickets", count) % words


_KINDS: Mapping[str, Callable[[Said, Names], str]] = {
    effects.MULTIPLIER: _multiplier,
    effects.BONUS: _bonus,
    effects.PER_AMOUNT: _per_amount,
    effects.PER_UNIT: _per_unit,
    effects.STATUS_POINTS: _status_points,
    effects.GRANT_REWARD: _reward,
    effects.DRAW_TICKET: _ticket,
}
