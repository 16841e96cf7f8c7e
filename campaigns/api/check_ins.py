"""Signing in over the API."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import checkins
from campaigns.checkins import SignedIn
from loyalty import queries
from loyalty.api.answers import WalletAnswer
from members.api.endpoint import Endpoint
from members.api.fields import Input, WholeField, example
from members.api.moments import PastMomentField
from members.api.once import once


@example({"at": "2026-11-21T08:00:00+08:00"})
class CheckInInput(Input):
    """Which day is signed: that of `at`, without it today's."""

    at = PastMomentField(
        allow_null=True, default=None, help_text=_("When the member signed in; left out: now.")
    )


class MilestoneAnswer(serializers.Serializer[Any]):
    """The nearest day that brings more: at so many days (`counts`: in a row, in all, in the month), so many to go."""

    days = WholeField(source="reached")
    points = WholeField(source="extra")
    left = WholeField()
    counts = serializers.ChoiceField(
        source="kind",
        choices=[("streak", "streak"), ("total", "total"), ("month_total", "month_total")],
    )


class CheckInAnswer(serializers.Serializer[SignedIn]):
    """What signing a day gave, the days in a row that end with it, and the member's wallet as it is now."""

    day = serializers.DateField()
    points = WholeField()
    streak = WholeField()
    next_milestone = MilestoneAnswer(allow_null=True)
    wallet = serializers.SerializerMethodField()

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, done: SignedIn) -> dict[str, Any]:
        figures = queries.figures(member=done.member, at=timezone.now())
        return dict(WalletAnswer(figures).data)


class CheckInsView(Endpoint):
    scopes = {"POST": "earn"}

    @extend_schema(
        summary=_("Sign in for a day; a day already signed in answers 200"),
        request=CheckInInput,
        responses={201: CheckInAnswer, 200: CheckInAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        now = timezone.now()
        at = self.read(CheckInInput)["at"] or now
        done = checkins.sign_in(member=number, at=at, now=now)
        code = status.HTTP_201_CREATED if done.is_new else status.HTTP_200_OK
        return Response(CheckInAnswer(done).data, status=code)
