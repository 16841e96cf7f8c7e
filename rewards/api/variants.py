"""The variants of a reward and the sessions of an event."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from members.api import pages
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.once import once
from rewards import queries, variants
from rewards.api.reward_answers import VariantAnswer
from rewards.api.reward_inputs import CodeInput, VariantInput


class VariantPages(pages.KeysetPages):
    keys = ("position", "id")


class VariantsView(Endpoint):
    scopes = {"GET": "manage read", "POST": "manage", "PATCH": "manage"}
    pagination_class = VariantPages

    def get_queryset(self) -> QuerySet[Any]:
        return queries.variants_of(queries.reward(self.kwargs["code"]))

    @extend_schema(
        summary=_("The variants or sessions of a reward"), responses=VariantAnswer(many=True)
    )
    def get(self, request: Request, code: str) -> Response:
        return self.listed(VariantAnswer)

    @extend_schema(
        summary=_("Add a variant or a session to a reward"),
        request=VariantInput,
        responses={201: VariantAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        changes = self.read(VariantInput)
        variant = variants.create(
            reward=queries.reward(code),
            changes=changes,
            at=timezone.now(),
            by=signature_of(request),
        )
        return Response(VariantAnswer(variant).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="variants_change_named",
        summary=_("Change the variant that the body names by its code"),
        request=VariantInput,
        responses=VariantAnswer,
    )
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change(self, code, self.read(CodeInput)["code"], "/code")


class VariantView(Endpoint):
    scopes = {"GET": "manage read", "PATCH": "manage"}

    @extend_schema(summary=_("A variant or session"), responses=VariantAnswer)
    def get(self, request: Request, code: str, variant: str) -> Response:
        return Response(VariantAnswer(queries.variant(queries.reward(code), variant)).data)

    @extend_schema(
        summary=_("Change a variant or session"), request=VariantInput, responses=VariantAnswer
    )
    @once
    def patch(self, request: Request, code: str, variant: str) -> Response:
        return _change(self, code, variant)


def _change(view: Endpoint, code: str, variant: str, pointer: str = "") -> Response:
    changed = variants.change(
        variant=queries.variant(queries.reward(code), variant, pointer),
        changes=view.read_changes(VariantInput),
        at=timezone.now(),
        by=signature_of(view.request),
    )
    return Response(VariantAnswer(changed).data)
