"""The program's settings."""

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import programs, switching
from loyalty.models import Program
from loyalty.models.program import default_pay_with_points, default_transfer
from loyalty.switching import Changed
from members.api.endpoint import Endpoint
from members.api.fields import (
    FlagField,
    Input,
    PointsField,
    RateField,
    TextField,
    WholeField,
)
from members.api.once import once

MOST_DAYS = 3_650
MOST_MONTHS = 1_200


class ExpirySetting(Input):
    """When points lapse: `months` for rolling, month_end and inactivity, `date` (MM-DD) for fixed_date."""

    policy = serializers.ChoiceField(choices=Program.ExpiryPolicy.choices)
    months = WholeField(least=1, most=MOST_MONTHS, required=False)
    date = TextField(max_length=5, required=False)


class TransferSetting(Input):
    """Transfers between members; null: no limit."""

    enabled = FlagField()
    min = WholeField(allow_null=True)
    per_transfer = PointsField(allow_null=True)
    per_day = PointsField(allow_null=True)
    fee = WholeField(allow_null=True)


class PayWithPointsSetting(Input):
    """Points as part of the payment: the largest share, the fewest points, the step; null: no limit."""

    max_share = RateField()
    min = PointsField(allow_null=True)
    step = PointsField(allow_null=True)

    def validate_max_share(self, share: Decimal) -> str:
        if share > 1:
            raise serializers.ValidationError(_("At most 1, which is the whole price."))
        return f"{share:f}"


class PlainSettings(Input):
    """The settings that are one value each."""

    name = TextField(max_length=100)
    currency = TextField(max_length=3)
    time_zone = TextField(max_length=64)
    earn_rate = RateField()
    status_rate = RateField()
    award_on = serializers.ChoiceField(choices=Program.AwardOn.choices)
    rounding = serializers.ChoiceField(choices=Program.Rounding.choices)
    stacking = serializers.ChoiceField(choices=Program.Stacking.choices)
    point_value = RateField()
    pending_days = WholeField(most=MOST_DAYS)
    reversal = serializers.ChoiceField(choices=Program.Reversal.choices)
    return_grace_days = WholeField(most=MOST_DAYS)
    monthly_redemption_cap = PointsField(allow_null=True)
    approval_threshold = PointsField(allow_null=True)
    campaigns_need_approval = FlagField()
    earn_on_points_paid = FlagField()
    refund_first = serializers.ChoiceField(choices=Program.RefundFirst.choices)


class ProgramSettings(PlainSettings):
    """Every setting; a PATCH names those that change, a nested object replaces the whole."""

    expiry = ExpirySetting()
    status_expiry = ExpirySetting()
    transfer = TransferSetting()
    pay_with_points = PayWithPointsSetting()


class ProgramAnswer(PlainSettings):
    """The program's settings as they are."""

    expiry = serializers.SerializerMethodField()
    status_expiry = serializers.SerializerMethodField()
    transfer = serializers.JSONField()
    pay_with_points = serializers.JSONField()

    @extend_schema_field(ExpirySetting)
    def get_expiry(self, program: Program) -> dict[str, Any]:
        return programs.expiry_of(program, "expiry")

    @extend_schema_field(ExpirySetting)
    def get_status_expiry(self, program: Program) -> dict[str, Any]:
        return programs.expiry_of(program, "status_expiry")


class ProgramChanged(ProgramAnswer):
    """The settings after a change.

    `lots_dated` is there when expiry was switched on: so many lots that never expired got an expiry, one full period
    away at least; null: they are many and get it within minutes.
    """

    lots_dated = serializers.IntegerField(required=False, allow_null=True)

    def to_representation(self, changed: Changed) -> dict[str, Any]:
        answer: dict[str, Any] = super().to_representation(changed.program)
        del answer["lots_dated"]
        if changed.is_switched:
            answer["lots_dated"] = changed.dated
        return answer


class ProgramView(Endpoint):
    scopes = {"GET": "manage read", "PATCH": "manage"}

    @extend_schema(summary=_("The program's settings"), responses=ProgramAnswer)
    def get(self, request: Request) -> Response:
        return Response(ProgramAnswer(programs.current()).data)

    @extend_schema(
        summary=_("Change the program's settings"),
        request=ProgramSettings,
        responses=ProgramChanged,
    )
    @once
    def patch(self, request: Request) -> Response:
        changes = self.read_changes(ProgramSettings)
        for name, left_out in WHOLE.items():
            if name in changes:
                changes[name] = {**left_out(), **changes[name]}
        changed = switching.change_program(changes=changes, at=timezone.now())
        return Response(ProgramChanged(changed).data)


WHOLE = {"transfer": default_transfer, "pay_with_points": default_pay_with_points}
