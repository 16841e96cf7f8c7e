"""Strict fields: what looks almost right is refused, never guessed."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

LARGEST = 2**63 - 1

T = TypeVar("T", bound=serializers.Serializer[Any])

DECIMAL = re.compile(r"-?(?P<whole>[0-9]{1,60})(\.(?P<fraction>[0-9]{1,60}))?")


@extend_schema_field({"type": "string"})
class TextField(serializers.CharField):
    """A JSON string; a number or a boolean is not made into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "boolean"})
class FlagField(serializers.BooleanField):
    """A JSON boolean."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field({"type": "integer"})
class WholeField(serializers.Field[Any, Any, Any, Any]):
    """A JSON integer from `least` to `most`, without quotes, fraction or exponent."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_an_integer": _("Expected a JSON integer: no quotes, no fraction, no exponent."),
        "too_small": _("Must be at least {least}."),
        "out_of_range": _("The number is too large: at most {most}."),
    }

    def __init__(self, *, least: int = 0, most: int = LARGEST, **options: Any) -> None:
        self.least = least
        self.most = most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("not_an_integer")
        if data > self.most:
            self.fail("out_of_range", most=self.most)
        if data < self.least:
            self.fail("too_small", least=self.least)
        return data

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST})
class PointsField(WholeField):
    """Points: a JSON integer from 1 to 2^63 − 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"least": 1, **options})


@extend_schema_field(
    {"type": "integer", "format": "int64", "minimum": -LARGEST, "maximum": LARGEST}
)
class SignedPointsField(PointsField):
    """Points of an adjustment: positive gives, negative takes, never 0."""

    default_error_messages: ClassVar[dict[str, Any]] = {"zero": _("Must not be 0.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"least": -LARGEST, **options})

    def to_internal_value(self, data: Any) -> int:
        points = super().to_internal_value(data)
        if points == 0:
            self.fail("zero")
        return points


class DecimalTextField(serializers.Field[Any, Any, Any, Any]):
    """An exact decimal in a JSON string; a JSON number is refused, it may have lost digits already."""

    decimals = 6
    digits = 6
    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_a_string": _('Expected a decimal number in a JSON string, such as "12.50".'),
        "invalid": _('Not a decimal number such as "12.50".'),
        "too_many_decimals": _("At most {decimals} decimals."),
        "too_small": _("Must be at least {least}."),
        "out_of_range": _("The number is too large: at most {digits} digits before the point."),
    }

    def __init__(self, *, least: Decimal | None = Decimal(0), **options: Any) -> None:
        self.least = least
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str):
            self.fail("not_a_string")
        match = DECIMAL.fullmatch(data)
        if match is None:
            self.fail("invalid")
        if len(match["fraction"] or "") > self.decimals:
            self.fail("too_many_decimals", decimals=self.decimals)
        if len(match["whole"].lstrip("0")) > self.digits:
            self.fail("out_of_range", digits=self.digits)
        value = Decimal(match[0]) + 0  # turns -0 into 0
        if self.least is not None and value < self.least:
            self.fail("too_small", least=self.least)
        return value


@extend_schema_field({"type": "string", "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,2})?$"})
class MoneyField(DecimalTextField):
    """Money: a string with at most two decimals; shown with exactly two."""

    decimals = 2
    digits = 18

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


@extend_schema_field({"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,6})?$"})
class RateField(DecimalTextField):
    """A rate: a decimal string; shown without needless zeros."""

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


@extend_schema_field({"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,4})?$"})
class MultiplierField(RateField):
    """A multiplier: a decimal string with at most four decimals."""

    decimals = 4
    digits = 4


def plain(value: Decimal) -> str:
    """A decimal without exponent and needless zeros: 1.20 → "1.2"."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@extend_schema_field({"type": "string", "examples": ["+8613800138000"]})
class ParsedTextField(TextField):
    """Text that a function reads; its ValueError says what is wrong."""

    def __init__(self, *, parse: Callable[[str], str], **options: Any) -> None:
        self.parse = parse
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return self.parse(text)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="invalid") from None


def example(value: Mapping[str, Any]) -> Callable[[type[T]], type[T]]:
    """Show a request's body like this one in the API's document."""
    name: Any = _("An example")
    shown = OpenApiExample(name, value=dict(value), request_only=True)
    return extend_schema_serializer(examples=[shown])


class Input(serializers.Serializer[Any]):
    """A request's body.

    In a POST, null for what may be left out means left out, and names that are not known are passed over.
    A PATCH refuses both: it would do nothing silently.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {
        "unknown_field": _("There is no field of this name that can be changed here."),
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and self.root.partial:
            self._refuse_unknown(data)
        elif isinstance(data, dict):
            data = {
                name: value for name, value in data.items() if not self._is_left_out(name, value)
            }
        return super().to_internal_value(data)

    def _refuse_unknown(self, data: dict[str, Any]) -> None:
        unknown = [name for name in data if name not in self.fields]
        if unknown:
            detail = ErrorDetail(str(self.error_messages["unknown_field"]), code="unknown_field")
            raise serializers.ValidationError({name: [detail] for name in unknown})

    def _is_left_out(self, name: str, value: object) -> bool:
        field = self.fields.get(name)
        return value is None and field is not None and not field.required and not field.allow_null
