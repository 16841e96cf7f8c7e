"""Campaigns: what the merchant sets up, and what the lint finds in it."""

from collections.abc import Iterable
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

from campaigns import editing, linting, queries
from campaigns.api.contents import CampaignAnswer, CampaignInput, CodeInput
from campaigns.models import Campaign
from members.api import pages
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.once import once


class CampaignFilter(django_filters.FilterSet):  # type: ignore[misc]
    """By state and by trigger."""

    state = django_filters.ChoiceFilter(choices=Campaign.State.choices)
    trigger = django_filters.CharFilter(max_length=50)


class CampaignPages(pages.KeysetPages):
    keys = ("-id",)


def shown(campaigns: Iterable[Campaign]) -> list[dict[str, Any]]:
    """Each campaign with what the lint finds in it."""
    at = timezone.now()
    background = linting.Background(at=at)
    return [
        {
            **editing.content(each),
            "findings": linting.findings(each, at, background),
        }
        for each in campaigns
    ]


class CampaignsView(Endpoint):
    scopes = {"GET": "manage read", "POST": "manage", "PATCH": "manage"}
    pagination_class = CampaignPages
    filter_backends = (DjangoFilterBackend,)
    filterset_class = CampaignFilter
    queryset = Campaign.objects.select_related("budget")

    @extend_schema(
        summary=_("The campaigns, the newest first"), responses=CampaignAnswer(many=True)
    )
    def get(self, request: Request) -> Response:
        rows: QuerySet[Campaign] = self.filter_queryset(self.get_queryset())
        return self.get_paginated_response(shown(self.paginate_queryset(rows) or []))

    @extend_schema(
        summary=_("Make a campaign"), request=CampaignInput, responses={201: CampaignAnswer}
    )
    @once
    def post(self, request: Request) -> Response:
        changes = self.read(CampaignInput)
        made = editing.create(changes=changes, by=signature_of(request), at=timezone.now())
        return Response(shown([made])[0], status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="campaigns_change_named",
        summary=_("Change the campaign that the body names by its code"),
        request=CampaignInput,
        responses=CampaignAnswer,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change(self, self.read(CodeInput)["code"], "/code")


class CampaignView(Endpoint):
    scopes = {"GET": "manage read", "PATCH": "manage"}

    @extend_schema(summary=_("A campaign"), responses=CampaignAnswer)
    def get(self, request: Request, code: str) -> Response:
        return Response(shown([queries.campaign(code)])[0])

    @extend_schema(
        summary=_("Change a campaign, or start, pause or end it by its state"),
        request=CampaignInput,
        responses=CampaignAnswer,
    )
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change(self, code)


def _change(view: Endpoint, code: str, pointer: str = "") -> Response:
    changed = editing.change(
        campaign=queries.campaign(code, pointer),
        changes=view.read_changes(CampaignInput),
        by=signature_of(view.request),
        at=timezone.now(),
    )
    return Response(shown([changed])[0])
