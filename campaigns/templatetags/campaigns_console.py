"""What campaigns contribute to the console's pages: of orders, of the first page, of their own."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import award_queries, editing, linting, queries, wording
from campaigns import explaining as campaigns_explaining
from campaigns.models import Act, Budget, Campaign
from campaigns.phases import Phase, those_in
from loyalty import explaining, programs
from loyalty import wording as loyalty_wording
from loyalty.models import Order

register = template.Library()

RUNNING = 6


@register.simple_tag
def budget_share(budget: Budget) -> int:
    """How much of a budget is used, in whole percent; 100 only when it is."""
    return 100 if budget.used >= budget.points else budget.used * 100 // budget.points


@register.simple_tag
def campaign_sentence(campaign: Campaign) -> str:
    """A campaign in one sentence."""
    return wording.sentence(editing.content(campaign))


@register.simple_tag
def choice_groups(field: BoundField) -> list[tuple[Any, list[dict[str, Any]]]]:
    """The choices of a field as boxes to tick, by group; without groups the title is empty."""
    chosen = {str(each) for each in field.value() or ()}
    choices: Any = field.field.choices  # type: ignore[attr-defined]
    loose: list[dict[str, Any]] = []
    groups: list[tuple[Any, list[dict[str, Any]]]] = []
    for value, label in choices:
        if isinstance(label, list | tuple):
            groups.append((value, [_box(key, name, chosen) for key, name in label]))
        else:
            loose.append(_box(value, label, chosen))
    return [("", loose), *groups] if loose else groups


def _box(value: Any, label: Any, chosen: set[str]) -> dict[str, Any]:
    return {"value": value, "label": label, "is_chosen": str(value) in chosen}


# ---- why an order earned what it did --------------------------------------------------------------
@register.simple_tag
def order_rules(order: Order) -> list[dict[str, Any]]:
    """Every rule that was looked at for an order: conditions in words with what they saw, and what it gave."""
    return _in_words(explaining.rules_for(order), order.explanation)


@register.simple_tag
def act_rules(act: Act) -> list[dict[str, Any]]:
    """Every campaign that was looked at for an event, like `order_rules`."""
    return _in_words(campaigns_explaining.rules_for_act(act), act.explanation)


def _in_words(
    rules: Sequence[dict[str, Any]], explanation: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    names = wording.Names()
    ids = dict(
        Campaign.objects.filter(code__in=[rule["rule"] for rule in rules]).values_list(
            "code", "pk"
        )
    )
    parts = loyalty_wording.parts(explanation)
    said = [_rule(rule, parts, ids, names) for rule in rules]
    return sorted(said, key=lambda rule: not rule["matched"])


def _rule(
    rule: dict[str, Any],
    parts: Sequence[dict[str, Any]],
    ids: dict[str, int],
    names: wording.Names,
) -> dict[str, Any]:
    own = [part for part in parts if part["rule"] == rule["rule"]]
    title = rule["title"] or (own[0]["title"] if own else rule["rule"])
    return {
        **rule,
        "title": title,
        "pk": ids.get(rule["rule"]),
        "parts": [{"words": _part_words(part), "points": part["points"]} for part in own],
        "conditions": [
            {
                **each,
                "words": wording.condition_words(each["name"], each["expected"], names),
                "seen_words": wording.seen_words(each["name"], each["seen"], names),
            }
            for each in rule["conditions"]
        ],
    }


def _part_words(part: dict[str, Any]) -> str:
    if part.get("kind") == "cap":
        return _("Cut by limits")
    return f"{part['title']} × {part['factor']}" if "factor" in part else str(part["title"])


# ---- the first page -------------------------------------------------------------------------------
@register.simple_tag
def running_campaigns() -> list[dict[str, Any]]:
    """The campaigns that run now, those that end first before the others, with what they have given."""
    running = those_in(campaigns=queries.campaigns(), phase=Phase.RUNNING, at=timezone.now())
    found = list(running.order_by("ends_at", "-id")[:RUNNING])
    sums = award_queries.so_far(campaigns=[each.pk for each in found])
    return list(_rows(found, sums))


def _rows(
    found: Sequence[Campaign], sums: dict[int, award_queries.SoFar]
) -> Iterator[dict[str, Any]]:
    names, background = wording.Names(), linting.Background(at=timezone.now())
    for campaign in found:
        has_budget = campaign.limits.get("budget_points") is not None
        yield {
            "campaign": campaign,
            "words": wording.sentence(editing.content(campaign), names),
            "budget": getattr(campaign, "budget", None) if has_budget else None,
            "given": sums[campaign.pk].points,
            "warnings": [each["text"] for each in linting.reward_findings(campaign, background)],
        }


@register.simple_tag
def program_currency() -> str:
    """In which money points are worth something."""
    return programs.current().currency
