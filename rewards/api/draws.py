"""Draws: what can be won and with what odds, having a go, and the rounds that anyone checks."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import queries as loyalty_queries
from members import queries as member_queries
from members import tiering
from members.api import pages
from members.api.endpoint import Endpoint
from members.api.fields import FlagField, Input, PointsField, TextField, WholeField
from members.api.moments import MomentField
from members.api.once import once
from rewards import draw_editing, draw_queries, draw_rounds, draws
from rewards.api.draw_answers import (
    ChanceAnswer,
    DrawAnswer,
    PlayAnswer,
    PublishedAnswer,
    RoundAnswer,
)
from rewards.draw_errors import DrawNotOpen
from rewards.draws import PlayRequest
from rewards.models import Draw, DrawPrize, Reward

MEMBER = OpenApiParameter(
    "member",
    str,
    description=_(
        "A member's number: adds its tickets, the goes left and whether it may have one."
    ),
)


class PrizeInput(Input):
    """A prize: its weight against those of the others, and how many there are (null: it never runs out)."""

    name = TextField(max_length=100)
    kind = serializers.ChoiceField(choices=DrawPrize.Kind.choices)
    reward = TextField(max_length=50, allow_null=True, required=False)
    points = PointsField(most=draw_editing.MOST_POINTS, allow_null=True, required=False)
    weight = WholeField(least=1, most=draw_editing.MOST_WEIGHT)
    stock = WholeField(most=draw_editing.MOST_PIECES, allow_null=True, required=False)


class DrawInput(Input):
    """A draw with its prizes in the order of publishing; other prizes close the open round and open the next."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    terms = TextField(max_length=2_000, allow_blank=True, required=False)
    points = PointsField(least=draw_editing.LEAST_POINTS, allow_null=True, required=False)
    per_member = WholeField(least=1, most=draw_editing.MOST_GOES, allow_null=True, required=False)
    per_member_period = serializers.ChoiceField(choices=Reward.Period.choices, required=False)
    tiers = serializers.ListField(
        child=TextField(max_length=50), max_length=100, allow_null=True, required=False
    )
    round_period = serializers.ChoiceField(choices=Draw.RoundPeriod.choices, required=False)
    starts_at = MomentField(allow_null=True, required=False)
    ends_at = MomentField(allow_null=True, required=False)
    active = FlagField(required=False)
    prizes = serializers.ListField(
        child=PrizeInput(), max_length=draw_editing.MOST_PRIZES, required=False
    )

    def validate_tiers(self, tiers: list[str] | None) -> list[str]:
        return tiers or []


class PlayInput(Input):
    """Who has a go; `reference` is the caller's own number, unique for this member for ever."""

    member = TextField(max_length=20)
    reference = TextField(max_length=100)


class DrawsView(Endpoint):
    scopes = {"GET": "read", "POST": "manage"}
    pagination_class = pages.KeysetPages

    def get_queryset(self) -> QuerySet[Any]:
        return draw_queries.running(timezone.now())

    @extend_schema(
        summary=_("The draws that run now, the newest first"),
        parameters=[MEMBER],
        responses=ChanceAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(_shown(request, rows))

    @extend_schema(summary=_("Add a draw"), request=DrawInput, responses={201: DrawAnswer})
    @once
    def post(self, request: Request) -> Response:
        draw = draw_editing.create(changes=self.read(DrawInput), at=timezone.now())
        draw_queries.load([draw])
        return Response(DrawAnswer(draw).data, status=status.HTTP_201_CREATED)


class DrawView(Endpoint):
    scopes = {"GET": "read", "PATCH": "manage"}

    @extend_schema(
        summary=_("A draw with its odds and what is left"),
        parameters=[MEMBER],
        responses=ChanceAnswer,
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(_shown(request, [draw_queries.draw(code)])[0])

    @extend_schema(summary=_("Change a draw"), request=DrawInput, responses=DrawAnswer)
    @once
    def patch(self, request: Request, code: str) -> Response:
        changes = self.read_changes(DrawInput)
        draw = draw_editing.change(
            draw=draw_queries.draw(code), changes=changes, at=timezone.now()
        )
        draw_queries.load([draw])
        return Response(DrawAnswer(draw).data)


class PlaysView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Have a go: a ticket is used up, else points are taken"),
        request=PlayInput,
        responses={201: PlayAnswer, 200: PlayAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        asked = PlayRequest(draw=code, **self.read(PlayInput))
        played = draws.play(request=asked, at=timezone.now())
        made = status.HTTP_201_CREATED if played.is_new else status.HTTP_200_OK
        return Response(PlayAnswer(played.play).data, status=made)


class RoundsView(Endpoint):
    scopes = {"GET": "read"}
    pagination_class = pages.KeysetPages

    def get_queryset(self) -> QuerySet[Any]:
        return draw_queries.rounds_of(draw_queries.draw(self.kwargs["code"]))

    @extend_schema(
        summary=_("The rounds of a draw, the newest first"), responses=RoundAnswer(many=True)
    )
    def get(self, request: Request, code: str) -> Response:
        return self.listed(RoundAnswer)


class CloseRoundView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Close the open round, which publishes its seed; the next one opens"),
        request=None,
        responses={200: RoundAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        self.read(Input)
        closed = draw_rounds.close_by_hand(draw=draw_queries.draw(code), at=timezone.now())
        if closed is None:
            raise DrawNotOpen
        return Response(RoundAnswer(closed).data)


class RoundView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(
        summary=_("A round as it is published: anyone can draw it again"),
        responses=PublishedAnswer,
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(PublishedAnswer(draw_queries.round_of(code)).data)


def _shown(request: Request, found: list[Draw]) -> list[dict[str, Any]]:
    """The draws, with what is true of the member that was asked for."""
    draw_queries.load(found)
    shown = [dict(DrawAnswer(each).data) for each in found]
    if "member" not in request.query_params:
        return shown
    at = timezone.now()
    member = member_queries.by_number(request.query_params["member"], "/member")
    tiering.show(members=[member], at=at)
    figures = loyalty_queries.figures(member=member, at=at)
    chances = draw_queries.chances_for(member=member, draws=found, figures=figures, at=at)
    return [
        {
            **said,
            "tickets": chance.tickets,
            "goes_left": chance.goes_left,
            "eligible": chance.eligible,
            "affordable": chance.can_pay,
        }
        for said, chance in zip(shown, chances, strict=True)
    ]
