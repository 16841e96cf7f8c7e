"""Floating prices: how a price follows the stock, the season and demand. Pure, exact in Decimal.

`Reward.pricing`; all but the rules may be left out, `{}` is a price that does not float:

    {"floor": "0.5", "ceiling": "2", "step": 100, "rules": [
        {"type": "stock", "at_most": "0.1", "factor": "1.5"},                 left ÷ what there was at the start
        {"type": "season", "from": "11-01", "to": "02-28", "factor": "0.8"},  days of any year, both ends included
        {"type": "demand", "above": "2", "factor": "1.2"}]}                   last 7 days ÷ a usual week before

The factors of the rules that hold are multiplied in their order; the product times the base is kept within floor and
ceiling (of the base) and then rounded up to the step.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from typing import Any

from django.utils.translation import gettext as _

from members import validation
from members.errors import InvalidInput

Step = dict[str, Any]

#: Demand compares the pieces of the last week with an average week of those before.
RECENT = timedelta(days=7)
WEEKS_BEFORE = 4
BEFORE = RECENT * WEEKS_BEFORE

MOST_RULES = 20
LARGEST_STEP = 10**9
LEAP_YEAR = 2000
# 19 digits of points times 20 factors of 7 digits each is exact.
EXACT = Context(prec=200)

_DAY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules look at: stock (None: unlimited), the program's day, pieces redeemed lately and before."""

    left: int | None
    start: int | None
    day: date
    lately: int
    before: int


def steps_of(*, pricing: Mapping[str, Any], base: int, facts: Facts) -> list[Step]:
    """How a base becomes the price, step by step; the last step's `points` are the price.

    A step tells its `kind` (stock, season, demand, floor, ceiling or step), its figures and the `points` up to there,
    rounded up.
    """
    with localcontext(EXACT):
        price = Decimal(base)
        steps: list[Step] = []
        for rule in pricing.get("rules", ()):
            seen = _HOLDS[rule["type"]](rule, facts)
            if seen is not None:
                price *= Decimal(rule["factor"])
                figures = {name: value for name, value in rule.items() if name != "type"}
                steps.append({"kind": rule["type"], **figures, **seen, "points": _whole(price)})
        price = _within(price, base, pricing, steps)
        points = _whole(price, pricing.get("step", 1))
        if points != (steps[-1]["points"] if steps else base):
            steps.append({"kind": "step", "step": pricing["step"], "points": points})
        return steps


def _within(price: Decimal, base: int, pricing: Mapping[str, Any], steps: list[Step]) -> Decimal:
    for kind, choose in (("floor", max), ("ceiling", min)):
        if kind in pricing:
            bounded = choose(price, base * Decimal(pricing[kind]))
            if bounded != price:
                price = bounded
                steps.append({"kind": kind, "factor": pricing[kind], "points": _whole(price)})
    return price


