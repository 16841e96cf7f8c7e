"""The program's settings: reading them and changing them with validation."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from loyalty import queries
from loyalty.models import Program
from loyalty.models.program import default_pay_with_points, default_transfer
from members import validation
from members.errors import InvalidInput

#: The form of an expiry setting in API and presets: {"policy", "months"?, "date"?}.
EXPIRIES = {"expiry": "expiry", "status_expiry": "status_expiry"}
POLICIES = ("never", "rolling", "month_end", "fixed_date", "inactivity")
IN_MONTHS = ("rolling", "month_end", "inactivity")
MONTHS_MAX = 1_200
LARGEST_RATE = Decimal("999999.999999")


def current() -> Program:
    """The one program."""
    return queries.program()


@transaction.atomic
def change(*, changes: Mapping[str, Any]) -> Program:
    """Change settings; keys as in the API, `expiry` and `status_expiry` as {"policy", "months", "date"}.

    Lots stay as they are: whoever may switch expiry on calls `switching.change_program`. Raises InvalidInput naming
    the field; then nothing is changed.
    """
    program = Program.objects.select_for_update(no_key=True).get(pk=1)
    for field, value in changes.items():
        if field in EXPIRIES:
            _set_expiry(program, field, value)
        else:
            setattr(program, field, _checked(field, value))
    program.save()
    return program


def expiry_of(program: Program, field: str) -> dict[str, Any]:
    """`expiry` or `status_expiry` in the form of the API."""
    policy = getattr(program, f"{field}_policy")
    answer: dict[str, Any] = {"policy": policy}
    if policy in IN_MONTHS:
        answer["months"] = getattr(program, f"{field}_months")
    if policy == "fixed_date":
        answer["date"] = getattr(program, f"{field}_date")
    return answer


# ---- expiry ---------------------------------------------------------------------------------------
def _set_expiry(program: Program, field: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise _invalid(field, _("Give an object."))
    policy = value.get("policy")
    if policy not in POLICIES:
        raise InvalidInput(
            f"/{field}/policy",
            "invalid_choice",
            _("Choose one of: %(choices)s.") % {"choices": ", ".join(POLICIES)},
        )
    setattr(program, f"{field}_policy", policy)
    if policy in IN_MONTHS:
        default = 24 if field == "expiry" else 12
        setattr(program, f"{field}_months", _months(field, value.get("months", default)))
    if policy == "fixed_date":
        setattr(program, f"{field}_date", _month_day(field, value.get("date")))


def _months(field: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MONTHS_MAX:
        raise InvalidInput(
            f"/{field}/months", "invalid", _("Give a whole number of months from 1 to 1200.")
        )
    return value


def _month_day(field: str, value: object) -> str:
    text = str(value or "")
    match = re.fullmatch(r"(\d\d)-(\d\d)", text, re.ASCII)
    try:
        if not match:
            raise ValueError
        date(2000, int(match[1]), int(match[2]))
    except ValueError:
        raise InvalidInput(
            f"/{field}/date", "invalid", _("Give a day of the year as MM-DD, such as 12-31.")
        ) from None
    return text


# ---- the other fields -------------------------------------------------------------------------------
def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(f"/{field}", "invalid", detail)


def _choice(options: type[Any]) -> Callable[[str, Any], Any]:
    def check(field: str, value: Any) -> Any:
        if value not in options.values:
            raise InvalidInput(
                f"/{field}",
                "invalid_choice",
                _("Choose one of: %(choices)s.") % {"choices": ", ".join(options.values)},
            )
        return value

    return check


def _rate(field: str, value: Any) -> Decimal:
    checked: Decimal = validation.decimal(places=6, most=LARGEST_RATE)(value, f"/{field}")
    return checked


def _text(field: str, value: Any) -> str:
    checked: str = validation.text(longest=100, shortest=1)(value, f"/{field}")
    return checked


def _currency(field: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise _invalid(field, _("Give a currency as three capital letters, such as CNY."))
    return value


def _time_zone(field: str, value: Any) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, TypeError, OSError, KeyError):
        raise _invalid(field, _("Give a time zone such as Asia/Shanghai.")) from None
    return str(value)


def _days(field: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 3_650:
        raise _invalid(field, _("Give a whole number of days from 0 to 3650."))
    return value


def _cap(field: str, value: Any) -> int | None:
    check = validation.optional(validation.whole_number(least=1))
    checked: int | None = check(value, f"/{field}")
    return checked


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _invalid(field, _("Give true or false."))
    return value


def _transfer(field: str, value: Any) -> dict[str, Any]:
    """The rules of transfers as a whole; what is left out is switched off or unlimited."""
    if not isinstance(value, Mapping):
        raise _invalid(field, _("Give an object."))
    said = validation.cleaned(value, _TRANSFER, f"/{field}")
    return {**default_transfer(), **said, "fee": said.get("fee") or 0}


_LIMIT = validation.optional(validation.whole_number(least=1))
_TRANSFER: dict[str, validation.Check] = {
    "enabled": validation.flag,
    "min": validation.optional(validation.whole_number(least=0)),
    "per_transfer": _LIMIT,
    "per_day": _LIMIT,
    "fee": validation.optional(validation.whole_number(least=0)),
}


def _approval(field: str, value: Any) -> int | None:
    check = validation.optional(validation.whole_number(least=0))
    checked: int | None = check(value, f"/{field}")
    return checked


def _pay_with_points(field: str, value: Any) -> Any:
    """The rule as a whole; what is left out is not limited."""
    if not isinstance(value, Mapping):
        raise _invalid(field, _("Give an object."))
    said = {**default_pay_with_points(), **value}
    checked = validation.cleaned(said, _PAY_WITH_POINTS, f"/{field}")
    return {**checked, "max_share": f"{checked['max_share']:f}"}


_PAY_WITH_POINTS: dict[str, validation.Check] = {
    "max_share": validation.decimal(places=6, most=Decimal(1)),
    "min": _LIMIT,
    "step": _LIMIT,
}


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "name": _text,
    "currency": _currency,
    "time_zone": _time_zone,
    "earn_rate": _rate,
    "status_rate": _rate,
    "award_on": _choice(Program.AwardOn),
    "rounding": _choice(Program.Rounding),
    "stacking": _choice(Program.Stacking),
    "point_value": _rate,
    "pending_days": _days,
    "reversal": _choice(Program.Reversal),
    "return_grace_days": _days,
    "monthly_redemption_cap": _cap,
    "transfer": _transfer,
    "approval_threshold": _approval,
    "campaigns_need_approval": _flag,
    "earn_on_points_paid": _flag,
    "pay_with_points": _pay_with_points,
    "refund_first": _choice(Program.RefundFirst),
}


def _checked(field: str, value: Any) -> Any:
    check = _CHECKS.get(field)
    if check is None:
        raise _invalid(field, _("There is no such setting."))
    return check(field, value)
