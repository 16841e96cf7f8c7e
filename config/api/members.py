"""Members with their wallets: composed here, because only `config` knows both apps."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import queries as loyalty_queries
from loyalty.api.answers import WalletAnswer
from members import enrolment, queries, tiering
from members.api import pages
from members.api.endpoint import Endpoint
from members.api.once import once
from members.api.people import MemberChanges, MemberFilter, MemberInput, PersonAnswer
from members.models import Member


class MemberAnswer(PersonAnswer):
    """A member with the wallet as it is now."""

    wallet = serializers.SerializerMethodField()

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, member: Member) -> dict[str, Any]:
        return dict(WalletAnswer(self.context["figures"][member.pk]).data)


def shown(view: Endpoint, members: Sequence[Member]) -> list[dict[str, Any]]:
    """The members as the API has them, in a fixed number of queries."""
    figures = {}
    if members:
        at = timezone.now()
        figures = loyalty_queries.figures_of(members=members, at=at)
        tiering.show(members=members, at=at)
    context = {**view.get_serializer_context(), "figures": figures}
    return [dict(MemberAnswer(member, context=context).data) for member in members]


class MembersView(Endpoint):
    scopes = {"GET": "read", "POST": "earn"}
    pagination_class = pages.KeysetPages
    filter_backends = (DjangoFilterBackend,)
    filterset_class = MemberFilter

    def get_queryset(self) -> QuerySet[Any]:
        return Member.objects.with_names()

    @extend_schema(summary=_("Find members, the newest first"), responses=MemberAnswer(many=True))
    def get(self, request: Request) -> Response:
        members = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(shown(self, members or []))

    @extend_schema(summary=_("Enrol a member"), request=MemberInput, responses={201: MemberAnswer})
    @once
    def post(self, request: Request) -> Response:
        said = MemberInput(data=request.data)
        said.is_valid(raise_exception=True)
        member = enrolment.enrol(newcomer=said.newcomer(), at=timezone.now())
        return Response(shown(self, [member])[0], status=status.HTTP_201_CREATED)


class MemberView(Endpoint):
    scopes = {"GET": "read", "PATCH": "earn"}

    @extend_schema(summary=_("A member"), responses=MemberAnswer)
    def get(self, request: Request, number: str) -> Response:
        return Response(shown(self, [queries.by_number(number)])[0])

    @extend_schema(summary=_("Change a member"), request=MemberChanges, responses=MemberAnswer)
    @once
    def patch(self, request: Request, number: str) -> Response:
        member = queries.by_number(number)
        changes = self.read_changes(MemberChanges)
        member = enrolment.change(member=member, changes=changes, at=timezone.now())
        return Response(shown(self, [member])[0])
