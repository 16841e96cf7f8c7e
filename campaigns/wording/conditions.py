"""One condition of a campaign in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from campaigns.wording import events, windows
from campaigns.wording.names import Names, any_of, called, clauses, in_a_row, money

Words = Callable[[Any, Names], str]


def condition_words(name: str, value: Any, names: Names | None = None) -> str:
    """A condition in a few words: "at 静安寺店", "an order of at least ¥50"."""
    words = _WORDS.get(name)
    return f"{name}: {value}" if words is None else words(value, names or Names())


# ---- when -----------------------------------------------------------------------------------------
def weekday(number: int) -> str:
    """A day of the week, 1 for Monday, as it stands in a row of days."""
    return (
        pgettext("weekday in a row", "Monday"),
        pgettext("weekday in a row", "Tuesday"),
        pgettext("weekday in a row", "Wednesday"),
        pgettext("weekday in a row", "Thursday"),
        pgettext("weekday in a row", "Friday"),
        pgettext("weekday in a row", "Saturday"),
        pgettext("weekday in a row", "Sunday"),
    )[number - 1]


def _weekdays(days: Sequence[int], _names: Names) -> str:
    if list(days) == [1, 2, 3, 4, 5]:
        return _("from Monday to Friday")
    return _("every %(days)s") % {"days": in_a_row(weekday(each) for each in days)}


def _month_days(days: Sequence[int], _names: Names) -> str:
    return _("on day %(days)s of the month") % {"days": in_a_row(str(each) for each in days)}


def _hours(hours: Sequence[str], _names: Names) -> str:
    return in_a_row(each.replace("-", "–") for each in hours)


def _window(window: Mapping[str, Any], _names: Names) -> str:
    return windows.window_words(window.get("starts_at"), window.get("ends_at"))


# ---- who ------------------------------------------------------------------------------------------
def _tiers(codes: Sequence[str], names: Names) -> str:
    return _("%(tiers)s members") % {"tiers": called(codes, names.tiers)}


def _segments(codes: Sequence[str], names: Names) -> str:
    return _("members of the segment %(segments)s") % {"segments": called(codes, names.segments)}


def _enrolled_within(days: int, _names: Names) -> str:
    return ngettext(
        "within %(days)d day of enrolment", "within %(days)d days of enrolment", days
    ) % {"days": days}


def _percentage(percentage: int, _names: Names) -> str:
    return _("a pilot with %(percentage)d %% of the members") % {"percentage": percentage}


# ---- how often ------------------------------------------------------------------------------------
def period_words(period: str) -> str:
    """A period as it stands in a condition."""
    return {
        "day": _("in a day"),
        "week": _("in a week"),
        "month": _("in a month"),
        "quarter": _("in a quarter"),
        "year": _("in a year"),
        "ever": _("in all"),
    }[period]


def _every_nth(nth: int, _names: Names) -> str:
    return _("one order in %(nth)d") % {"nth": nth}


def _after_spend(wanted: Mapping[str, Any], _names: Names) -> str:
    return ngettext(
        "after an order of at least %(amount)s within %(days)d day",
        "after an order of at least %(amount)s within %(days)d days",
        wanted["days"],
    ) % {"amount": money(wanted["amount"]), "days": wanted["days"]}


def _period_sum(wanted: Mapping[str, Any], _names: Names) -> str:
    words = {"amount": money(wanted["amount"]), "period": period_words(wanted["period"])}
    return _("with orders of %(amount)s %(period)s") % words


def _period_count(wanted: Mapping[str, Any], _names: Names) -> str:
    period = period_words(wanted["period"])
    if wanted.get("events"):
        count = wanted["events"]
        said = ngettext("%(count)d time %(period)s", "%(count)d times %(period)s", count)
    else:
        count = wanted["orders"]
        said = ngettext(
            "with %(count)d order %(period)s", "with %(count)d orders %(period)s", count
        )
    return said % {"count": count, "period": period}


# ---- events ---------------------------------------------------------------------------------------
def event_words(data: Mapping[str, Any]) -> str:
    """What an event's data have to be."""
    return clauses(_datum(name, wanted) for name, wanted in data.items())


