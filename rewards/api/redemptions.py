"""Redemptions: a reward for points, and calling it off."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from members.api.endpoint import Endpoint
from members.api.fields import Input, TextField, WholeField
from members.api.once import once
from rewards import queries, redemption
from rewards.api.answers import RedemptionAnswer
from rewards.redemption import RedemptionRequest

MOST_PIECES = 1_000


class RedemptionInput(Input):
    """Which reward for whom; `reference` is the caller's own number, unique for this member for ever."""

    member = TextField(max_length=20)
    reward = TextField(max_length=50)
    quantity = WholeField(least=1, most=MOST_PIECES, default=1)
    reference = TextField(max_length=100)
    store = TextField(max_length=50, allow_null=True, default=None)
    address = serializers.DictField(allow_null=True, default=None)


class RedemptionsView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Redeem a reward"),
        request=RedemptionInput,
        responses={201: RedemptionAnswer, 200: RedemptionAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        asked = RedemptionRequest(**self.read(RedemptionInput))
        redeemed = redemption.redeem(request=asked, at=timezone.now())
        code = status.HTTP_201_CREATED if redeemed.is_new else status.HTTP_200_OK
        return Response(RedemptionAnswer(redeemed.redemption).data, status=code)


class RedemptionView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("A redemption"), responses=RedemptionAnswer)
    def get(self, request: Request, number: str) -> Response:
        return Response(RedemptionAnswer(queries.redemption(number)).data)


class CancelView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Call a redemption off: points, stock and limit come back"),
        request=None,
        responses={200: RedemptionAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        cancelled = redemption.cancel(number=number, at=timezone.now())
        return Response(RedemptionAnswer(cancelled).data)
