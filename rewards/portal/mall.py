"""The mall: what points can buy, and one reward with its rules and what it would leave."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loyalty import queries as loyalty_queries
from loyalty.portal.access import ProgramRequest
from loyalty.queries import Figures
from members import queries as member_queries
from members.errors import NotFound
from members.portal.access import member_required
from rewards import queries, showcase
from rewards.models import Reward
from rewards.portal import choices, reward_words, shelves
from rewards.portal.choices import Choice
from rewards.portal.forms import MallForm
from rewards.portal.shelves import Shelf
from rewards.showcase import Item

DROPS = 8


@member_required
def mall(request: ProgramRequest) -> HttpResponse:
    """What the member can get first, then what comes next."""
    at = timezone.now()
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    look = MallForm(request.GET).look()
    items = showcase.items_for(member=request.member, at=at, figures=figures)
    had = showcase.popularity(at=at) if look.sort == shelves.POPULAR else {}
    shelf = shelves.arrange(items=items, look=look, had=had)
    context = {
        "figures": figures,
        "shelf": shelf,
        "categories": _categories(shelf),
        "kind_words": dict(Reward.Kind.choices).get(look.kind, ""),
        "drops": showcase.drops(items=items, at=at)[:DROPS] if shelf.is_first_look else [],
        "at": at,
    }
    return render(request, "portal/mall.html", context)


def _categories(shelf: Shelf) -> list[tuple[Any, str, bool]]:
    """Words, address and whether it is shown now, for what the chips lead to."""
    shown = shelf.look.show if not shelf.look.text else ""
    named: list[tuple[Any, str]] = [(_("What I can get"), shelves.MINE)]
    named += [(pgettext("rewards", "All"), shelves.ALL)]
    named += [(category, category) for category in shelf.categories]
    look = replace(shelf.look, text="", kind="")
    return [(words, look.address(show=show), show == shown) for words, show in named]


# ---- one reward -------------------------------------------------------------------------------------


@member_required
def reward(request: ProgramRequest, code: str) -> HttpResponse:
    """One reward: its price, what is to be chosen, its rules, and what would be left."""
    sight = look_at(request, code)
    offered = sight.choice.variants if sight.choice else []
    context = sight.context() | {
        "rules": reward_words.rules_of(
            sight.reward,
            program=request.program,
            is_for_sessions=any(each.begins_at for each in offered),
        ),
        "similar": [] if sight.may_redeem else _similar(request, sight),
    }
    return render(request, "portal/reward.html", context)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """One reward in front of a member; item and choice are None where it is not on offer."""

    reward: Reward
    item: Item | None
    choice: Choice | None
    figures: Figures
    tiers: dict[str, str]
    is_active: bool
    at: datetime

    @property
    def may_redeem(self) -> bool:
        """Whether the member could redeem it now."""
        is_open = self.is_active and self.item is not None and self.item.is_open
        return is_open and self.choice is not None and not self.choice.missing

    def context(self) -> dict[str, Any]:
        """What every page about it shows."""
        limit = self.item.left_for_member if self.item else None
        return {
            "reward": self.reward,
            "item": self.item,
            "choice": self.choice,
            "figures": self.figures,
            "may_redeem": self.may_redeem,
            "lines": reward_words.price_lines(self.choice.price, tiers=self.tiers)
            if self.choice
            else [],
            "limit_words": reward_words.limit_words(self.reward, left=limit),
            "tier_names": [self.tiers[each] for each in self.reward.tiers if each in self.tiers],
            "at": self.at,
        }


def look_at(request: ProgramRequest, code: str) -> Sight:
    """A reward as the member sees it, with what was chosen so far; raises Http404 when there is none."""
    at = timezone.now()
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    try:
        found = queries.reward(code)
    except NotFound:
        raise Http404 from None
    item = showcase.item_of(reward=found, member=request.member, at=at, figures=figures)
    said = request.POST if request.method == "POST" else request.GET
    choice = None
    if item is not None:
        choice = choices.read(said=said, item=item, member=request.member, at=at, figures=figures)
    return Sight(
        reward=item.reward if item else found,
        item=item,
        choice=choice,
        figures=figures,
        tiers={tier.code: tier.name for tier in member_queries.tiers()},
        is_active=request.member.status == request.member.Status.ACTIVE,
        at=at,
    )


def _similar(request: ProgramRequest, sight: Sight) -> list[Item]:
    items = showcase.items_for(member=request.member, at=sight.at, figures=sight.figures)
    return shelves.similar(items, sight.reward)
