"""Holds: points set aside at a checkout, then captured or released."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import holds, programs, queries
from loyalty.api.answers import WalletAnswer
from loyalty.holds import HoldRequest
from loyalty.models import Hold
from members.api.endpoint import Endpoint
from members.api.fields import Input, MoneyField, PointsField, TextField, WholeField, example
from members.api.moments import MomentField
from members.api.once import once


@example({"member": "100000000001", "points": 500, "reference": "checkout-1", "expires_in": 900})
class HoldInput(Input):
    """Points to set aside, within the program's `min` and `step` for paying with points.

    `expires_in` are seconds, `reference` is unique for this member for ever.
    """

    member = TextField(max_length=20, help_text=_("A member's number, as shown in the console."))
    points = PointsField(help_text=_("How many points to set aside."))
    reference = TextField(
        max_length=100,
        help_text=_(
            "Your own number for it, unique for this member for ever: sending it again has "
            "no further effect."
        ),
    )
    expires_in = WholeField(
        least=1,
        most=holds.MOST_SECONDS,
        default=holds.DEFAULT_SECONDS,
        help_text=_(
            "The number of seconds after which the points become available again automatically."
        ),
    )


@example({"points": 500, "order": "default/receipt-1"})
class CaptureInput(Input):
    """How much to spend of the hold (all of it when left out), and for which order ("source/number").

    What an order earned stays as it is: say its `points_paid_amount`, or its `hold`, when it is reported.
    """

    points = PointsField(
        required=False,
        help_text=_(
            "How many of the held points are spent; the rest is free again. Left out: all."
        ),
    )
    order = TextField(
        max_length=200,
        required=False,
        help_text=_("The order that they pay for, as “source/number”."),
    )


class HoldAnswer(serializers.Serializer[Hold]):
    """A hold and the member's wallet as they are now; `value` is what the held points are worth in money."""

    id = serializers.IntegerField()
    state = serializers.SerializerMethodField()
    member = serializers.CharField(source="wallet.member.number")
    points = PointsField()
    captured_points = WholeField()
    value = serializers.SerializerMethodField(method_name="worth")
    reference = serializers.CharField()
    order = serializers.CharField(source="order.reference", allow_null=True, default=None)
    at = MomentField()
    expires_at = MomentField()
    closed_at = serializers.SerializerMethodField()
    wallet = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=Hold.State.choices))
    def get_state(self, hold: Hold) -> str:
        return queries.hold_state(hold, self.context["now"])

    @extend_schema_field(MoneyField)
    def worth(self, hold: Hold) -> str:
        return f"{queries.value_of(hold.points, programs.current()):.2f}"

    @extend_schema_field(MomentField(allow_null=True))
    def get_closed_at(self, hold: Hold) -> str | None:
        is_over = self.get_state(hold) == Hold.State.EXPIRED
        closed_at = hold.expires_at if is_over else hold.closed_at
        return None if closed_at is None else MomentField().to_representation(closed_at)

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, hold: Hold) -> dict[str, Any]:
        figures = queries.figures(member=hold.wallet.member, at=self.context["now"])
        return dict(WalletAnswer(figures).data)


def answered(hold: Hold, code: int = status.HTTP_200_OK) -> Response:
    """The hold as it is now."""
    return Response(HoldAnswer(hold, context={"now": timezone.now()}).data, status=code)


class HoldsView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Set points aside"),
        request=HoldInput,
        responses={201: HoldAnswer, 200: HoldAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        asked = HoldRequest(**self.read(HoldInput))
        placed = holds.hold(request=asked, at=timezone.now())
        code = status.HTTP_201_CREATED if placed.is_new else status.HTTP_200_OK
        return answered(placed.hold, code)


class HoldView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("A hold"), responses=HoldAnswer)
    def get(self, request: Request, id: int) -> Response:
        return answered(queries.hold(pk=id))


class CaptureView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Spend what a hold keeps, or a part of it; the rest is released"),
        request=CaptureInput,
        responses={200: HoldAnswer},
    )
    @once
    def post(self, request: Request, id: int) -> Response:
        said = self.read(CaptureInput)
        captured = holds.capture(
            hold=id, points=said.get("points"), order=said.get("order"), at=timezone.now()
        )
        return answered(captured)


class ReleaseView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Let a hold go: its points are free again"),
        request=None,
        responses={200: HoldAnswer},
    )
    @once
    def post(self, request: Request, id: int) -> Response:
        return answered(holds.release(hold=id, at=timezone.now()))
