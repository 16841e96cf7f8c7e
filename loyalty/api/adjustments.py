"""Adjustments: points given or taken by hand, with a reason."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import adjustments, queries
from loyalty.adjustments import Adjusted, AdjustmentFacts
from loyalty.api.answers import WalletAnswer
from loyalty.models import Adjustment
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import Input, SignedPointsField, TextField
from members.api.moments import FutureMomentField
from members.api.once import once


class AdjustmentInput(Input):
    """Positive points give, negative ones take; `message` is what the member reads."""

    member = TextField(max_length=20)
    points = SignedPointsField()
    reason = serializers.ChoiceField(choices=Adjustment.Reason.choices)
    note = TextField(max_length=2_000, allow_blank=True, default="")
    message = TextField(max_length=200, allow_blank=True, default="")
    reference = TextField(max_length=100)
    expires_at = FutureMomentField(allow_null=True, default=None)


class AdjustmentAnswer(serializers.Serializer[Adjustment]):
    """An adjustment and the member's wallet as it is now."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Adjustment.State.choices)
    member = serializers.CharField(source="member.number")
    points = SignedPointsField()
    reference = serializers.CharField()
    wallet = serializers.SerializerMethodField()

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, adjustment: Adjustment) -> dict[str, Any]:
        figures = queries.figures(member=adjustment.member, at=timezone.now())
        return dict(WalletAnswer(figures).data)


class AdjustmentsView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_(
            "Give or take points; above the program's threshold a second person decides (202)"
        ),
        request=AdjustmentInput,
        responses={201: AdjustmentAnswer, 202: AdjustmentAnswer, 200: AdjustmentAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        facts = AdjustmentFacts(**self.read(AdjustmentInput))
        adjusted = adjustments.adjust(
            facts=facts, requested_by=signature_of(request), at=timezone.now()
        )
        return Response(AdjustmentAnswer(adjusted.adjustment).data, status=_status_of(adjusted))


def _status_of(adjusted: Adjusted) -> int:
    if not adjusted.is_new:
        return status.HTTP_200_OK
    if adjusted.adjustment.state == Adjustment.State.AWAITING_APPROVAL:
        return status.HTTP_202_ACCEPTED
    return status.HTTP_201_CREATED


class AdjustmentView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("An adjustment"), responses=AdjustmentAnswer)
    def get(self, request: Request, id: int) -> Response:
        return Response(AdjustmentAnswer(queries.adjustment(pk=id)).data)


class ApproveView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Approve an adjustment that somebody else asked for"),
        request=None,
        responses={200: AdjustmentAnswer},
    )
    @once
    def post(self, request: Request, id: int) -> Response:
        decided = adjustments.approve(adjustment=id, by=signature_of(request), at=timezone.now())
        return Response(AdjustmentAnswer(decided).data)


class RejectView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Reject an adjustment that somebody else asked for"),
        request=None,
        responses={200: AdjustmentAnswer},
    )
    @once
    def post(self, request: Request, id: int) -> Response:
        decided = adjustments.reject(adjustment=id, by=signature_of(request), at=timezone.now())
        return Response(AdjustmentAnswer(decided).data)
