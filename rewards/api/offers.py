"""Offers: rewards for another price during a window."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from members.api import pages
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.once import once
from rewards import offers, queries
from rewards.api.reward_answers import OfferAnswer
from rewards.api.reward_inputs import CodeInput, OfferInput
from rewards.models import Offer


class OfferPages(pages.KeysetPages):
    keys = ("-id",)


class OfferFilter(django_filters.FilterSet):  # type: ignore[misc]
    """By the reward's code and by kind."""

    reward = django_filters.CharFilter(field_name="reward__code")
    kind = django_filters.ChoiceFilter(choices=Offer.Kind.choices)

    class Meta:
        model = Offer
        fields = ("reward", "kind")


class OffersView(Endpoint):
    scopes = {"GET": "manage read", "POST": "manage", "PATCH": "manage"}
    pagination_class = OfferPages
    filter_backends = [DjangoFilterBackend]
    filterset_class = OfferFilter

    def get_queryset(self) -> QuerySet[Any]:
        return queries.offers()

    @extend_schema(summary=_("The offers, the newest first"), responses=OfferAnswer(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(OfferAnswer)

    @extend_schema(summary=_("Make an offer"), request=OfferInput, responses={201: OfferAnswer})
    @once
    def post(self, request: Request) -> Response:
        offer = offers.create(
            changes=self.read(OfferInput), at=timezone.now(), by=signature_of(request)
        )
        return Response(OfferAnswer(offer).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="offers_change_named",
        summary=_("Change the offer that the body names by its code"),
        request=OfferInput,
        responses=OfferAnswer,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change(self, self.read(CodeInput)["code"], "/code")


class OfferView(Endpoint):
    scopes = {"GET": "manage read", "PATCH": "manage"}

    @extend_schema(summary=_("An offer"), responses=OfferAnswer)
    def get(self, request: Request, code: str) -> Response:
        return Response(OfferAnswer(queries.offer(code)).data)

    @extend_schema(summary=_("Change an offer"), request=OfferInput, responses=OfferAnswer)
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change(self, code)


def _change(view: Endpoint, code: str, pointer: str = "") -> Response:
    changed = offers.change(
        offer=queries.offer(code, pointer),
        changes=view.read_changes(OfferInput),
        at=timezone.now(),
        by=signature_of(view.request),
    )
    return Response(OfferAnswer(changed).data)
