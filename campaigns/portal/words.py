"""Campaigns, milestones and tasks as members read them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import effects
from campaigns.calendars import Calendar
from campaigns.models import Campaign
from campaigns.offers import CHOSEN, PERSONAL, Chance, Offer
from campaigns.outlooks import Coming
from campaigns.wording import Names, condition_words, effect_words, limit_words, sentence
from campaigns.wording.effects import points_words

ICONS = {
    "order.paid": "receipt",
    "review": "edit",
    "share": "give",
    "survey": "task",
    "article": "text",
    "member.profile_completed": "user",
    "member.enrolled": "user",
    "referral.converted": "heart",
    "check_in": "calendar",
    "birthday": "gift",
    "anniversary": "star",
    "tier.upgraded": "star",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A day that brings more, as it is shown: after how many days, what, and whether it is no points."""

    coming: Coming
    days: str
    gain: str
    icon: str


def milestones(shown: Calendar, names: Names) -> list[Milestone]:
    """The next days that bring more."""
    return [_milestone(each, names) for each in shown.outlook.milestones]


def _milestone(coming: Coming, names: Names) -> Milestone:
    template = {
        "streak": ngettext("%(days)d day", "%(days)d days", coming.reached),
        "total": ngettext("%(days)d in all", "%(days)d in all", coming.reached),
        "month_total": ngettext("%(days)d this month", "%(days)d this month", coming.reached),
    }[coming.kind]
    gifts = [effect_words(rule.effect, names) for rule in coming.gifts]
    gain = [points_words(coming.extra)] if coming.extra else []
    return Milestone(
        coming=coming,
        days=template % {"days": coming.reached},
        gain=_(", ").join([*gain, *gifts]),
        icon="sprout" if coming.extra else "gift",
    )


# ---- campaigns --------------------------------------------------------------------------------------
def told(campaign: Campaign, names: Names) -> str:
    """What a campaign is about: the shop's own words, else its rule."""
    if campaign.description:
        return campaign.description
    conditions = {name: value for name, value in campaign.conditions.items() if name not in CHOSEN}
    content = {"trigger": campaign.trigger, "conditions": conditions, "effect": campaign.effect}
    return sentence(content, names)


def mark(campaign: Campaign) -> str:
    """The large sign on a campaign's card: ×2, +100; empty where it gives neither."""
    effect = campaign.effect
    if effect["type"] == effects.MULTIPLIER:
        return f"×{effects.plain(Decimal(effect['value']))}"
    return f"+{effect['points']:,}" if effect["type"] == effects.BONUS else ""


def gain(campaign: Campaign, names: Names) -> str:
    """What it brings, as short as can be: +100, or in words."""
    if campaign.effect["type"] == effects.BONUS:
        return mark(campaign)
    return effect_words(campaign.effect, names)


def icon_of(campaign: Campaign) -> str:
    """The drawing for what a campaign is about."""
    return ICONS.get(campaign.trigger, "sprout")


def demands(campaign: Campaign, names: Names) -> list[str]:
    """What it takes beside being the right member, one condition each."""
    return [
        condition_words(name, value, names)
        for name, value in campaign.conditions.items()
        if name not in PERSONAL and value not in (None, False, [], {}, "")
    ]


def limits(campaign: Campaign) -> str:
    """How much there is at most."""
    return limit_words(campaign.limits, campaign.effect)


# ---- am I in? ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One line of "am I in?"."""

    text: str
    is_met: bool


def answers(offer: Offer, tier: str, names: Names) -> list[Answer]:
    """How the member stands to each condition, in words; one line for being meant at all."""
    found = [
        Answer(text=_chance(each, tier, names), is_met=each.is_met)
        for each in offer.chances
        if each.name not in CHOSEN
    ]
    if offer.is_chosen:
        found.insert(0, Answer(text=_("You have been invited to take part."), is_met=True))
    elif not found:
        found.append(Answer(text=_("It is open to every member, including you."), is_met=True))
    return found


def _chance(chance: Chance, tier: str, names: Names) -> str:
    words: dict[str, Any] = {
        "rule": condition_words(chance.name, chance.expected, names),
        "seen": chance.seen,
        "tier": tier,
    }
    return _CHANCES[chance.name](chance, words)


def _of_tiers(chance: Chance, words: dict[str, Any]) -> str:
    if chance.is_met:
        return _("It is for %(rule)s, and you are one.") % words
    return _("It is for %(rule)s; you are a %(tier)s member.") % words


def _of_enrolment(chance: Chance, _words: dict[str, Any]) -> str:
    said = {"days": chance.expected, "seen": chance.seen}
    if chance.is_met:
        return (
            ngettext(
                "It is for the first %(days)d day of a membership (days so far: %(seen)d).",
                "It is for the first %(days)d days of a membership (days so far: %(seen)d).",
                chance.expected,
            )
            % said
        )
    return (
        ngettext(
            "It was for the first %(days)d day of a membership (days so far: %(seen)d).",
            "It was for the first %(days)d days of a membership (days so far: %(seen)d).",
            chance.expected,
        )
        % said
    )


def _of_birthday(chance: Chance, _words: dict[str, Any]) -> str:
    if chance.seen is None:
        return _("It is for your birthday month, but we do not know your birthday yet.")
    if chance.is_met:
        return _("It is for your birthday month, and this is it.")
    return _("It is for your birthday month, which is not this month.")


def _of_first_order(chance: Chance, _words: dict[str, Any]) -> str:
    if chance.is_met:
        return _("It is for your first order, which you have yet to place.")
    return _("It is for the first order; you have already placed yours.")


def _of_nth_order(chance: Chance, _words: dict[str, Any]) -> str:
    left = (chance.expected - chance.seen % chance.expected) % chance.expected
    if not left:
        return _("One order in %(nth)d counts, and your next one does.") % {"nth": chance.expected}
    return ngettext(
        "One order in %(nth)d counts: %(left)d more before it.",
        "One order in %(nth)d counts: %(left)d more before it.",
        left,
    ) % {"nth": chance.expected, "left": left}


def _of_spending(chance: Chance, words: dict[str, Any]) -> str:
    if chance.is_met:
        return _("Condition: %(rule)s. Your last order met it, so your next one counts.") % words
    return _("Condition: %(rule)s.") % words


def _of_sum(chance: Chance, words: dict[str, Any]) -> str:
    return _("Condition: %(rule)s. So far: ¥%(seen)s.") % words


def _of_count(chance: Chance, words: dict[str, Any]) -> str:
    # The condition counts the order under judgement; here is none.
    return _("Condition: %(rule)s. So far: %(seen)s.") % {**words, "seen": chance.seen - 1}


_CHANCES = {
    "tiers": _of_tiers,
    "enrolled_within_days": _of_enrolment,
    "birthday_month": _of_birthday,
    "first_order": _of_first_order,
    "every_nth_order": _of_nth_order,
    "after_spend": _of_spending,
    "period_sum": _of_sum,
    "period_count": _of_count,
}


def days_left(end: datetime | None, at: datetime) -> int | None:
    """Days until something is over, today's included; None: it has no end."""
    if end is None:
        return None
    last = timezone.localdate(end - timedelta(microseconds=1))
    return (last - timezone.localdate(at)).days + 1
