"""Refunds of an order."""

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import refunds
from loyalty.api.answers import OrderAnswer, WalletAnswer
from loyalty.api.order_inputs import MOST_LINES
from loyalty.api.orders import shown
from loyalty.refunds import Refunded, RefundFacts, RefundLine
from members.api.endpoint import Endpoint
from members.api.fields import Input, MoneyField, TextField, WholeField, example
from members.api.moments import PastMomentField
from members.api.once import once

CENT = Decimal("0.01")


class RefundLineInput(Input):
    """What of a line was given back."""

    sku = TextField(max_length=100, help_text=_("The item's number, as the order named it."))
    quantity = WholeField(allow_null=True, default=None, help_text=_("How many pieces came back."))
    amount = MoneyField(help_text=_("How much of the line is given back, in money."))


@example({"reference": "refund-1", "lines": [{"sku": "latte", "quantity": 1, "amount": "32.00"}]})
class RefundInput(Input):
    """A refund by `amount` or by `lines`."""

    default_error_messages = {
        "one_of": _("Give either an amount or lines."),
        "nothing": _("The lines must add up to more than nothing."),
    }

    reference = TextField(
        max_length=100, help_text=_("Your own number of the refund, unique for this order.")
    )
    at = PastMomentField(
        allow_null=True, default=None, help_text=_("When it happened; left out: now.")
    )
    amount = MoneyField(
        least=CENT,
        allow_null=True,
        default=None,
        help_text=_("How much is given back in all; or name lines."),
    )
    lines = RefundLineInput(  # type: ignore[call-arg]
        many=True,
        allow_empty=False,
        max_length=MOST_LINES,
        allow_null=True,
        default=None,
        help_text=_("What was given back, line by line; or name the amount."),
    )

    def validate_lines(self, lines: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        if lines is not None and not any(line["amount"] for line in lines):
            self.fail("nothing")
        return lines

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["amount"] is None) == (attrs["lines"] is None):
            self.fail("one_of")
        return attrs


class RefundAnswer(serializers.Serializer[Any]):
    """What the refund took back; `points_reversed` is what was really taken, debt included.

    `points_returned` came back of the points that paid for the order.
    """

    reference = serializers.CharField()
    points_reversed = WholeField()
    status_points_reversed = WholeField()
    debt_added = WholeField()
    points_returned = WholeField()
    order = OrderAnswer()
    wallet = WalletAnswer(allow_null=True)


class RefundsView(Endpoint):
    scopes = {"POST": "earn"}

    @extend_schema(
        summary=_("Refund an order, whole or in part"),
        request=RefundInput,
        responses={201: RefundAnswer, 200: RefundAnswer},
    )
    @once
    def post(self, request: Request, source: str, number: str) -> Response:
        now = timezone.now()
        facts = _facts(self.read(RefundInput))
        refunded = refunds.refund(source=source, number=number, facts=facts, now=now)
        code = status.HTTP_201_CREATED if refunded.is_new else status.HTTP_200_OK
        return Response(_answer(refunded), status=code)


def _facts(said: dict[str, Any]) -> RefundFacts:
    lines = said["lines"]
    return RefundFacts(
        reference=said["reference"],
        at=said["at"],
        amount=said["amount"],
        lines=None if lines is None else tuple(RefundLine(**line) for line in lines),
    )


def _answer(refunded: Refunded) -> dict[str, Any]:
    refund, order = refunded.refund, shown([refunded.order])[0]
    return {
        "reference": refund.reference,
        "points_reversed": refund.points_reversed,
        "status_points_reversed": refund.status_points_reversed,
        "debt_added": refund.debt_added,
        "points_returned": refund.points_returned,
        "order": order,
        "wallet": order["wallet"],
    }