def _whole(price: Decimal, step: int = 1) -> int:
    """Up to the next multiple of the step; a price is never nothing, nor more than can be stored."""
    points = int(price.to_integral_value(ROUND_CEILING))
    return min(max(-(-points // step), 1) * step, validation.LARGEST)


# ---- does a rule hold? ------------------------------------------------------------------------------


def _stock(rule: Mapping[str, Any], facts: Facts) -> Step | None:
    if facts.left is None or not facts.start:
        return None
    is_low = facts.left <= Decimal(rule["at_most"]) * facts.start
    return {"left": facts.left, "start": facts.start} if is_low else None


def _season(rule: Mapping[str, Any], facts: Facts) -> Step | None:
    day = f"{facts.day:%m-%d}"
    first, last = rule["from"], rule["to"]
    after, before = day >= first, day <= last
    is_across_new_year = first > last
    return {} if (after or before if is_across_new_year else after and before) else None


def _demand(rule: Mapping[str, Any], facts: Facts) -> Step | None:
    if not facts.before:  # nothing to compare with
        return None
    is_high = facts.lately * WEEKS_BEFORE > Decimal(rule["above"]) * facts.before
    return {"lately": facts.lately, "before": facts.before} if is_high else None


_HOLDS: dict[str, Callable[[Mapping[str, Any], Facts], Step | None]] = {
    "stock": _stock,
    "season": _season,
    "demand": _demand,
}


def asks_for_stock(pricing: Mapping[str, Any]) -> bool:
    """Whether a rule looks at what is left."""
    return any(rule["type"] == "stock" for rule in pricing.get("rules", ()))


def asks_for_demand(pricing: Mapping[str, Any]) -> bool:
    """Whether a rule looks at what was redeemed lately."""
    return any(rule["type"] == "demand" for rule in pricing.get("rules", ()))


# ---- checking what a merchant says ------------------------------------------------------------------


def check(value: object, pointer: str) -> dict[str, Any]:
    """The pricing as it is stored, its decimals without needless zeros; null and {} do not float.

    Raises InvalidInput with the pointer of the part that is wrong.
    """
    if value is None or value == {}:
        return {}
    said: dict[str, Any] = validation.json_object(longest=10_000)(value, pointer)
    pricing = validation.cleaned(said, _PARTS, pointer)
    validation.require(pricing, ["rules"], pointer)
    pricing["rules"] = [
        _rule(rule, f"{pointer}/rules/{place}") for place, rule in enumerate(pricing["rules"])
    ]
    return {name: part for name, part in pricing.items() if part is not None}


def _rule(value: object, pointer: str) -> dict[str, Any]:
    said: dict[str, Any] = validation.json_object(longest=1_000)(value, pointer)
    validation.require(said, ["type"], pointer)
    kind = validation.choice(_RULES)(said["type"], f"{pointer}/type")
    checks = {"type": validation.choice(_RULES), **_RULES[kind], "factor": _FACTOR}
    rule = validation.cleaned(said, checks, pointer)
    validation.require(rule, checks, pointer)
    return {name: rule[name] for name in checks}


def _rules(value: object, pointer: str) -> list[object]:
    if not isinstance(value, list) or not value:
        raise InvalidInput(pointer, "invalid", _("This must be a list of rules, at least one."))
    if len(value) > MOST_RULES:
        raise InvalidInput(
            pointer, "max_length", _("There may be at most %(most)d rules.") % {"most": MOST_RULES}
        )
    return value


def _decimal(*, most: int, least: int = 0, places: int = 4) -> validation.Check:
    """A decimal written as text, kept without needless zeros."""
    number = validation.decimal(places=places, most=Decimal(most))

    def checked(value: object, pointer: str) -> str:
        found: Decimal = number(value, pointer)
        if found < least:
            message = _("This must be at least %(least)s.") % {"least": least}
            raise InvalidInput(pointer, "min_value", message)
        text = f"{found:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    return checked


def _factor(value: object, pointer: str) -> str:
    factor: str = _decimal(most=100)(value, pointer)
    if not Decimal(factor):
        raise InvalidInput(pointer, "min_value", _("A factor is more than 0."))
    return factor


def _day_of_year(value: object, pointer: str) -> str:
    match = _DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        if match:
            date(LEAP_YEAR, int(match[1]), int(match[2]))
            return match[0]
    except ValueError:
        pass
    raise InvalidInput(
        pointer, "invalid", _("Give a day of the year as MM-DD, such as 12-31.")
    ) from None


_FACTOR: validation.Check = _factor
_RULES: dict[str, dict[str, validation.Check]] = {
    "stock": {"at_most": _decimal(most=1)},
    "season": {"from": _day_of_year, "to": _day_of_year},
    "demand": {"above": _decimal(most=1_000)},
}
_PARTS: dict[str, validation.Check] = {
    "floor": validation.optional(_decimal(most=1)),
    "ceiling": validation.optional(_decimal(most=100, least=1)),
    "step": validation.optional(validation.whole_number(least=1, most=LARGEST_STEP)),
    "rules": _rules,
}
