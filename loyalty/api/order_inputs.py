"""Reading orders."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from loyalty.models import Order
from loyalty.order_facts import Line, OrderFacts
from members.api.fields import LARGEST, Input, MoneyField, TextField, WholeField, example
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

    sku = TextField(max_length=100, help_text=_("The item's number in your system."))
    name = TextField(
        max_length=200, allow_blank=True, default="", help_text=_("What the item is called.")
    )
    category = TextField(
        max_length=100,
        allow_blank=True,
        default="",
        help_text=_("The item's category; campaigns may ask for it."),
    )
    brand = TextField(
        max_length=100,
        allow_blank=True,
        default="",
        help_text=_("The item's brand; campaigns may ask for it."),
    )
    tags = serializers.ListField(
        child=TextField(max_length=50),
        max_length=50,
        default=list,
        help_text=_("Marks of the item, such as “new”; campaigns may ask for them."),
    )
    quantity = WholeField(least=-LARGEST, default=1, help_text=_("How many pieces."))
    amount = MoneyField(
        least=None,
        help_text=_("What the line costs in all, after discounts: a text such as “32.00”."),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["quantity"] < 0 <= attrs["amount"]:
            message = self.error_messages["negative_quantity"]
            raise serializers.ValidationError({"quantity": [message]}, code="too_small")
        return attrs


class PaymentInput(Input):
    """A part of the price and how it was paid."""

    method = TextField(
        max_length=50, help_text=_("How it was paid, such as “alipay”; campaigns may ask for it.")
    )
    amount = MoneyField(help_text=_("What was paid that way: a text such as “32.00”."))


@extend_schema_field({"type": ["integer", "string"]})
class HoldField(TextField):
    """The id of a hold, as `POST holds` answered it; as text it is the same."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        return super().to_internal_value(data)


@example(
    {
        "member": "100000000001",
        "store": "SH-01",
        "placed_at": "2026-11-21T12:00:00+08:00",
        "lines": [{"sku": "latte", "name": "Latte", "category": "coffee", "amount": "32.00"}],
    }
)
class QuoteInput(Input):
    """An order that need not have a number; what it earns is said for the `status` given.

    `points_paid_amount` left out is what the hold is worth, but at most the order's amount: points that it does not need
    are released. Without a hold it is 0. More than the program's `max_share` of the amount is refused, and the hold stays.
    """

    default_error_messages = {
        "out_of_range": _("The amount is too large."),
        "slash": _("The source must not contain a slash: it is part of addresses."),
    }

    source = TextField(
        max_length=50,
        default="default",
        help_text=_("Which system reports it; a number is unique within its source."),
    )  # type: ignore[assignment]
    member = TextField(
        max_length=20,
        allow_null=True,
        default=None,
        help_text=_(
            "A member's number, as shown in the console. Left out: an order by a "
            "non-member, which earns nothing."
        ),
    )
    store = TextField(
        max_length=50,
        allow_null=True,
        default=None,
        help_text=_("The code of the store where it was placed."),
    )
    channel = TextField(
        max_length=50,
        allow_blank=True,
        default="",
        help_text=_("Where it was placed, such as “app” or “till”; campaigns may ask for it."),
    )
    placed_at = PastMomentField(help_text=_("When it was placed, with the offset from UTC."))
    status = serializers.ChoiceField(
        choices=STATUSES,
        default=Order.Status.PAID,
        help_text=_("How far it has come; it earns from the status on that the program names."),
    )
    coupon = TextField(
        max_length=100,
        allow_blank=True,
        default="",
        help_text=_(
            "A coupon that was entered: the code of one of the member's vouchers, which is used with the order, or a word that campaigns ask for."
        ),
    )
    hold = HoldField(
        max_length=100,
        allow_null=True,
        default=None,
        help_text=_("The id of a hold whose points pay for a part of the order."),
    )
    points_paid_amount = MoneyField(
        allow_null=True,
        default=None,
        help_text=_("How much of the price the held points paid, in money."),
    )
    payments = PaymentInput(
        many=True, max_length=100, default=list, help_text=_("How the rest was paid.")
    )  # type: ignore[call-arg]
    lines = LineInput(
        many=True, allow_empty=False, max_length=MOST_LINES, help_text=_("What was bought.")
    )  # type: ignore[call-arg]

    def validate_source(self, source: str) -> str:
        if "/" in source:
            self.fail("slash")
        return source

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if sum(abs(line["amount"]) for line in lines) >= LARGEST_AMOUNT:
            self.fail("out_of_range")
        return lines


@example(
    {
        "number": "receipt-1",
        "member": "100000000001",
        "store": "SH-01",
        "placed_at": "2026-11-21T12:00:00+08:00",
        "payments": [{"method": "alipay", "amount": "32.00"}],
        "lines": [{"sku": "latte", "name": "Latte", "category": "coffee", "amount": "32.00"}],
    }
)
class OrderInput(QuoteInput):
    """An order as a till or shop reports it; (source, number) is unique for ever."""

    number = TextField(
        max_length=100, help_text=_("The order's number, unique within its source for ever.")
    )


@example(
    {
        "orders": [
            {
                "number": "receipt-1",
                "member": "100000000001",
                "placed_at": "2026-11-21T12:00:00+08:00",
                "lines": [{"sku": "latte", "amount": "32.00"}],
            }
        ]
    }
)
class BatchInput(Input):
    """1 to 1,000 orders, each like the body of `POST orders`; a bad one never stops the others."""

    orders = serializers.ListField(
        child=serializers.JSONField(),
        allow_empty=False,
        max_length=LARGEST_BATCH,
        help_text=_("The orders, each like the body of POST orders."),
    )


def facts_of(said: Mapping[str, Any]) -> OrderFacts:
    """The order as the verbs take it."""
    lines = tuple(Line(**{**line, "tags": tuple(line["tags"])}) for line in said["lines"])
    payments = tuple((each["method"], each["amount"]) for each in said["payments"])
    return OrderFacts(**{"number": "", **said, "lines": lines, "payments": payments})
