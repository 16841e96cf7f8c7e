"""The catalogue: what points can buy."""

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
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import FlagField, Input, MoneyField, PointsField, TextField, WholeField
from members.api.moments import MomentField
from members.api.once import once
from members.models import Member
from rewards import catalogue, queries
from rewards.api.answers import OfferAnswer, RewardAnswer
from rewards.models import Reward
from rewards.queries import Offer

MOST_DAYS = 36_500
MOST_PIECES = 2**31 - 1
MEMBER = OpenApiParameter(
    "member",
    str,
    description=_("A member's number: adds whether the member can have the reward, and for what."),
)


class RewardInput(Input):
    """A reward; `stock` is what is left (null: unlimited), `valid_days` counts local days."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    kind = serializers.ChoiceField(choices=Reward.Kind.choices)
    summary = TextField(max_length=100, allow_blank=True, required=False)
    terms = TextField(max_length=2_000, allow_blank=True, required=False)
    category = TextField(max_length=50, allow_blank=True, required=False)
    art = serializers.ChoiceField(choices=Reward.Art.choices, required=False)
    points = PointsField()
    cash = MoneyField(required=False)
    cost = MoneyField(allow_null=True, required=False)
    stock = WholeField(allow_null=True, required=False)
    per_member = WholeField(least=1, most=MOST_PIECES, allow_null=True, required=False)
    per_member_period = serializers.ChoiceField(choices=Reward.Period.choices, required=False)
    tiers = serializers.ListField(
        child=TextField(max_length=50), max_length=100, allow_null=True, required=False
    )
    starts_at = MomentField(allow_null=True, required=False)
    ends_at = MomentField(allow_null=True, required=False)
    valid_days = WholeField(most=MOST_DAYS, allow_null=True, required=False)
    active = FlagField(required=False)

    def validate_tiers(self, tiers: list[str] | None) -> list[str]:
        return tiers or []


class RewardPages(pages.KeysetPages):
    keys = ("points", "id")


class RewardsView(Endpoint):
    scopes = {"GET": "read", "POST": "manage", "PATCH": "manage"}
    pagination_class = RewardPages

    def get_queryset(self) -> QuerySet[Any]:
        return queries.on_sale(timezone.now())

    @extend_schema(
        summary=_("The rewards on sale now, the cheapest first"),
        parameters=[MEMBER],
        responses=OfferAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        if "member" in request.query_params:
            return self._offers(request)
        return self.listed(RewardAnswer)

    def _offers(self, request: Request) -> Response:
        offers = _offers_for(_member(request))
        rows, following = pages.page(request, offers, _cheapest_key)
        return Response({"results": [_shown(self, each) for each in rows], "next": following})

    @extend_schema(summary=_("Add a reward"), request=RewardInput, responses={201: RewardAnswer})
    @once
    def post(self, request: Request) -> Response:
        reward = catalogue.create(
            changes=self.read(RewardInput), at=timezone.now(), by=signature_of(request)
        )
        context = self.get_serializer_context()
        return Response(RewardAnswer(reward, context=context).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="rewards_change_named",
        summary=_("Change the reward that the body names by its code"),
        request=RewardInput,
        responses=RewardAnswer,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change(self, self.read(CodeInput)["code"], "/code")


class CodeInput(Input):
    """Which reward is meant."""

    code = TextField(max_length=50)


class RewardView(Endpoint):
    scopes = {"GET": "read", "PATCH": "manage"}

    @extend_schema(summary=_("A reward"), parameters=[MEMBER], responses=OfferAnswer)
    def get(self, request: Request, code: str) -> Response:
        reward = queries.reward(code)
        if "member" in request.query_params:
            return Response(_shown(self, _offer_for(_member(request), reward)))
        return Response(RewardAnswer(reward, context=self.get_serializer_context()).data)

    @extend_schema(summary=_("Change a reward"), request=RewardInput, responses=RewardAnswer)
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change(self, code)


def _change(view: Endpoint, code: str, pointer: str = "") -> Response:
    reward = catalogue.change(
        reward=queries.reward(code, pointer),
        changes=view.read_changes(RewardInput),
        at=timezone.now(),
        by=signature_of(view.request),
    )
    return Response(RewardAnswer(reward, context=view.get_serializer_context()).data)


def _member(request: Request) -> Member:
    member = member_queries.by_number(request.query_params["member"], "/member")
    tiering.show(members=[member], at=timezone.now())
    return member


def _offers_for(member: Member) -> list[Offer]:
    at = timezone.now()
    figures = loyalty_queries.figures(member=member, at=at)
    return queries.offers_for(member=member, at=at, figures=figures)


def _offer_for(member: Member, reward: Reward) -> Offer:
    """One reward as the member sees it, also while it is not on sale."""
    owned = loyalty_queries.figures(member=member, at=timezone.now())
    missing = max(0, reward.points - owned.active + owned.debt)
    return Offer(
        reward=reward,
        affordable=missing == 0,
        eligible=queries.is_for(reward, member),
        price=reward.points,
        missing=missing,
        left_for_member=None,
    )


def _cheapest_key(offer: Offer) -> pages.Key:
    return offer.reward.points, offer.reward.pk


def _shown(view: Endpoint, offer: Offer) -> dict[str, Any]:
    reward = RewardAnswer(offer.reward, context=view.get_serializer_context()).data
    theirs = {
        "affordable": offer.affordable,
        "eligible": offer.eligible,
        "price": offer.price,
    }
    return {**reward, **theirs}
