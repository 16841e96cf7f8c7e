"""Events: what members do beside buying, as apps and shops report it."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import acts, explaining
from campaigns import queries as campaign_queries
from campaigns.acts import ActFacts
from campaigns.models import Act
from loyalty import queries, wording
from loyalty.api.answers import PartAnswer, WalletAnswer
from loyalty.api.orders import RuleAnswer
from members.api.endpoint import Endpoint
from members.api.fields import Input, TextField, WholeField, example
from members.api.moments import MomentField, PastMomentField
from members.api.once import once
from members.api.people import ClientInput


@extend_schema_field({"type": "object", "additionalProperties": True})
class DataField(serializers.Field[Any, Any, Any, Any]):
    """An object of whatever the reporter knows; campaigns may ask for its fields."""

    def to_internal_value(self, data: Any) -> Any:
        return data  # the verb checks it

    def to_representation(self, value: Any) -> Any:
        return value


@example(
    {"member": "100000000001", "type": "review", "reference": "review-1", "data": {"stars": 5}}
)
class EventInput(Input):
    """What a member did; `reference` is unique for this member for ever, without `at` it happened now."""

    member = TextField(max_length=20, help_text=_("A member's number, as shown in the console."))
    type = TextField(
        max_length=50, help_text=_("What was done, such as “review”; campaigns ask for it.")
    )
    reference = TextField(
        max_length=acts.LONGEST_REFERENCE,
        help_text=_(
            "Your own number for it, unique for this member for ever: sending it again has "
            "no further effect."
        ),
    )
    at = PastMomentField(
        allow_null=True, default=None, help_text=_("When it happened; left out: now.")
    )
    data = DataField(
        required=False,
        help_text=_('Details of it, such as {"stars": 5}; campaigns may ask for them.'),
    )  # type: ignore[assignment]
    client = ClientInput(required=False, help_text=_("The device on which it was done."))


class EventAnswer(serializers.Serializer[Act]):
    """What an event gave and why, and the member's wallet as it is now."""

    id = serializers.IntegerField()
    member = serializers.CharField(source="member.number")
    type = serializers.CharField()
    reference = serializers.CharField()
    at = MomentField()
    points = WholeField()
    status_points = WholeField()
    explanation = serializers.SerializerMethodField()
    wallet = serializers.SerializerMethodField()

    @extend_schema_field(PartAnswer(many=True))
    def get_explanation(self, act: Act) -> list[dict[str, Any]]:
        return wording.parts(act.explanation)

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, act: Act) -> dict[str, Any]:
        figures = queries.figures(member=act.member, at=timezone.now())
        return dict(WalletAnswer(figures).data)


class EventExplanationAnswer(serializers.Serializer[Any]):
    """Why an event gave what it did: the steps add up to the points; every campaign that was looked at."""

    id = serializers.IntegerField()
    points = serializers.IntegerField()
    explanation = PartAnswer(many=True)
    rules = RuleAnswer(many=True)


class EventExplanationView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("Why an event gave what it did"), responses=EventExplanationAnswer)
    def get(self, request: Request, id: int) -> Response:
        act = campaign_queries.act(id)
        return Response(
            {
                "id": act.pk,
                "points": act.points,
                "explanation": wording.parts(act.explanation),
                "rules": explaining.rules_for_act(act),
            }
        )


class EventsView(Endpoint):
    scopes = {"POST": "earn"}

    @extend_schema(
        summary=_("Report what a member did"),
        request=EventInput,
        responses={201: EventAnswer, 200: EventAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        recorded = acts.record(act=ActFacts(**self.read(EventInput)), now=timezone.now())
        code = status.HTTP_201_CREATED if recorded.is_new else status.HTTP_200_OK
        return Response(EventAnswer(recorded.act).data, status=code)
