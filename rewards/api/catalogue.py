"""The catalogue: what points can buy."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import queries as loyalty_queries
from loyalty.queries import Figures
from members import queries as member_queries
from members import tiering
from members.api import pages
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.once import once
from members.models import Member
from rewards import assortment, catalogue, queries
from rewards.api.reward_answers import (
    RewardAnswer,
    RewardForMemberAnswer,
    RewardPageAnswer,
    TermsAnswer,
    VariantAnswer,
)
from rewards.api.reward_inputs import CodeInput, RewardInput
from rewards.assortment import Terms
from rewards.models import Reward

MEMBER = OpenApiParameter(
    "member",
    str,
    description=_("A member's number: adds whether the member can have the reward, and for what."),
)

COMING = OpenApiParameter(
    "coming",
    bool,
    description=_(
        "true: rewards that are announced but not on sale yet, to count down to their start."
    ),
)


class RewardPages(pages.KeysetPages):
    keys = ("points", "id")


class RewardFilter(django_filters.FilterSet):  # type: ignore[misc]
    """By kind, by category, and what is on sale only later."""

    kind = django_filters.ChoiceFilter(choices=Reward.Kind.choices)
    category = django_filters.CharFilter()

    class Meta:
        model = Reward
        fields = ("kind", "category")


class RewardsView(Endpoint):
    scopes = {"GET": "read", "POST": "manage", "PATCH": "manage"}
    pagination_class = RewardPages
    filter_backends = [DjangoFilterBackend]
    filterset_class = RewardFilter

    def get_queryset(self) -> QuerySet[Any]:
        at = timezone.now()
        is_coming = self.request.query_params.get("coming") == "true"
        return queries.shown(queries.coming(at) if is_coming else queries.on_sale(at))

    @extend_schema(
        summary=_("The rewards on sale now, the cheapest first"),
        parameters=[MEMBER, COMING],
        responses=RewardForMemberAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        if "member" in request.query_params:
            return self._for_member(request)
        return self.listed(RewardAnswer)

    def _for_member(self, request: Request) -> Response:
        at = timezone.now()
        member, figures = _member(request)
        found = queries.shown(queries.on_sale_for(member, at))
        if request.query_params.get("coming") == "true":
            found = self.get_queryset().exclude(pk__in=found.values("pk"))
        rows: Any = self.paginate_queryset(self.filter_queryset(found))
        terms = assortment.terms_of_all(rewards=rows, member=member, figures=figures, at=at)
        return self.get_paginated_response([_shown(self, each) for each in terms])

    @extend_schema(summary=_("Add a reward"), request=RewardInput, responses={201: RewardAnswer})
    @once
    def post(self, request: Request) -> Response:
        reward = catalogue.create(
            changes=self.read(RewardInput), at=timezone.now(), by=signature_of(request)
        )
        return _answer(self, reward.code, status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="rewards_change_named",
        summary=_("Change the reward that the body names by its code"),
        request=RewardInput,
        responses=RewardAnswer,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change(self, self.read(CodeInput)["code"], "/code")


class RewardView(Endpoint):
    scopes = {"GET": "read", "PATCH": "manage"}

    @extend_schema(
        summary=_("A reward; a floating price told to a member stands for ten minutes"),
        parameters=[MEMBER],
        responses=RewardPageAnswer,
    )
    def get(self, request: Request, code: str) -> Response:
        reward = queries.shown_reward(code)
        variants: Any = queries.variants_of(reward).filter(active=True)
        answer = {
            **RewardAnswer(reward, context=self.get_serializer_context()).data,
            "variants": VariantAnswer(variants, many=True).data,
        }
        if "member" in request.query_params:
            member, figures = _member(request)
            terms = assortment.quoted_terms(
                reward=reward, member=member, figures=figures, at=timezone.now()
            )
            answer |= TermsAnswer(terms).data
        return Response(answer)

    @extend_schema(summary=_("Change a reward"), request=RewardInput, responses=RewardAnswer)
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change(self, code)


def _change(view: Endpoint, code: str, pointer: str = "") -> Response:
    changed = catalogue.change(
        reward=queries.reward(code, pointer),
        changes=view.read_changes(RewardInput),
        at=timezone.now(),
        by=signature_of(view.request),
    )
    return _answer(view, changed.code, status.HTTP_200_OK)


def _answer(view: Endpoint, code: str, answered: int) -> Response:
    reward = queries.shown_reward(code)
    context = view.get_serializer_context()
    return Response(RewardAnswer(reward, context=context).data, status=answered)


def _member(request: Request) -> tuple[Member, Figures]:
    at = timezone.now()
    member = member_queries.by_number(request.query_params["member"], "/member")
    tiering.show(members=[member], at=at)
    return member, loyalty_queries.figures(member=member, at=at)


def _shown(view: Endpoint, terms: Terms) -> dict[str, Any]:
    reward = RewardAnswer(terms.reward, context=view.get_serializer_context()).data
    return {**reward, **TermsAnswer(terms).data}
