"""How much a campaign may give and how it gets along with others, checked and put into the stored form."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from members import validation
from members.errors import InvalidInput
from members.validation import Check

PER_MEMBER = ("per_member_per_day", "per_member_per_month", "per_member")
BUDGET = "budget_points"
ON_EXCEED = ("cut", "refuse")
MODES = ("stack", "best", "first")
HIGHEST_PRIORITY = 1_000_000

NO_LIMITS: Mapping[str, Any] = {**dict.fromkeys((*PER_MEMBER, BUDGET)), "on_exceed": "cut"}
ALONE: Mapping[str, Any] = {"group": None, "mode": "stack", "priority": 0}

_LIMIT = validation.optional(validation.whole_number(least=0))
_LIMITS: Mapping[str, Check] = {
    **dict.fromkeys((*PER_MEMBER, BUDGET), _LIMIT),
    "on_exceed": validation.choice(ON_EXCEED),
}
_COMBINATION: Mapping[str, Check] = {
    "group": validation.optional(validation.text(longest=50, shortest=1)),
    "mode": validation.choice(MODES),
    "priority": validation.whole_number(least=-HIGHEST_PRIORITY, most=HIGHEST_PRIORITY),
}


def cleaned(value: object, pointer: str = "/limits") -> dict[str, Any]:
    """The limits, every one of them there; null: no limit. Raises InvalidInput naming the place."""
    return _whole(value, pointer, _LIMITS, NO_LIMITS)


def combination(value: object, pointer: str = "/combine") -> dict[str, Any]:
    """Group, mode and priority, every one of them there. Raises InvalidInput naming the place."""
    return _whole(value, pointer, _COMBINATION, ALONE)


def _whole(
    value: object, pointer: str, checks: Mapping[str, Check], left_out: Mapping[str, Any]
) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidInput(pointer, "invalid", _("This must be an object."))
    said = {
        name: each
        for name, each in (value or {}).items()
        if each is not None or name not in checks
    }
    return {**left_out, **validation.cleaned(said, checks, pointer)}
