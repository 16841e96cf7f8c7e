"""Campaigns that an order looked at and did not meet: why there were not more points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from campaigns import explaining
from campaigns.models import Campaign
from campaigns.occasions import ORDER
from campaigns.offers import CHOSEN
from campaigns.wording import Names, condition_words
from loyalty.models import Order

MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A public campaign by name, with the conditions that did not hold, in words."""

    name: str
    unmet: Sequence[str]


def missed(order: Order) -> list[Missed]:
    """The public campaigns in force that gave nothing for an order of a member; those for chosen members are left out."""
    looked_at = [each for each in explaining.rules_for(order) if not each["matched"]]
    shown = set(
        Campaign.objects.filter(
            code__in=[each["rule"] for each in looked_at], is_public=True, trigger=ORDER
        ).values_list("code", flat=True)
    )
    names = Names()
    found = [
        Missed(name=each["title"], unmet=_unmet(each["conditions"], names))
        for each in looked_at
        if each["rule"] in shown and not _is_for_others(each["conditions"])
    ]
    return [each for each in found if each.unmet][:MOST]


def _is_for_others(conditions: Sequence[dict[str, Any]]) -> bool:
    """Out of its window, or for members whom the shop has chosen."""
    return any(not each["met"] and each["name"] in ("window", *CHOSEN) for each in conditions)


def _unmet(conditions: Sequence[dict[str, Any]], names: Names) -> list[str]:
    return [
        condition_words(each["name"], each["expected"], names)
        for each in conditions
        if not each["met"]
    ]
