"""Replays: a campaign over the orders of a period, as if it had been there."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import editing, queries, replaying
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import Input
from members.api.jobs import JobAnswer
from members.api.moments import MomentField, PastMomentField
from members.api.once import once


class ReplayInput(Input):
    """Over the orders placed from a moment (inclusive) to another (exclusive)."""

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of the language and can be no attribute."""
        return {"from": PastMomentField(), "to": MomentField()}


class ReplayView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Replay a campaign over the orders of a period; nothing is written"),
        request=ReplayInput,
        responses={202: JobAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        period = self.read(ReplayInput)
        job = replaying.start(
            content=editing.content(queries.campaign(code)),
            since=period["from"],
            until=period["to"],
            by=signature_of(request),
            at=timezone.now(),
        )
        return Response(JobAnswer(job).data, status=status.HTTP_202_ACCEPTED)
