"""Donation projects: what they raised; made and changed by the merchant."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from members.api import pages
from members.api.endpoint import Endpoint
from members.api.fields import FlagField, Input, PointsField, RateField, TextField, WholeField
from members.api.moments import MomentField
from members.api.once import once
from rewards import project_queries, projects
from rewards.api.reward_inputs import CodeInput
from rewards.models import DonationProject, Reward


class ProjectInput(Input):
    """A project; `goal_points` null: without a goal."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    summary = TextField(max_length=100, allow_blank=True, required=False)
    story = TextField(max_length=10_000, allow_blank=True, required=False)
    art = serializers.ChoiceField(choices=Reward.Art.choices, required=False)
    goal_points = PointsField(allow_null=True, required=False)
    starts_at = MomentField(allow_null=True, required=False)
    ends_at = MomentField(allow_null=True, required=False)
    active = FlagField(required=False)


class ProjectAnswer(serializers.Serializer[DonationProject]):
    """A project and what it raised until now; `share` is its part of the goal, null without one."""

    code = serializers.CharField()
    name = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    story = serializers.CharField(allow_blank=True)
    art = serializers.CharField()
    goal_points = WholeField(allow_null=True)
    raised_points = WholeField()
    donors = WholeField()
    share = RateField(allow_null=True)
    starts_at = MomentField(allow_null=True)
    ends_at = MomentField(allow_null=True)
    active = serializers.BooleanField()
    is_open = serializers.BooleanField()


def shown(found: Sequence[DonationProject]) -> list[dict[str, Any]]:
    """Projects as the API has them, in one query for what they raised."""
    at = timezone.now()
    totals = project_queries.totals(found)
    answers = []
    for each in found:
        raised = totals[each.pk]
        each.raised_points = raised.points  # type: ignore[attr-defined]
        each.donors = raised.donors  # type: ignore[attr-defined]
        each.share = raised.share_of(each.goal_points)  # type: ignore[attr-defined]
        each.is_open = project_queries.is_open(each, at)  # type: ignore[attr-defined]
        answers.append(dict(ProjectAnswer(each).data))
    return answers


class ProjectsView(Endpoint):
    scopes = {"GET": "read", "POST": "manage", "PATCH": "manage"}
    pagination_class = pages.KeysetPages

    def get_queryset(self) -> QuerySet[Any]:
        return project_queries.projects()

    @extend_schema(
        summary=_("The donation projects, the newest first"), responses=ProjectAnswer(many=True)
    )
    def get(self, request: Request) -> Response:
        rows: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(shown(rows))

    @extend_schema(
        summary=_("Begin a donation project"),
        request=ProjectInput,
        responses={201: ProjectAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        made = projects.create(changes=self.read(ProjectInput))
        return Response(shown([made])[0], status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="projects_change_named",
        summary=_("Change the donation project that the body names by its code"),
        request=ProjectInput,
        responses=ProjectAnswer,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change(self, self.read(CodeInput)["code"], "/code")


class ProjectView(Endpoint):
    scopes = {"GET": "read", "PATCH": "manage"}

    @extend_schema(
        summary=_("A donation project with what it has raised so far"), responses=ProjectAnswer
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(shown([project_queries.project(code)])[0])

    @extend_schema(
        summary=_("Change a donation project"), request=ProjectInput, responses=ProjectAnswer
    )
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change(self, code)


def _change(view: Endpoint, code: str, pointer: str = "") -> Response:
    found = project_queries.project(code, pointer)
    changed = projects.change(project=found, changes=view.read_changes(ProjectInput))
    return Response(shown([changed])[0])
