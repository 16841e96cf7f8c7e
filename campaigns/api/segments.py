"""Segments: named sets of members, made by rules."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import segment_queries, segments
from campaigns.models import Segment
from campaigns.segment_fields import FIELDS
from campaigns.segments import Saved
from members.api import pages
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import Input, TextField, WholeField
from members.api.jobs import JobAnswer
from members.api.moments import MomentField
from members.api.once import once

# Every field with its comparisons: the document is where people look for them.
_CONDITION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "field": {"type": "string", "enum": list(FIELDS)},
        "op": {
            "type": "string",
            "enum": sorted({op for field in FIELDS.values() for op in field.ops}),
        },
        "value": {},
        "days": {
            "type": "integer",
            "minimum": 1,
            "description": "Only what was bought within so many days: for "
            + ", ".join(name for name, field in FIELDS.items() if field.is_windowed),
        },
    },
    "description": "\n".join(
        f"- `{name}`: {', '.join(field.ops)}" for name, field in FIELDS.items()
    ),
}
_PART: dict[str, Any] = {"anyOf": [_CONDITION, {"type": "object"}]}
RULES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "One of `all`, `any` and `not`; groups may stand in each other. `all` of nothing is everybody.",
    "properties": {
        "all": {"type": "array", "items": _PART},
        "any": {"type": "array", "items": _PART},
        "not": _PART,
    },
    "examples": [{"all": [{"field": "days_since_last_order", "op": "gt", "value": 90}]}],
}


@extend_schema_field(RULES_SCHEMA)
class RulesField(serializers.Field[Any, Any, Any, Any]):
    """Rules as they were sent: the verb reads them."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SegmentInput(Input):
    """Members by rules. Of segments with the same `group` a member is in one alone: the first by `position`."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    rules = RulesField()
    description = TextField(max_length=300, allow_blank=True, required=False)
    group = TextField(max_length=50, allow_blank=True, required=False)
    position = WholeField(most=32_767, required=False)


class CodeInput(Input):
    """Which one is meant."""

    code = TextField(max_length=50)


class SegmentAnswer(serializers.Serializer[Segment]):
    """A segment; `size` is that of the last refresh, null before the first."""

    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    rules = RulesField()
    group = serializers.CharField()
    position = WholeField()
    size = WholeField(allow_null=True)
    refreshed_at = MomentField(allow_null=True)


class SegmentSaved(SegmentAnswer):
    """A segment after a change; `job` is the id of the job that refreshes it, null where that is done."""

    job = WholeField(allow_null=True)


def _shown(saved: Saved) -> dict[str, Any]:
    job = None if saved.job is None else saved.job.pk
    return {**SegmentAnswer(saved.segment).data, "job": job}


class SegmentPages(pages.KeysetPages):
    keys = ("id",)


class SegmentsView(Endpoint):
    scopes = {"GET": "manage read", "POST": "manage", "PATCH": "manage"}
    pagination_class = SegmentPages
    queryset = Segment.objects.all()

    @extend_schema(summary=_("The segments"), responses=SegmentAnswer(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(SegmentAnswer)

    @extend_schema(
        summary=_("Make a segment"), request=SegmentInput, responses={201: SegmentSaved}
    )
    @once
    def post(self, request: Request) -> Response:
        saved = segments.create(
            changes=self.read(SegmentInput), by=signature_of(request), at=timezone.now()
        )
        return Response(_shown(saved), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="segments_change_named",
        summary=_("Change the segment that the body names by its code"),
        request=SegmentInput,
        responses=SegmentSaved,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change(self, self.read(CodeInput)["code"], "/code")


class SegmentView(Endpoint):
    scopes = {"GET": "manage read", "PATCH": "manage"}

    @extend_schema(summary=_("A segment"), responses=SegmentAnswer)
    def get(self, request: Request, code: str) -> Response:
        return Response(SegmentAnswer(segment_queries.segment(code)).data)

    @extend_schema(summary=_("Change a segment"), request=SegmentInput, responses=SegmentSaved)
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change(self, code)


class RefreshView(Endpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Recalculate who is in a segment, in the background"),
        request=None,
        responses={202: JobAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        self.read(Input)
        segment = segment_queries.segment(code)
        job = segments.refresh_by_job(
            codes=[segment.code], by=signature_of(request), at=timezone.now()
        )
        return Response(JobAnswer(job).data, status=status.HTTP_202_ACCEPTED)


def _change(view: Endpoint, code: str, pointer: str = "") -> Response:
    saved = segments.change(
        segment=segment_queries.segment(code, pointer),
        changes=view.read_changes(SegmentInput),
        by=signature_of(view.request),
        at=timezone.now(),
    )
    return Response(_shown(saved))
