"""Reading orders."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from loyalty.models import Order
from loyalty.order_facts import Line, OrderFacts
from members.api.fields import LARGEST, Input, MoneyField, TextField, WholeField
from members.api.moments import PastMomentField

STATUSES = [(status.value, status.label) for status in Order.REPORTED]
LARGEST_BATCH = 1_000
MOST_LINES = 5_000
# The widest sum of money that is kept: 18 digits before the point.
LARGEST_AMOUNT = Decimal(10) ** 18


class LineInput(Input):
    """One line; `amount` is its total. A negative line earns nothing."""

    default_error_messages = {
        "negative_quantity": _("Only a negative line has a negative quantity.")
    }

    sku = TextField(max_length=100)
    name = TextField(max_length=200, allow_blank=True, default="")
    category = TextField(max_length=100, allow_blank=True, default="")
    brand = TextField(max_length=100, allow_blank=True, default="")
    tags = serializers.ListField(child=TextField(max_length=50), max_length=50, default=list)
    quantity = WholeField(least=-LARGEST, default=1)
    amount = MoneyField(least=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["quantity"] < 0 <= attrs["amount"]:
            message = self.error_messages["negative_quantity"]
            raise serializers.ValidationError({"quantity": [message]}, code="too_small")
        return attrs


class PaymentInput(Input):
    """A part of the price and how it was paid."""

    method = TextField(max_length=50)
    amount = MoneyField()


@extend_schema_field({"type": ["integer", "string"]})
class HoldField(TextField):
    """The id of a hold, as `POST holds` answered it; as text it is the same."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        return super().to_internal_value(data)


class QuoteInput(Input):
    """An order that need not have a number; what it earns is said for the `status` given.

    `points_paid_amount` left out is what the hold is worth, but at most the order's amount: points that it does not need
    are released. Without a hold it is 0. More than the program's `max_share` of the amount is refused, and the hold stays.
    """

    default_error_messages = {
        "out_of_range": _("The amount is too large to be counted."),
        "slash": _("The source must not contain a slash: it is part of addresses."),
    }

    source = TextField(max_length=50, default="default")  # type: ignore[assignment]
    member = TextField(max_length=20, allow_null=True, default=None)
    store = TextField(max_length=50, allow_null=True, default=None)
    channel = TextField(max_length=50, allow_blank=True, default="")
    placed_at = PastMomentField()
    status = serializers.ChoiceField(choices=STATUSES, default=Order.Status.PAID)
    coupon = TextField(max_length=100, allow_blank=True, default="")
    hold = HoldField(max_length=100, allow_null=True, default=None)
    points_paid_amount = MoneyField(allow_null=True, default=None)
    payments = PaymentInput(many=True, max_length=100, default=list)  # type: ignore[call-arg]
    lines = LineInput(many=True, allow_empty=False, max_length=MOST_LINES)  # type: ignore[call-arg]

    def validate_source(self, source: str) -> str:
        if "/" in source:
            self.fail("slash")
        return source

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if sum(abs(line["amount"]) for line in lines) >= LARGEST_AMOUNT:
            self.fail("out_of_range")
        return lines


class OrderInput(QuoteInput):
    """An order as a till or shop reports it; (source, number) is unique for ever."""

    number = TextField(max_length=100)


class BatchInput(Input):
    """1 to 1,000 orders, each like the body of `POST orders`; a bad one never stops the others."""

    orders = serializers.ListField(
        child=serializers.JSONField(), allow_empty=False, max_length=LARGEST_BATCH
    )


def facts_of(said: Mapping[str, Any]) -> OrderFacts:
    """The order as the verbs take it."""
    lines = tuple(Line(**{**line, "tags": tuple(line["tags"])}) for line in said["lines"])
    payments = tuple((each["method"], each["amount"]) for each in said["payments"])
    return OrderFacts(**{"number": "", **said, "lines": lines, "payments": payments})
