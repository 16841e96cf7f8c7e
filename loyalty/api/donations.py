"""Donations: points given to a project."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import donations, queries
from loyalty.api.answers import WalletAnswer
from loyalty.donations import DonationRequest
from loyalty.models import Donation
from members.api.endpoint import Endpoint
from members.api.fields import Input, PointsField, TextField
from members.api.moments import MomentField
from members.api.once import once


class DonationInput(Input):
    """Points for a project; `reference` is unique for this member for ever."""

    member = TextField(max_length=20)
    points = PointsField()
    project = TextField(max_length=100)
    reference = TextField(max_length=100)


class DonationAnswer(serializers.Serializer[Donation]):
    """A donation and the member's wallet as it is now."""

    id = serializers.IntegerField()
    member = serializers.CharField(source="member.number")
    points = PointsField()
    project = serializers.CharField()
    reference = serializers.CharField()
    at = MomentField()
    wallet = serializers.SerializerMethodField()

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, donation: Donation) -> dict[str, Any]:
        figures = queries.figures(member=donation.member, at=timezone.now())
        return dict(WalletAnswer(figures).data)


class DonationsView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Donate points to a project"),
        request=DonationInput,
        responses={201: DonationAnswer, 200: DonationAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        asked = DonationRequest(**self.read(DonationInput))
        done = donations.donate(request=asked, at=timezone.now())
        code = status.HTTP_201_CREATED if done.is_new else status.HTTP_200_OK
        return Response(DonationAnswer(done.donation).data, status=code)
