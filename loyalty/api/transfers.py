"""Transfers: points that one member gives to another."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import queries, transfers
from loyalty.api.answers import WalletAnswer
from loyalty.models import Transfer
from loyalty.transfers import TransferRequest
from members.api.endpoint import Endpoint
from members.api.fields import Input, PointsField, TextField, WholeField
from members.api.moments import MomentField
from members.api.once import once


class TransferInput(Input):
    """Who gives how much to whom; `reference` is unique for the sender for ever."""

    sender = TextField(max_length=20, source="sender")
    to = TextField(max_length=20, source="receiver")
    points = PointsField()
    reference = TextField(max_length=100)
    message = TextField(max_length=200, allow_blank=True, default="")

    def get_fields(self) -> dict[str, Any]:
        return _with_from(super().get_fields())


class TransferAnswer(serializers.Serializer[Transfer]):
    """A transfer and the sender's wallet as it is now; the fee was taken on top of the points."""

    id = serializers.IntegerField()
    reference = serializers.CharField()
    sender = serializers.CharField(source="sender.number")
    to = serializers.CharField(source="receiver.number")
    points = PointsField()
    fee = WholeField()
    message = serializers.CharField()
    at = MomentField()
    wallet = serializers.SerializerMethodField()

    def get_fields(self) -> dict[str, Any]:
        return _with_from(super().get_fields())

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, transfer: Transfer) -> dict[str, Any]:
        figures = queries.figures(member=transfer.sender, at=timezone.now())
        return dict(WalletAnswer(figures).data)


def _with_from(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with `sender` called `from`, which is a keyword of the language."""
    return {"from" if name == "sender" else name: field for name, field in fields.items()}


class TransfersView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Give points to another member"),
        request=TransferInput,
        responses={201: TransferAnswer, 200: TransferAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        asked = TransferRequest(**self.read(TransferInput))
        done = transfers.transfer(request=asked, at=timezone.now())
        code = status.HTTP_201_CREATED if done.is_new else status.HTTP_200_OK
        return Response(TransferAnswer(done.transfer).data, status=code)
