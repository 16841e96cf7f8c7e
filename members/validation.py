"""Values from outside, checked strictly: each check returns what is stored or says why not.

A check is called with the value and its JSON pointer. Nothing is converted silently: True is not
1, "5" is not 5 and 5.0 is not 5.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_ipv46_address
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.errors import InvalidInput

Check = Callable[[object, str], Any]

LARGEST = 2**63 - 1


def cleaned(
    changes: Mapping[str, object], checks: Mapping[str, Check], pointer: str = ""
) -> dict[str, Any]:
    """Put every value through the check of its name; an unknown name is refused."""
    for name in changes:
        if name not in checks:
            raise InvalidInput(
                f"{pointer}/{name}",
                "unknown_field",
                _("There is no field of this name that can be set here."),
            )
    return {name: checks[name](value, f"{pointer}/{name}") for name, value in changes.items()}


def require(changes: Mapping[str, object], names: Iterable[str], pointer: str = "") -> None:
    """Refuse changes that leave one of the names out."""
    for name in names:
        if name not in changes:
            raise InvalidInput(f"{pointer}/{name}", "required", _("This field is required."))


def optional(check: Check) -> Check:
    """The check, or null."""
    return lambda value, pointer: None if value is None else check(value, pointer)


def text(*, longest: int, shortest: int = 0) -> Check:
    """Text without surrounding blanks and of a length that fits."""

    def check(value: object, pointer: str) -> str:
        if not isinstance(value, str):
            raise InvalidInput(pointer, "invalid", _("This must be text."))
        _refuse_unstorable(value, pointer)
        plain = value.strip()
        if len(plain) < shortest:
            raise InvalidInput(pointer, "blank", _("This must not be empty."))
        if len(plain) > longest:
            raise InvalidInput(
                pointer,
                "max_length",
                ngettext(
                    "This may have at most %(longest)d character.",
                    "This may have at most %(longest)d characters.",
                    longest,
                )
                % {"longest": longest},
            )
        return plain

    return check


def is_storable(value: str) -> bool:
    """Whether the database can take it as text: no NUL character and no halves of characters."""
    return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _refuse_unstorable(value: str, pointer: str) -> None:
    if not is_storable(value):
        raise InvalidInput(
            pointer, "invalid", _("This contains a character that cannot be stored as text.")
        )


def code(value: object, pointer: str) -> str:
    """A short name for machines: letters, digits, dash and underscore, at most 50."""
    plain: str = text(longest=50, shortest=1)(value, pointer)
    if not plain.isascii() or not plain.replace("-", "").replace("_", "a").isalnum():
        raise InvalidInput(
            pointer, "invalid", _("A code consists of letters, digits, dashes and underscores.")
        )
    return plain


def email(value: object, pointer: str) -> str:
    """An e-mail address, or nothing."""
    plain: str = text(longest=254)(value, pointer)
    if plain:
        try:
            validate_email(plain)
        except ValidationError:
            raise InvalidInput(
                pointer,
                "invalid",
                _("This is not an e-mail address. An example: name@example.com."),
            ) from None
    return plain


def address(value: object, pointer: str) -> str:
    """An IPv4 or IPv6 address."""
    plain: str = text(longest=45, shortest=1)(value, pointer)
    try:
        validate_ipv46_address(plain)
    except ValidationError:
        raise InvalidInput(pointer, "invalid", _("This is not an IP address.")) from None
    return plain


def whole_number(*, least: int, most: int = LARGEST) -> Check:
    """A whole number within its limits."""

    def check(value: object, pointer: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidInput(pointer, "invalid", _("This must be a whole number."))
        _within(value, pointer, least=least, most=most)
        return value

    return check


def decimal(*, places: int, most: Decimal) -> Check:
    """A decimal number that is not negative, written as text: "1.2"; a Decimal is fine as well."""

    def check(value: object, pointer: str) -> Decimal:
        number = _decimal_of(value)
        if number is None:
            raise InvalidInput(
                pointer,
                "invalid",
                _("This must be a decimal number, written as text with a point: “1.20”."),
            )
        _within(number, pointer, least=0, most=most)
        if number != round(number, places):
            raise InvalidInput(
                pointer,
                "max_decimal_places",
                ngettext(
                    "This may have at most %(places)d decimal.",
                    "This may have at most %(places)d decimals.",
                    places,
                )
                % {"places": places},
            )
        return number

    return check


def _decimal_of(value: object) -> Decimal | None:
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if not isinstance(value, str) or not value.isascii() or len(value) > 40:
        return None
    before, point, after = value.removeprefix("-").partition(".")
    if not before.isdigit() or (point and not after.isdigit()):
        return None
    return Decimal(value)


def _within(value: int | Decimal, pointer: str, *, least: int, most: int | Decimal) -> None:
    if value < least:
        raise InvalidInput(
            pointer, "min_value", _("This must be at least %(least)s.") % {"least": least}
        )
    if value > most:
        raise InvalidInput(
            pointer, "max_value", _("This must be at most %(most)s.") % {"most": most}
        )


def flag(value: object, pointer: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidInput(pointer, "invalid", _("This must be true or false."))
    return value


def choice(choices: Iterable[str]) -> Check:
    """One of the words."""
    words = list(choices)

    def check(value: object, pointer: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise InvalidInput(
                pointer,
                "invalid_choice",
                _("This must be one of: %(words)s.") % {"words": ", ".join(words)},
            )
        return str(value)

    return check


def moment(value: object, pointer: str) -> datetime:
    """A moment with its offset from UTC."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidInput(
            pointer,
            "invalid",
            _("This must be a time with its offset, such as 2026-11-21T12:00:00+08:00."),
        )
    return value


def day(value: object, pointer: str) -> date:
    """A day of the calendar."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidInput(pointer, "invalid", _("This must be a day, such as 1998-02-28."))
    return value


def json_object(*, longest: int) -> Check:
    """An object as JSON knows it, of at most so many characters when it is written."""

    def check(value: object, pointer: str) -> dict[str, Any]:
        try:
            written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            written = ""
        if not isinstance(value, Mapping) or not written:
            raise InvalidInput(pointer, "invalid", _("This must be an object."))
        # JSON may write a NUL character, PostgreSQL cannot keep one.
        text(longest=longest)(written.replace("\\u0000", "\x00"), pointer)
        return dict(value)

    return check


def unknown(code: str, pointer: str) -> InvalidInput:
    """What to raise when nothing has the code that was named."""
    return InvalidInput(
        pointer, "unknown", _("There is no “%(code)s”. Check the spelling.") % {"code": code}
    )


def refuse_other_code(values: Mapping[str, Any], code: str) -> None:
    """Refuse to change a code: others refer to the thing by it."""
    if values.get("code", code) != code:
        raise InvalidInput(
            "/code",
            "read_only",
            _("The code cannot be changed, because other records refer to it."),
        )
