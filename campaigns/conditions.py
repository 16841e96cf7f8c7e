"""A campaign's conditions, checked strictly and put into the one form in which they are stored.

What is null, empty or false is not tested and left out. Amounts are text with two decimals.
"""

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from campaigns import triggers
from campaigns.models import Segment
from members import queries as member_queries
from members import validation
from members.errors import InvalidInput
from members.validation import Check

PERIODS = ("day", "week", "month", "quarter", "year", "ever")
MOST_ITEMS = 1_000
MOST_DAYS = 36_500
MOST_ORDERS = 1_000_000
MOST_MONEY = Decimal("999999999999999999.99")
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)


def cleaned(value: object, *, trigger: str, pointer: str = "/conditions") -> dict[str, Any]:
    """The conditions that are tested, in the form they are stored in.

    Raises InvalidInput naming the place: what is unknown, of the wrong kind, nowhere to be found (stores, tiers,
    segments), impossible for the trigger, or contradicts another condition.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(pointer, "invalid", _("This must be an object."))
    said = {
        name: each for name, each in value.items() if name not in CHECKS or not _is_left_out(each)
    }
    given = validation.cleaned(said, CHECKS, pointer)
    _refuse_unfit(given, trigger, pointer)
    for contradiction in CONTRADICTIONS:
        contradiction(given, pointer)
    return given


def _is_left_out(value: object) -> bool:
    return (
        value is None or value is False or (isinstance(value, list | tuple | dict) and not value)
    )


# ---- parts ----------------------------------------------------------------------------------------
def many(check: Check) -> Check:
    """A list of different values, each passed through the check; the order said is kept."""

    def checked(value: object, pointer: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise InvalidInput(pointer, "invalid", _("This must be a list."))
        if len(value) > MOST_ITEMS:
            raise InvalidInput(
                pointer,
                "max_length",
                _("This may have %(most)d entries at most.") % {"most": MOST_ITEMS},
            )
        found = [check(each, f"{pointer}/{place}") for place, each in enumerate(value)]
        return list(dict.fromkeys(found))

    return checked


def existing(known: Callable[[Collection[str]], Collection[str]]) -> Check:
    """A list of codes that `known` finds; the first that is nowhere is named."""

    def checked(value: object, pointer: str) -> list[str]:
        codes: list[str] = many(validation.text(longest=50, shortest=1))(value, pointer)
        found = known(codes)
        for place, code in enumerate(_texts(value)):
            if code not in found:
                raise validation.unknown(code, f"{pointer}/{place}")
        return codes

    return checked


def _texts(value: Any) -> list[str]:
    return [each.strip() for each in value]


def _segments(codes: Collection[str]) -> Collection[str]:
    return set(Segment.objects.filter(code__in=codes).values_list("code", flat=True))


def _tiers(_codes: Collection[str]) -> Collection[str]:
    return {tier.code for tier in member_queries.tiers()}


def money(*, least: Decimal = Decimal(0)) -> Check:
    """An amount as text with two decimals."""

    def checked(value: object, pointer: str) -> str:
        amount: Decimal = validation.decimal(places=2, most=MOST_MONEY)(value, pointer)
        if amount < least:
            raise InvalidInput(
                pointer, "min_value", _("This must be at least %(least)s.") % {"least": least}
            )
        return f"{amount:.2f}"

    return checked


def parts(checks: Mapping[str, Check], required: Collection[str]) -> Check:
    """An object of just these parts."""

    def checked(value: object, pointer: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise InvalidInput(pointer, "invalid", _("This must be an object."))
        said = {name: each for name, each in value.items() if each is not None or name in required}
        validation.require(said, required, pointer)
        return validation.cleaned(said, checks, pointer)

    return checked


def _hours(value: object, pointer: str) -> str:
    plain: str = validation.text(longest=11)(value, pointer)
    if not HOURS.fullmatch(plain):
        raise InvalidInput(
            pointer, "invalid", _("Give hours as 11:30-13:30; the end may be 24:00.")
        )
    start, end = plain.split("-")
    if start == end:
        raise InvalidInput(
            pointer, "empty_window", _("This window is empty: it ends when it starts.")
        )
    return plain


def _count(value: object, pointer: str) -> dict[str, Any]:
    checks = {"period": PERIOD, "orders": COUNT, "events": COUNT}
    found: dict[str, Any] = parts(checks, ["period"])(value, pointer)
    if len(found) != 2:
        raise InvalidInput(
            f"{pointer}/orders", "required", _("Say how many orders, or how many events.")
        )
    return found


def _event_data(value: object, pointer: str) -> dict[str, Any]:
    said: dict[str, Any] = validation.json_object(longest=2_000)(value, pointer)
    return {
        validation.text(longest=50, shortest=1)(name, pointer): _wanted(
            each, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        )
        for name, each in said.items()
    }


def _wanted(value: object, pointer: str) -> object:
    """What a field of an event has to be: the value itself, at least a number, or a multiple of one."""
    if isinstance(value, Mapping) and len(value) == 1:
        return parts({"gte": _number, "every": COUNT}, list(value))(value, pointer)
    if not _is_plain(value):
        raise InvalidInput(
            pointer,
            "invalid",
            _("Give a text, a number, true or false, or an object with “gte” or “every”."),
        )
    return value


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _number(value: object, pointer: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(pointer, "invalid", _("This must be a number."))
    return value


COUNT = validation.whole_number(least=1, most=MOST_ORDERS)
DAYS = validation.whole_number(least=1, most=MOST_DAYS)
PERIOD = validation.choice(PERIODS)
POSITIVE = money(least=Decimal("0.01"))


def _words(longest: int) -> Check:
    return many(validation.text(longest=longest, shortest=1))


# ---- all of them ----------------------------------------------------------------------------------
OF_TIME: Mapping[str, Check] = {
    "weekdays": many(validation.whole_number(least=1, most=7)),
    "month_days": many(validation.whole_number(least=1, most=31)),
    "hours": many(_hours),
}
OF_MEMBER: Mapping[str, Check] = {
    "stores": existing(member_queries.stores_by_code),
    "channels": _words(50),
    "tiers": existing(_tiers),
    "segments": existing(_segments),
    "enrolled_within_days": DAYS,
    "birthday_month": validation.flag,
    "percentage": validation.whole_number(least=1, most=100),
    "period_count": _count,
}
OF_LINES: Mapping[str, Check] = {
    "categories": _words(100),
    "skus": _words(100),
    "brands": _words(100),
    "tags": _words(50),
    "exclude_categories": _words(100),
    "exclude_skus": _words(100),
    "exclude_brands": _words(100),
    "exclude_tags": _words(50),
}
OF_ORDER: Mapping[str, Check] = {
    **OF_LINES,
    "min_amount": money(),
    "max_amount": money(),
    "payment_methods": _words(50),
    "first_order": validation.flag,
    "every_nth_order": COUNT,
    "after_spend": parts({"amount": POSITIVE, "days": DAYS}, ["amount", "days"]),
    "period_sum": parts({"period": PERIOD, "amount": POSITIVE}, ["period", "amount"]),
    "coupon": validation.text(longest=100, shortest=1),
}
OF_EVENT: Mapping[str, Check] = {"event_data": _event_data}
CHECKS: Mapping[str, Check] = {**OF_TIME, **OF_MEMBER, **OF_ORDER, **OF_EVENT}


def _refuse_unfit(given: Mapping[str, Any], trigger: str, pointer: str) -> None:
    """Refuse what cannot be looked at when the trigger fires."""
    has_order = triggers.has_order(trigger)
    impossible = [name for name in given if name in (OF_EVENT if has_order else OF_ORDER)]
    if has_order and "events" in given.get("period_count", {}):
        impossible.append("period_count/events")
    if impossible:
        raise InvalidInput(
            f"{pointer}/{impossible[0]}",
            "not_for_trigger",
            _("This cannot be tested when the campaign is set off by “%(trigger)s”.")
            % {"trigger": triggers.label(trigger)},
        )


# ---- contradictions -------------------------------------------------------------------------------
def _refuse_amounts_crossed(given: Mapping[str, Any], pointer: str) -> None:
    least, most = given.get("min_amount"), given.get("max_amount")
    if least is not None and most is not None and Decimal(least) > Decimal(most):
        raise InvalidInput(
            f"{pointer}/max_amount",
            "below_min_amount",
            _("No amount is at least %(least)s and at most %(most)s.")
            % {"least": least, "most": most},
        )


def _refuse_wanted_and_excluded(given: Mapping[str, Any], pointer: str) -> None:
    for kind in ("categories", "skus", "brands", "tags"):
        wanted = set(given.get(kind, ()))
        for place, word in enumerate(given.get(f"exclude_{kind}", ())):
            if word in wanted:
                raise InvalidInput(
                    f"{pointer}/exclude_{kind}/{place}",
                    "contradiction",
                    _("“%(word)s” is both required and excluded.") % {"word": word},
                )


def _refuse_no_first_order(given: Mapping[str, Any], pointer: str) -> None:
    """With channels, the first order is the first in one of them and may well follow others."""
    if "first_order" not in given or "channels" in given:
        return
    crossed = {
        "every_nth_order": given.get("every_nth_order", 1) > 1,
        "after_spend": "after_spend" in given,
        "period_count": given.get("period_count", {}).get("orders", 1) > 1,
    }
    for name, is_crossed in crossed.items():
        if is_crossed:
            raise InvalidInput(
                f"{pointer}/{name}",
                "contradiction",
                _("A member's first order has none before it, so this can never hold."),
            )


CONTRADICTIONS = (
    _refuse_amounts_crossed,
    _refuse_wanted_and_excluded,
    _refuse_no_first_order,
)
