"""Conditions on when, where and how much: calendar, clock, store, channel, amount, payment, coupon, event data. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from campaigns.checks import Check
from campaigns.occasions import Occasion

_WINDOW = re.compile(r"^([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})$")


def of(conditions: Mapping[str, Any], _content: Mapping[str, Any]) -> list[Check]:
    """The checks of these kinds that are given."""
    found = []
    for name, make in _MAKERS.items():
        value = conditions.get(name)
        if value not in (None, [], {}, False, ""):
            found.append(make(value))
    return found


def minutes_of(window: str) -> tuple[int, int]:
    """Start and end of a window "11:30-13:30" in minutes of the day; raises ValueError."""
    match = _WINDOW.match(window)
    if match is None:
        raise ValueError(window)
    hour, minute, end_hour, end_minute = (int(part) for part in match.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or start >= 1440 or end > 1440 or start == end:
        raise ValueError(window)
    return start, end


def _weekdays(days: list[int]) -> Check:
    wanted = frozenset(days)
    return Check(
        name="weekdays",
        expected=list(days),
        test=lambda o: o.day.isoweekday() in wanted,
        seen=lambda o: o.day.isoweekday(),
        axis="weekday",
        among=wanted,
    )


def _month_days(days: list[int]) -> Check:
    wanted = frozenset(days)
    return Check(
        name="month_days",
        expected=list(days),
        test=lambda o: o.day.day in wanted,
        seen=lambda o: o.day.day,
        axis="month_day",
        among=wanted,
    )


def _hours(windows: list[str]) -> Check:
    minutes: set[int] = set()
    for window in windows:
        start, end = minutes_of(window)
        spans = [(start, end)] if start < end else [(start, 1440), (0, end)]
        minutes.update(minute for span in spans for minute in range(*span))
    return Check(
        name="hours",
        expected=list(windows),
        test=lambda o: o.minute in minutes,
        seen=lambda o: f"{o.local:%H:%M}",
        axis="minute",
        among=frozenset(minutes),
    )


def _one_of(name: str, attribute: str) -> Any:
    def make(codes: list[str]) -> Check:
        wanted = frozenset(codes)
        return Check(
            name=name,
            expected=list(codes),
            test=lambda o: getattr(o, attribute) in wanted,
            seen=lambda o: getattr(o, attribute),
            axis=attribute,
            among=wanted,
        )

    return make


def _min_amount(least: str) -> Check:
    amount = Decimal(str(least))
    return Check(
        name="min_amount",
        expected=f"{amount:.2f}",
        test=lambda o: o.amount >= amount,
        seen=lambda o: f"{o.amount:.2f}",
    )


def _max_amount(most: str) -> Check:
    amount = Decimal(str(most))
    return Check(
        name="max_amount",
        expected=f"{amount:.2f}",
        test=lambda o: o.amount <= amount,
        seen=lambda o: f"{o.amount:.2f}",
    )


def _payment_methods(methods: list[str]) -> Check:
    wanted = frozenset(methods)
    return Check(
        name="payment_methods",
        expected=list(methods),
        test=lambda o: not wanted.isdisjoint(o.methods),
        seen=lambda o: sorted(o.methods),
    )


def _coupon(code: str) -> Check:
    wanted = code.strip().casefold()
    return Check(
        name="coupon",
        expected=code,
        test=lambda o: o.coupon.strip().casefold() == wanted,
        seen=lambda o: o.coupon,
        axis="coupon",
        among=frozenset({wanted}),
    )


def _event_data(wanted: Mapping[str, Any]) -> Check:
    tests = [(name, *_datum(value)) for name, value in wanted.items()]

    def test(occasion: Occasion) -> bool:
        return all(
            name in occasion.data and compare(occasion.data[name], value)
            for name, compare, value in tests
        )

    return Check(
        name="event_data",
        expected=dict(wanted),
        test=test,
        seen=lambda o: {name: o.data.get(name) for name in wanted},
    )


def _datum(value: Any) -> tuple[Any, Any]:
    """How a field of an event is compared: equal, at least (`gte`), a multiple of (`every`)."""
    if isinstance(value, Mapping) and set(value) == {"gte"}:
        return _at_least, value["gte"]
    if isinstance(value, Mapping) and set(value) == {"every"}:
        return _multiple, value["every"]
    return _equal, value


def _equal(seen: Any, wanted: Any) -> bool:
    # True is not 1.
    return isinstance(seen, bool) == isinstance(wanted, bool) and bool(seen == wanted)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        return None
    return found if found.is_finite() else None


def _at_least(seen: Any, wanted: Any) -> bool:
    number, least = _number(seen), _number(wanted)
    return number is not None and least is not None and number >= least


def _multiple(seen: Any, wanted: Any) -> bool:
    return type(seen) is int and seen > 0 and seen % int(wanted) == 0


_MAKERS: dict[str, Any] = {
    "weekdays": _weekdays,
    "month_days": _month_days,
    "hours": _hours,
    "stores": _one_of("stores", "store"),
    "channels": _one_of("channels", "channel"),
    "min_amount": _min_amount,
    "max_amount": _max_amount,
    "payment_methods": _payment_methods,
    "coupon": _coupon,
    "event_data": _event_data,
}
