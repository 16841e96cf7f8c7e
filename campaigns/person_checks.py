"""Conditions on the member and on what the member did before: tier, segment, birthday, orders. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any

from campaigns import periods
from campaigns.checks import Check
from campaigns.occasions import Occasion

Content = Mapping[str, Any]


def of(conditions: Content, content: Content) -> list[Check]:
    """The checks of these kinds that are given."""
    found = []
    for name, make in _MAKERS.items():
        value = conditions.get(name)
        if value not in (None, [], {}, False, ""):
            found.append(make(value, conditions, content))
    return found


def is_in_pilot(*, number: str, code: str, percentage: int) -> bool:
    """Whether a member is among so many percent of all: chance, but always the same answer."""
    return _drawn(f"{code}:{number}") < percentage * 100


@lru_cache(maxsize=100_000)
def _drawn(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") % 10_000


def _tiers(codes: list[str], _conditions: Content, _content: Content) -> Check:
    wanted = frozenset(codes)
    return Check(
        name="tiers",
        expected=list(codes),
        test=lambda o: o.tier in wanted,
        seen=lambda o: o.tier,
        is_moving=True,
        axis="tier",
        among=wanted,
    )


def _segments(codes: list[str], _conditions: Content, _content: Content) -> Check:
    wanted = frozenset(codes)
    return Check(
        name="segments",
        expected=list(codes),
        test=lambda o: not wanted.isdisjoint(o.segments),
        seen=lambda o: sorted(o.segments),
        needs="segments",
    )


def _enrolled_within(days: int, _conditions: Content, _content: Content) -> Check:
    span = timedelta(days=days)
    return Check(
        name="enrolled_within_days",
        expected=days,
        test=lambda o: o.at <= o.member.enrolled_at + span,
        seen=lambda o: max(0, (o.at - o.member.enrolled_at).days),
    )


def _birthday_month(_value: bool, _conditions: Content, _content: Content) -> Check:  # noqa: FBT001 - one of many makers
    return Check(
        name="birthday_month",
        expected=True,
        test=lambda o: o.member.birthday is not None and o.member.birthday.month == o.day.month,
        seen=lambda o: (
            None if o.member.birthday is None else o.member.birthday.month == o.day.month
        ),
        axis="is_birthday_month",
        among=frozenset({True}),
    )


def _percentage(percentage: int, _conditions: Content, content: Content) -> Check:
    code = content["code"]

    def test(occasion: Occasion) -> bool:
        return is_in_pilot(number=occasion.member.number, code=code, percentage=percentage)

    return Check(name="percentage", expected=percentage, test=test, seen=test)


# ---- what the member did before ---------------------------------------------------------------------
def _first_order(_value: bool, conditions: Content, _content: Content) -> Check:  # noqa: FBT001 - one of many makers
    channels = tuple(conditions.get("channels") or ())

    def before(occasion: Occasion) -> int:
        return occasion.history.orders(occasion.member.id, channels)

    return Check(
        name="first_order",
        expected=True,
        test=lambda o: before(o) == 0,
        seen=lambda o: before(o) == 0,
        is_moving=True,
        needs="orders",
    )


def _every_nth_order(nth: int, _conditions: Content, _content: Content) -> Check:
    def place(occasion: Occasion) -> int:
        return occasion.history.orders(occasion.member.id) + 1

    return Check(
        name="every_nth_order",
        expected=nth,
        test=lambda o: place(o) % nth == 0,
        seen=place,
        is_moving=True,
        needs="orders",
    )


def _after_spend(wanted: Content, _conditions: Content, _content: Content) -> Check:
    amount, span = Decimal(str(wanted["amount"])), timedelta(days=wanted["days"])

    def test(occasion: Occasion) -> bool:
        found = occasion.history.previous(occasion.member.id, occasion.at)
        return found is not None and found[1] >= amount and occasion.at - found[0] <= span

    def seen(occasion: Occasion) -> Any:
        found = occasion.history.previous(occasion.member.id, occasion.at)
        if found is None:
            return None
        return {"amount": f"{found[1]:.2f}", "days": (occasion.at - found[0]).days}

    return Check(
        name="after_spend",
        expected={"amount": f"{amount:.2f}", "days": wanted["days"]},
        test=test,
        seen=seen,
        is_moving=True,
        needs="previous",
    )


def _reaches(content: Content) -> Callable[[Any, Any, Any], bool]:
    """A factor holds once the goal is reached; anything else is given for the order or act that reaches it."""
    if content["effect"].get("type") == "multiplier":
        return lambda _before, after, goal: bool(after >= goal)
    return lambda before, after, goal: bool(before < goal <= after)


def _in_period(occasion: Occasion, period: str) -> tuple[int, Decimal]:
    start = periods.began_at(period, occasion.day, occasion.zone)
    return occasion.history.in_period(occasion.member.id, period, start)


def _period_sum(wanted: Content, _conditions: Content, content: Content) -> Check:
    goal, period, reaches = Decimal(str(wanted["amount"])), wanted["period"], _reaches(content)

    def before(occasion: Occasion) -> Decimal:
        return _in_period(occasion, period)[1]

    def test(occasion: Occasion) -> bool:
        start = before(occasion)
        return reaches(start, start + occasion.amount, goal)

    return Check(
        name="period_sum",
        expected={"period": period, "amount": f"{goal:.2f}"},
        test=test,
        seen=lambda o: f"{before(o) + o.amount:.2f}",
        is_moving=True,
        needs="periods",
        period=period,
    )


def _period_count(wanted: Content, _conditions: Content, content: Content) -> Check:
    goal = int(wanted.get("orders") or wanted.get("events") or 1)
    period, reaches = wanted["period"], _reaches(content)

    def before(occasion: Occasion) -> int:
        return _in_period(occasion, period)[0]

    def test(occasion: Occasion) -> bool:
        start = before(occasion)
        return reaches(start, start + 1, goal)

    return Check(
        name="period_count",
        expected=dict(wanted),
        test=test,
        seen=lambda o: before(o) + 1,
        is_moving=True,
        needs="periods",
        period=period,
    )


_MAKERS: dict[str, Callable[[Any, Content, Content], Check]] = {
    "tiers": _tiers,
    "segments": _segments,
    "enrolled_within_days": _enrolled_within,
    "birthday_month": _birthday_month,
    "percentage": _percentage,
    "first_order": _first_order,
    "every_nth_order": _every_nth_order,
    "after_spend": _after_spend,
    "period_sum": _period_sum,
    "period_count": _period_count,
}
