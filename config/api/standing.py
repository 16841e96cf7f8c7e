"""Freezing, closing and merging members; each answers with the member and its wallet."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.members import MemberAnswer, shown
from loyalty import closing, merging
from members import lifecycle, queries
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import FlagField, Input, TextField
from members.api.once import once


class FreezeInput(Input):
    """Why spending has to wait."""

    reason = TextField(max_length=200)


class UnfreezeInput(Input):
    """Why it may go on."""

    reason = TextField(max_length=200, allow_blank=True, default="")


class CloseInput(Input):
    """With `forfeit` what is left is taken: points, pending ones too, and open holds."""

    forfeit = FlagField(default=False)
    reason = TextField(max_length=200, allow_blank=True, default="")


class MergeInput(Input):
    """The number of the member that goes on."""

    into = TextField(max_length=20)


class FreezeView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Freeze a member: spends are refused, earning goes on"),
        request=FreezeInput,
        responses={200: MemberAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        said = self.read(FreezeInput)
        frozen = lifecycle.freeze(
            member=queries.by_number(number),
            reason=said["reason"],
            by=signature_of(request),
            at=timezone.now(),
        )
        return Response(shown(self, [frozen])[0])


class UnfreezeView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Let a frozen member spend again"),
        request=UnfreezeInput,
        responses={200: MemberAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        said = self.read(UnfreezeInput)
        active = lifecycle.unfreeze(
            member=queries.by_number(number),
            reason=said["reason"],
            by=signature_of(request),
            at=timezone.now(),
        )
        return Response(shown(self, [active])[0])


class CloseView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Close and anonymise a member for good"),
        request=CloseInput,
        responses={200: MemberAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        asked = closing.Closing(member=number, **self.read(CloseInput))
        closed = closing.close(closing=asked, by=signature_of(request), at=timezone.now())
        return Response(shown(self, [closed])[0])


class MergeView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Merge a member into another one for good; answers the other one"),
        request=MergeInput,
        responses={200: MemberAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        into = self.read(MergeInput)["into"]
        target = merging.merge(
            source=number, into=into, by=signature_of(request), at=timezone.now()
        )
        return Response(shown(self, [target])[0])