def _datum(name: str, wanted: Any) -> str:
    if name in ("streak", "total", "month_total"):
        return _sign_in(name, wanted)
    field = events.field_words(name)
    if isinstance(wanted, bool):
        return (_("with “%(name)s”") if wanted else _("without “%(name)s”")) % {"name": field}
    if isinstance(wanted, Mapping) and "gte" in wanted:
        return _("“%(name)s” at least %(least)s") % {"name": field, "least": wanted["gte"]}
    if isinstance(wanted, Mapping):
        return _("“%(name)s” a multiple of %(step)s") % {"name": field, "step": wanted["every"]}
    said = {"name": field, "value": events.value_words(wanted)}
    return _("“%(name)s” is %(value)s") % said


def _sign_in(name: str, wanted: Any) -> str:
    """Streaks and sums of sign-ins have words of their own."""
    how = next(iter(wanted)) if isinstance(wanted, Mapping) else ""
    count = next(iter(wanted.values())) if isinstance(wanted, Mapping) else wanted
    templates = {
        "streak": _("on day %(count)s in a row"),
        "streak/gte": _("from day %(count)s in a row on"),
        "streak/every": _("every %(count)s days in a row"),
        "total": _("at sign-in no. %(count)s"),
        "total/gte": _("from sign-in no. %(count)s on"),
        "total/every": _("every %(count)s sign-ins"),
        "month_total": _("at sign-in no. %(count)s of the month"),
        "month_total/gte": _("from sign-in no. %(count)s of the month on"),
        "month_total/every": _("every %(count)s sign-ins of the month"),
    }
    return templates["/".join(each for each in (name, how) if each)] % {"count": count}


# ---- all of them ----------------------------------------------------------------------------------
def _row(template: Callable[[], str]) -> Words:
    """Words of which one is enough."""
    return lambda words, _names: template() % {"words": any_of(words)}


def _plain(template: Callable[[], str]) -> Words:
    return lambda value, _names: template() % {"value": value}


def _amount(template: Callable[[], str]) -> Words:
    return lambda value, _names: template() % {"amount": money(value)}


_WORDS: Mapping[str, Words] = {
    "window": _window,
    "weekdays": _weekdays,
    "month_days": _month_days,
    "hours": _hours,
    "stores": lambda codes, names: _("at %(stores)s") % {"stores": called(codes, names.stores)},
    "channels": _row(lambda: _("through %(words)s")),
    "tiers": _tiers,
    "segments": _segments,
    "min_amount": _amount(lambda: _("an order of at least %(amount)s")),
    "max_amount": _amount(lambda: _("an order of at most %(amount)s")),
    "categories": _row(lambda: _("with %(words)s (category)")),
    "skus": _row(lambda: _("with the item %(words)s")),
    "brands": _row(lambda: _("with %(words)s (brand)")),
    "tags": _row(lambda: _("with an item marked %(words)s")),
    "exclude_categories": _row(lambda: _("not for %(words)s (category)")),
    "exclude_skus": _row(lambda: _("not for the item %(words)s")),
    "exclude_brands": _row(lambda: _("not for %(words)s (brand)")),
    "exclude_tags": _row(lambda: _("not for an item marked %(words)s")),
    "matching_lines": lambda _value, _names: _("one item that meets all of these"),
    "payment_methods": _row(lambda: _("paid by %(words)s")),
    "first_order": lambda _value, _names: _("the first order"),
    "every_nth_order": _every_nth,
    "after_spend": _after_spend,
    "period_sum": _period_sum,
    "period_count": _period_count,
    "enrolled_within_days": _enrolled_within,
    "birthday_month": lambda _value, _names: _("in their birthday month"),
    "percentage": _percentage,
    "event_data": lambda data, _names: event_words(data),
    "coupon": _plain(lambda: _("with the coupon code “%(value)s”")),
}
