"""A reward's rules and its price in words, for the member who looks at it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from loyalty.models import Program
from members import queries as member_queries
from members.templatetags.portal import day, full_stamp, last_day, money, points
from rewards.floating import Step
from rewards.models import Reward
from rewards.prices import Price
from rewards.voucher_errors import day_names

NAMED_STORES = 6


# ---- the price --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A step of a price: what it is, why, and the points up to there."""

    title: str
    detail: str
    points: int


def price_lines(price: Price, *, tiers: Mapping[str, str]) -> list[Line]:
    """How a price came about, line by line; `tiers` are names by code. Nothing where the price is simply the price."""
    if len(price.steps) < 2:
        return []
    return [_line(step, price, tiers) for step in price.steps]


def _line(step: Step, price: Price, tiers: Mapping[str, str]) -> Line:
    kind = step["kind"]
    if kind == "tier":
        tier = tiers.get(step["tier"], step["tier"])
        title = pgettext("a price", "Price for %(tier)s") % {"tier": tier}
        return Line(title, "", step["points"])
    if kind == "offer":
        return Line(price.offer.name if price.offer else _("Offer"), "", step["points"])
    title, detail = _WORDS[kind](step)
    factor = "" if "factor" not in step else f"× {step['factor']}"
    return Line(title, " · ".join(filter(None, [detail, factor])), step["points"])


_WORDS: dict[str, Callable[[Step], tuple[str, str]]] = {
    "base": lambda step: (pgettext("a price", "Usual price"), ""),
    "stock": lambda step: (
        pgettext("a price", "Few left"),
        _("%(left)s of %(start)s")
        % {"left": points(step["left"]), "start": points(step["start"])},
    ),
    "season": lambda step: (
        pgettext("a price", "Season"),
        _("from %(first)s to %(last)s") % {"first": _day(step["from"]), "last": _day(step["to"])},
    ),
    "demand": lambda step: (
        pgettext("a price", "In demand"),
        _("%(pieces)s redeemed in the last 7 days") % {"pieces": points(step["lately"])},
    ),
    "floor": lambda step: (pgettext("a price", "At least"), ""),
    "ceiling": lambda step: (pgettext("a price", "At most"), ""),
    "step": lambda step: (
        pgettext("a price", "Rounded up"),
        _("to the next %(step)s") % {"step": points(step["step"])},
    ),
    "variant": lambda step: (
        pgettext("a price", "Extra for this choice"),
        f"+ {points(step['extra_points'])}",
    ),
}


def _day(month_and_day: str) -> str:
    # Any leap year has all days.
    moment = datetime.fromisoformat(f"2000-{month_and_day}")
    return date_format(moment, pgettext("date format", "M j"))


# ---- the rules --------------------------------------------------------------------------------------


def rules_of(reward: Reward, *, program: Program, is_for_sessions: bool = False) -> list[str]:
    """What one has to know before redeeming: the merchant's own rules first."""
    own = [rule.strip() for rule in reward.terms.splitlines() if rule.strip()]
    return [
        *own,
        *_worth(reward, program.currency),
        *_places(reward),
        *(_validity_of_session() if is_for_sessions else _validity(reward)),
        *_handing_over(reward),
        *_way_back(reward),
    ]


def _worth(reward: Reward, currency: str) -> Iterator[str]:
    if reward.discount_amount:
        yield _("Takes %(sum)s off.") % {"sum": money(reward.discount_amount, currency)}
    if reward.discount_percent:
        yield _("Takes %(percent)s %% off.") % {"percent": _plain(reward.discount_percent)}
    if reward.min_spend:
        yield _("For orders of %(sum)s or more.") % {"sum": money(reward.min_spend, currency)}


