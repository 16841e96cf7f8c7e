"""A whole campaign in one sentence."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns import occasions
from campaigns.wording.conditions import condition_words
from campaigns.wording.effects import effect_words
from campaigns.wording.events import EVENTS
from campaigns.wording.limits import limit_words
from campaigns.wording.names import Names, clauses
from campaigns.wording.windows import window_words

Content = Mapping[str, Any]
WHEN = ("weekdays", "month_days", "hours")
HEAD = (*WHEN, "tiers", "segments", "stores")


def sentence(content: Content, names: Names | None = None) -> str:
    """A campaign's content (as `editing.content` writes it) in one sentence, in the language of the reader.

    "On Dec 1, 2026, gold members who order at 静安寺店: double points; at most 500 points per member."
    One `Names` serves a whole page of campaigns; alone it asks at most four small queries.
    """
    known = names or Names()
    said = _("%(rule)s: %(effect)s") % {
        "rule": head(content, known),
        "effect": effect_words(content["effect"], known),
    }
    if limits := limit_words(content.get("limits") or {}, content["effect"]):
        said = _("%(rule)s; %(limits)s") % {"rule": said, "limits": limits}
    said += pgettext("end of a sentence", ".")
    return said[:1].upper() + said[1:]


def head(content: Content, names: Names | None = None) -> str:
    """When, who, where and for what a campaign gives: the sentence without the effect."""
    known = names or Names()
    conditions = content.get("conditions") or {}
    when = [
        window_words(content.get("starts_at"), content.get("ends_at")),
        *(condition_words(name, conditions[name], known) for name in WHEN if conditions.get(name)),
    ]
    others = [
        condition_words(name, value, known)
        for name, value in conditions.items()
        if name not in HEAD and value not in (None, False, [], {}, "")
    ]
    return clauses([*when, _who(conditions, content["trigger"], known), *others])


def _who(conditions: Content, trigger: str, names: Names) -> str:
    """Who does what and where: "gold members who order at 静安寺店"."""
    stores = conditions.get("stores")
    said = _("%(who)s who %(act)s %(where)s") % {
        "who": _whom(conditions, names),
        "act": act_words(trigger),
        "where": condition_words("stores", stores, names) if stores else "",
    }
    return " ".join(said.split())


def _whom(conditions: Content, names: Names) -> str:
    tiers, segments = conditions.get("tiers"), conditions.get("segments")
    if tiers and segments:
        return _("%(tiers)s and also %(segments)s") % {
            "tiers": condition_words("tiers", tiers, names),
            "segments": condition_words("segments", segments, names),
        }
    if tiers:
        return condition_words("tiers", tiers, names)
    return condition_words("segments", segments, names) if segments else _("all members")


def act_words(trigger: str) -> str:
    """What a member does that sets a campaign off, as it follows "who"."""
    known = {
        occasions.ORDER: pgettext("what members do", "order"),
        occasions.ENROLLED: pgettext("what members do", "enrol"),
        occasions.PROFILE_COMPLETED: pgettext("what members do", "complete their profile"),
        occasions.CHECK_IN: pgettext("what members do", "sign in for the day"),
        occasions.REFERRAL: pgettext(
            "what members do", "bring a friend who orders for the first time"
        ),
        occasions.BIRTHDAY: pgettext("what members do", "have their birthday"),
        occasions.ANNIVERSARY: pgettext(
            "what members do", "have the anniversary of their enrolment"
        ),
        occasions.TIER_UPGRADED: pgettext("what members do", "reach a higher tier"),
    }
    if trigger in EVENTS:
        return EVENTS[trigger]()
    return known.get(trigger) or pgettext("what members do", "do “%(event)s”") % {"event": trigger}
