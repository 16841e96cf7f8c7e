"""What the merchant sets up: tiers and stores."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from members import queries, stores, tiering
from members.api import pages
from members.api.endpoint import Endpoint
from members.api.fields import Input, MultiplierField, PointsField, TextField, WholeField
from members.api.once import once
from members.models import Store, Tier

LARGEST_RANK = 32_767
MOST_DAYS = 36_500


class BenefitInput(Input):
    """What a tier gives by itself."""

    code = TextField(max_length=50)
    kind = TextField(max_length=50)
    name = TextField(max_length=100)
    reward = TextField(max_length=50, required=False)
    points = PointsField(required=False)
    period = TextField(max_length=20, required=False)


class TierInput(Input):
    """A tier: reached at `threshold` status points, earns × `multiplier`."""

    code = TextField(max_length=50)
    name = TextField(max_length=50)
    rank = WholeField(most=LARGEST_RANK)
    threshold = WholeField()
    retain_threshold = WholeField(required=False, allow_null=True)
    multiplier = MultiplierField(required=False)
    downgrade = serializers.ChoiceField(choices=Tier.Downgrade.choices, required=False)
    grace_days = WholeField(most=MOST_DAYS, required=False)
    benefits = BenefitInput(many=True, max_length=100, required=False)  # type: ignore[call-arg]


class TierAnswer(serializers.Serializer[Tier]):
    """A tier of the program."""

    code = serializers.CharField()
    name = serializers.CharField()
    rank = WholeField()
    threshold = WholeField()
    retain_threshold = WholeField(allow_null=True)
    multiplier = MultiplierField()
    downgrade = serializers.ChoiceField(choices=Tier.Downgrade.choices)
    grace_days = WholeField()
    benefits = BenefitInput(many=True)


class TierPages(pages.KeysetPages):
    keys = ("rank",)


class TiersView(Endpoint):
    scopes = {"GET": "manage read", "POST": "manage", "PATCH": "manage"}
    pagination_class = TierPages
    queryset = Tier.objects.all()

    @extend_schema(summary=_("The tiers, the lowest first"), responses=TierAnswer(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(TierAnswer)

    @extend_schema(summary=_("Make a tier"), request=TierInput, responses={201: TierAnswer})
    @once
    def post(self, request: Request) -> Response:
        tier = tiering.create(changes=self.read(TierInput))
        return Response(TierAnswer(tier).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="tiers_change_named",
        summary=_("Change the tier that the body names by its code"),
        request=TierInput,
        responses=TierAnswer,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change_tier(self, self.read(CodeInput)["code"], "/code")


class TierView(Endpoint):
    scopes = {"GET": "manage read", "PATCH": "manage"}

    @extend_schema(summary=_("A tier"), responses=TierAnswer)
    def get(self, request: Request, code: str) -> Response:
        return Response(TierAnswer(queries.tier(code)).data)

    @extend_schema(summary=_("Change a tier"), request=TierInput, responses=TierAnswer)
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change_tier(self, code)


def _change_tier(view: Endpoint, code: str, pointer: str = "") -> Response:
    changes = view.read_changes(TierInput)
    tier = tiering.change(tier=queries.tier(code, pointer), changes=changes)
    return Response(TierAnswer(tier).data)


class CodeInput(Input):
    """Which one is meant."""

    code = TextField(max_length=50)


class StoreInput(Input):
    """A place where orders and visits happen."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)


class StoreAnswer(serializers.Serializer[Store]):
    """A store."""

    code = serializers.CharField()
    name = serializers.CharField()


class StorePages(pages.KeysetPages):
    keys = ("id",)


class StoresView(Endpoint):
    scopes = {"GET": "manage read", "POST": "manage", "PATCH": "manage"}
    pagination_class = StorePages
    queryset = Store.objects.all()

    @extend_schema(summary=_("The stores"), responses=StoreAnswer(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(StoreAnswer)

    @extend_schema(summary=_("Open a store"), request=StoreInput, responses={201: StoreAnswer})
    @once
    def post(self, request: Request) -> Response:
        store = stores.create(changes=self.read(StoreInput))
        return Response(StoreAnswer(store).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="stores_change_named",
        summary=_("Rename the store that the body names by its code"),
        request=StoreInput,
        responses=StoreAnswer,
    )
    @once
    def patch(self, request: Request) -> Response:
        return _change_store(self, self.read(CodeInput)["code"], "/code")


class StoreView(Endpoint):
    scopes = {"GET": "manage read", "PATCH": "manage"}

    @extend_schema(summary=_("A store"), responses=StoreAnswer)
    def get(self, request: Request, code: str) -> Response:
        return Response(StoreAnswer(queries.store(code)).data)

    @extend_schema(summary=_("Rename a store"), request=StoreInput, responses=StoreAnswer)
    @once
    def patch(self, request: Request, code: str) -> Response:
        return _change_store(self, code)


def _change_store(view: Endpoint, code: str, pointer: str = "") -> Response:
    changes: dict[str, Any] = view.read_changes(StoreInput)
    store = stores.change(store=queries.store(code, pointer), changes=changes)
    return Response(StoreAnswer(store).data)