def _places(reward: Reward) -> Iterator[str]:
    if reward.stores:
        known = member_queries.stores_by_code(reward.stores)
        names = [known[code].name for code in reward.stores if code in known]
        words = {"names": " · ".join(names[:NAMED_STORES]), "number": len(names)}
        if len(names) > NAMED_STORES:
            yield _("Good in %(number)s stores, including %(names)s.") % words
        elif names:
            yield _("Good in: %(names)s.") % words
    if reward.weekdays:
        yield _("Good on: %(days)s.") % {"days": day_names(reward.weekdays)}


def _validity_of_session() -> Iterator[str]:
    yield _("The voucher is good until the end of the day of the session.")


def _validity(reward: Reward) -> Iterator[str]:
    if reward.kind == Reward.Kind.DONATION or reward.delivery == Reward.Delivery.SHIPPING:
        return
    if reward.valid_from_days:
        yield ngettext(
            "Good from %(days)d day after redeeming.",
            "Good from %(days)d days after redeeming.",
            reward.valid_from_days,
        ) % {"days": reward.valid_from_days}
    if reward.valid_days:
        yield ngettext(
            "Good for %(days)d day after redeeming.",
            "Good for %(days)d days after redeeming.",
            reward.valid_days,
        ) % {"days": reward.valid_days}
    if reward.valid_until:
        yield _("Good until %(day)s at the latest.") % {"day": day(last_day(reward.valid_until))}


def _handing_over(reward: Reward) -> Iterator[str]:
    if reward.ends_at:
        yield _("On offer until %(moment)s.") % {"moment": full_stamp(reward.ends_at)}
    if reward.kind == Reward.Kind.PARTNER_CODE and reward.partner:
        yield _("You get a code from %(partner)s.") % {"partner": reward.partner}
    elif reward.partner:
        yield _("In partnership with %(partner)s.") % {"partner": reward.partner}
    if reward.kind == Reward.Kind.CONTENT:
        yield _("Opens right after redeeming, and stays yours.")
    elif reward.kind == Reward.Kind.DRAW_TICKET:
        one = _("A ticket for one go at the draw.")
        yield one if reward.draw_id else _("A ticket for one go at any draw.")
    elif reward.kind not in {Reward.Kind.DONATION, Reward.Kind.PARTNER_CODE} and (
        reward.delivery in {Reward.Delivery.NONE, Reward.Delivery.PICK_UP}
    ):
        yield _("Show the voucher at the till; it is used once.")


def _way_back(reward: Reward) -> Iterator[str]:
    if reward.kind == Reward.Kind.DONATION:
        yield _("A donation is final and cannot be cancelled.")
        return
    if reward.cash:
        yield ngettext(
            "It is set aside for %(minutes)d minute while you pay the rest at the counter.",
            "It is set aside for %(minutes)d minutes while you pay the rest at the counter.",
            reward.draft_minutes,
        ) % {"minutes": reward.draft_minutes}
    if reward.kind == Reward.Kind.PARTNER_CODE:
        yield _("You see the code right away, so it cannot be cancelled afterwards.")
    elif reward.kind == Reward.Kind.EXPERIENCE:
        yield _(
            "You can cancel until it begins; the points come back with their original expiry date."
        )
    elif reward.delivery == Reward.Delivery.SHIPPING:
        yield _(
            "You can cancel until it is sent; the points come back with their original expiry "
            "date."
        )
    else:
        yield _(
            "You can cancel until it is used; the points come back with their original expiry "
            "date."
        )


def limit_words(reward: Reward, *, left: int | None) -> str:
    """How many the member may still have; empty without a limit."""
    if reward.per_member is None or left is None:
        return ""
    words: Mapping[str, Callable[[dict[str, Any]], str]] = {
        Reward.Period.DAY: lambda said: (
            _("Limit of %(limit)d per member a day; you have %(left)d left today.") % said
        ),
        Reward.Period.MONTH: lambda said: (
            _("Limit of %(limit)d per member a month; you have %(left)d left this month.") % said
        ),
        Reward.Period.EVER: lambda said: (
            _("Limit of %(limit)d per member; you have %(left)d left.") % said
        ),
    }
    return words[reward.per_member_period]({"limit": reward.per_member, "left": left})


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
