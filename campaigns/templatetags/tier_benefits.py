"""What a member's tier gives by itself, and what of it has been given."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import benefits
from members import benefits as tier_benefits
from members.models import Member, Tier

register = template.Library()


@dataclass(frozen=True, slots=True)
class Row:
    """A benefit for the page: its name, what it gives and how often, and how it stands now."""

    name: str
    what: str
    given: benefits.Given | None


@register.simple_tag
def benefits_of(member: Member, tier: Tier) -> list[Row]:
    """The benefits of a tier as the member has them."""
    given = benefits.given(member=member, tier=tier, at=timezone.now())
    return [
        Row(benefit.name, _what(benefit), given.get(benefit.code))
        for benefit in tier_benefits.of_tier(tier)
    ]


def _what(benefit: tier_benefits.Benefit) -> str:
    kind: Any = tier_benefits.KINDS.get(benefit.kind)
    if not benefit.is_given:
        return "" if kind is None or str(kind) == benefit.name else str(kind)
    often = _often(benefit)
    if not benefit.points:
        return often
    points = ngettext("%(points)s point", "%(points)s points", benefit.points)
    return _("%(points)s, %(often)s") % {
        "points": points % {"points": f"{benefit.points:,}"},
        "often": often,
    }


def _often(benefit: tier_benefits.Benefit) -> str:
    if benefit.kind == tier_benefits.BIRTHDAY_GIFT:
        return _("on your birthday")
    return {
        "week": _("every week"),
        "month": _("every month"),
        "quarter": _("every quarter"),
        "year": _("every year"),
        "ever": _("once"),
    }[benefit.period]
