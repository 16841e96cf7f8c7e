"""Buy-backs: points that the merchant takes back for money."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import buy_backs, queries
from loyalty.api.answers import WalletAnswer
from loyalty.buy_backs import BuyBackRequest
from loyalty.models import BuyBack
from members.api.endpoint import Endpoint
from members.api.fields import Input, MoneyField, PointsField, TextField
from members.api.moments import MomentField
from members.api.once import once


class BuyBackInput(Input):
    """Points to buy back; `reference` is unique for this member for ever."""

    member = TextField(max_length=20)
    points = PointsField()
    reference = TextField(max_length=100)


class BuyBackAnswer(serializers.Serializer[BuyBack]):
    """A buy-back and the member's wallet as it is now; `value` is what the points were worth then."""

    id = serializers.IntegerField()
    member = serializers.CharField(source="member.number")
    points = PointsField()
    value = MoneyField()
    reference = serializers.CharField()
    at = MomentField()
    wallet = serializers.SerializerMethodField()

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, buy_back: BuyBack) -> dict[str, Any]:
        figures = queries.figures(member=buy_back.member, at=timezone.now())
        return dict(WalletAnswer(figures).data)


class BuyBacksView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Buy points back for money"),
        request=BuyBackInput,
        responses={201: BuyBackAnswer, 200: BuyBackAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        asked = BuyBackRequest(**self.read(BuyBackInput))
        done = buy_backs.buy_back(request=asked, at=timezone.now())
        code = status.HTTP_201_CREATED if done.is_new else status.HTTP_200_OK
        return Response(BuyBackAnswer(done.buy_back).data, status=code)
