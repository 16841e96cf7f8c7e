"""How a price came about, in words."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from members import queries as member_queries


def sentences(steps: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """What each step of a price did, with the points up to there."""
    return [(_sentence(step), step["points"]) for step in steps]


def _sentence(step: Mapping[str, Any]) -> str:
    kind = step["kind"]
    if kind == "tier":
        names = {tier.code: str(tier.name) for tier in member_queries.tiers()}
        return _("Price for %(tier)s") % {"tier": names.get(step["tier"], step["tier"])}
    return _WORDS[kind]() % _shown(step)


def _shown(step: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a step as people read them."""
    shown = dict(step)
    if step["kind"] == "demand":
        shown["usual"] = _plain(Decimal(step["before"]) / 4)
    return shown


def _plain(number: Decimal) -> str:
    text = f"{number:.2f}"
    return text.rstrip("0").rstrip(".")


_WORDS = {
    "base": lambda: _("Price in the catalogue"),
    "stock": lambda: _("Only %(left)s of %(start)s are left: × %(factor)s"),
    "season": lambda: _("Season from %(from)s to %(to)s: × %(factor)s"),
    "demand": lambda: _(
        "%(lately)s redeemed in the last 7 days, in a usual week %(usual)s: × %(factor)s"
    ),
    "floor": lambda: _("Not below %(factor)s times the price"),
    "ceiling": lambda: _("Not above %(factor)s times the price"),
    "step": lambda: _("Rounded up to %(step)s points"),
    "offer": lambda: _("Offer %(offer)s"),
    "variant": lambda: _("Variant %(variant)s: %(extra_points)s points on top"),
}
