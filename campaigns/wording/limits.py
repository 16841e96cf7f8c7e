"""How much a campaign gives at most, in words."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from campaigns import effects
from campaigns.wording.names import clauses

Said = Mapping[str, Any]


def limit_words(limits: Said, effect: Said) -> str:
    """The limits in words, empty without any: "at most 500 points for each member, 10,000 in all"."""
    templates = _TEMPLATES.get(effect.get("type", ""), _points)()
    said = [
        template % {"count": f"{limits[name]:,}"}
        for name, template in templates.items()
        if limits.get(name) is not None
    ]
    if said and limits.get("on_exceed") == "refuse":
        said.append(_("nothing is given when less than the full amount is left"))
    return clauses(said)


def _points() -> dict[str, str]:
    return {
        "per_member_per_day": _("at most %(count)s points per member a day"),
        "per_member_per_month": _("at most %(count)s points per member a month"),
        "per_member": _("at most %(count)s points per member"),
        "budget_points": _("%(count)s points in all"),
    }


def _status_points() -> dict[str, str]:
    return {
        "per_member_per_day": _("at most %(count)s status points per member a day"),
        "per_member_per_month": _("at most %(count)s status points per member a month"),
        "per_member": _("at most %(count)s status points per member"),
        "budget_points": _("%(count)s status points in all"),
    }


def _pieces() -> dict[str, str]:
    return {
        "per_member_per_day": _("at most %(count)s per member a day"),
        "per_member_per_month": _("at most %(count)s per member a month"),
        "per_member": _("at most %(count)s per member"),
        "budget_points": _("%(count)s in all"),
    }


_TEMPLATES: Mapping[str, Callable[[], dict[str, str]]] = {
    effects.STATUS_POINTS: _status_points,
    effects.GRANT_REWARD: _pieces,
    effects.DRAW_TICKET: _pieces,
}
