"""Where a gift is sent: name, phone and address, as the parcel needs them. Personal: never logged, gone when a member is closed."""

from typing import Any

from django.utils.translation import gettext as _

from members import phones, validation
from members.errors import InvalidInput

PARTS: dict[str, validation.Check] = {
    "name": validation.text(longest=100, shortest=1),
    "region": validation.text(longest=100),
    "address": validation.text(longest=300, shortest=1),
    "postcode": validation.text(longest=20),
}
NEEDED = ("name", "phone", "address")


def address(value: object, pointer: str) -> dict[str, str]:
    """An address to send something to; the phone comes back in E.164, other names are passed over. Raises InvalidInput."""
    if not isinstance(value, dict):
        raise InvalidInput(pointer, "required", _("Where shall it be sent? Name, phone, address."))
    validation.require(value, NEEDED, pointer)
    known = {name: said for name, said in value.items() if name in PARTS and said is not None}
    clean: dict[str, str] = validation.cleaned(known, PARTS, pointer)
    return {**clean, "phone": _phone(value["phone"], f"{pointer}/phone")}


def _phone(value: Any, pointer: str) -> str:
    plain: str = validation.text(longest=40, shortest=1)(value, pointer)
    try:
        return phones.normalise(plain)
    except ValueError as problem:
        raise InvalidInput(pointer, "invalid", str(problem)) from None


def line(found: dict[str, Any] | None) -> str:
    """The address in one line for people who pack parcels."""
    said = found or {}
    parts = [said.get(name, "") for name in ("region", "address", "postcode", "name", "phone")]
    return " ".join(str(part) for part in parts if part)
