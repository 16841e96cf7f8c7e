"""What a campaign gives, checked strictly and put into the one form in which it is stored."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from campaigns import triggers
from campaigns.conditions import money, parts
from campaigns.occasions import ORDER, REFERRAL
from members import validation
from members.errors import InvalidInput
from members.validation import Check
from rewards import draw_queries
from rewards import queries as reward_queries

MULTIPLIER = "multiplier"
BONUS = "bonus"
PER_AMOUNT = "per_amount"
PER_UNIT = "per_unit"
STATUS_POINTS = "status_points"
GRANT_REWARD = "grant_reward"
DRAW_TICKET = "draw_ticket"

SCOPES = ("order", "matching_lines")
SIDES = ("referrer", "referee", "both")
LARGEST_MULTIPLIER = Decimal("9999.9999")
# One award; far from where a wallet's sums would overflow.
MOST_POINTS = 10**12
MOST_TICKETS = 10_000
MOST_PENDING_DAYS = 3_650

POINTS = validation.whole_number(least=1, most=MOST_POINTS)
# Which field of an event's data holds the amount or the units.
FIELD = validation.text(longest=50, shortest=1)


def cleaned(value: object, *, trigger: str, pointer: str = "/effect") -> dict[str, Any]:
    """The effect with its defaults filled in, in the form it is stored in.

    Raises InvalidInput naming the place, also for an effect that the trigger cannot have, and NotFound for a reward
    that is not in the catalogue or an unknown draw.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(pointer, "invalid", _("This must be an object."))
    validation.require(value, ["type"], pointer)
    kind = validation.choice(CHECKS)(value["type"], f"{pointer}/type")
    _refuse_unfit(kind, value, trigger, pointer)
    said = {name: each for name, each in value.items() if name != "type"}
    given: dict[str, Any] = parts(CHECKS[kind], REQUIRED[kind])(said, pointer)
    return {"type": kind, **DEFAULTS.get(kind, {}), **_sides(kind, trigger), **given}


def plain(number: Decimal) -> str:
    """A decimal as text without exponent and needless zeros: 1.20 is "1.2"."""
    return f"{number.normalize():f}"


def _multiplier(value: object, pointer: str) -> str:
    return plain(validation.decimal(places=4, most=LARGEST_MULTIPLIER)(value, pointer))


def _reward(value: object, pointer: str) -> str:
    code: str = validation.code(value, pointer)
    return reward_queries.reward(code, pointer).code


def _draw(value: object, pointer: str) -> str:
    code: str = validation.code(value, pointer)
    return draw_queries.draw(code, pointer).code


CHECKS: Mapping[str, Mapping[str, Check]] = {
    MULTIPLIER: {"value": _multiplier, "scope": validation.choice(SCOPES)},
    BONUS: {
        "points": POINTS,
        "multiplied": validation.flag,
        "to": validation.choice(SIDES),
        "pending_days": validation.whole_number(least=0, most=MOST_PENDING_DAYS),
    },
    PER_AMOUNT: {"points": POINTS, "amount": money(least=Decimal("0.01")), "field": FIELD},
    PER_UNIT: {"points": POINTS, "field": FIELD},
    STATUS_POINTS: {"points": POINTS},
    GRANT_REWARD: {"reward": _reward},
    DRAW_TICKET: {
        "tickets": validation.whole_number(least=1, most=MOST_TICKETS),
        "draw": _draw,
    },
}
REQUIRED: Mapping[str, Sequence[str]] = {
    MULTIPLIER: ["value"],
    BONUS: ["points"],
    PER_AMOUNT: ["points", "amount"],
    PER_UNIT: ["points"],
    STATUS_POINTS: ["points"],
    GRANT_REWARD: ["reward"],
    DRAW_TICKET: [],
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    MULTIPLIER: {"scope": "order"},
    BONUS: {"multiplied": False},
    DRAW_TICKET: {"tickets": 1},
}


def _sides(kind: str, trigger: str) -> dict[str, Any]:
    return {"to": "both"} if kind == BONUS and trigger == REFERRAL else {}


# ---- what fits which trigger ----------------------------------------------------------------------
def _refuse_unfit(kind: str, said: Mapping[str, Any], trigger: str, pointer: str) -> None:
    if kind not in of_trigger(trigger):
        raise _unfit(f"{pointer}/type", trigger)
    for name in _impossible(trigger):
        if said.get(name) not in (None, False):
            raise _unfit(f"{pointer}/{name}", trigger)


def of_trigger(trigger: str) -> Sequence[str]:
    """The kinds of effect that a trigger can have."""
    if trigger == ORDER:
        return tuple(CHECKS)
    if trigger == REFERRAL:
        return (BONUS,)
    return tuple(kind for kind in CHECKS if kind != MULTIPLIER)


def _impossible(trigger: str) -> Sequence[str]:
    """The parts that mean nothing for a trigger: sides without a friend, multiplying without an order."""
    if trigger == REFERRAL:
        return ("multiplied",)
    if trigger == ORDER:
        return ("to", "pending_days", "field")
    return ("to", "pending_days", "multiplied")


def _unfit(pointer: str, trigger: str) -> InvalidInput:
    return InvalidInput(
        pointer,
        "not_for_trigger",
        _("This is not possible when the campaign is set off by “%(trigger)s”.")
        % {"trigger": triggers.label(trigger)},
    )


# ---- what one award is ----------------------------------------------------------------------------
def one_award(effect: Mapping[str, Any]) -> int:
    """What a single award gives at least, as limits count it: points, or pieces; 0 where it depends on the amount."""
    kind = effect.get("type")
    if kind == GRANT_REWARD:
        return 1
    if kind == DRAW_TICKET:
        return int(effect.get("tickets", 1))
    return 0 if kind == MULTIPLIER else int(effect.get("points", 0))
