"""Background work that somebody asked for: how far it is and what came out."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from members import queries
from members.api.endpoint import Endpoint
from members.api.fields import WholeField
from members.api.moments import MomentField
from members.models import Job


class JobAnswer(serializers.Serializer[Job]):
    """A job; `progress` is in percent, `result` is null until it is done, `problem` says why it failed."""

    id = WholeField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(choices=Job.State.choices)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    result = serializers.JSONField(allow_null=True)
    problem = serializers.CharField()
    requested_at = MomentField()
    finished_at = MomentField(allow_null=True)


class JobView(Endpoint):
    scopes = {"GET": "manage read"}

    @extend_schema(summary=_("A background job"), responses=JobAnswer)
    def get(self, request: Request, id: int) -> Response:
        return Response(JobAnswer(queries.job(id)).data)
