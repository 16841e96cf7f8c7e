"""What is said about a campaign and what the API says of it; the verbs check conditions, effect and limits."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns import conditions, effects, limits
from campaigns.models import Campaign
from members.api.fields import (
    FlagField,
    Input,
    MoneyField,
    MultiplierField,
    PointsField,
    RateField,
    TextField,
    WholeField,
)
from members.api.moments import MomentField

LINTED = (("blocking", "blocking"), ("warning", "warning"))


def _words() -> serializers.ListField:
    return serializers.ListField(child=TextField(), required=False)


def _numbers(least: int, most: int) -> serializers.ListField:
    return serializers.ListField(child=WholeField(least=least, most=most), required=False)


def _one_of(words: Any, **options: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=[(word, word) for word in words], **options)


class SpendShape(serializers.Serializer[Any]):
    """The order before this one: so large, and so many days ago at most."""

    amount = MoneyField()
    days = WholeField(least=1)


class PeriodSumShape(serializers.Serializer[Any]):
    """What the member's orders of the period come to."""

    period = _one_of(conditions.PERIODS)
    amount = MoneyField()


class PeriodCountShape(serializers.Serializer[Any]):
    """How many orders, or events of the trigger's type, the member has in the period."""

    period = _one_of(conditions.PERIODS)
    orders = WholeField(least=1, required=False)
    events = WholeField(least=1, required=False)


class ConditionsShape(serializers.Serializer[Any]):
    """All that are given must hold; what is left out, null, empty or false is not tested."""

    weekdays = _numbers(1, 7)
    month_days = _numbers(1, 31)
    hours = _words()
    stores = _words()
    channels = _words()
    tiers = _words()
    segments = _words()
    min_amount = MoneyField(required=False)
    max_amount = MoneyField(required=False)
    categories = _words()
    skus = _words()
    brands = _words()
    tags = _words()
    exclude_categories = _words()
    exclude_skus = _words()
    exclude_brands = _words()
    exclude_tags = _words()
    payment_methods = _words()
    first_order = FlagField(required=False)
    every_nth_order = WholeField(least=1, required=False)
    after_spend = SpendShape(required=False)
    period_sum = PeriodSumShape(required=False)
    period_count = PeriodCountShape(required=False)
    enrolled_within_days = WholeField(least=1, required=False)
    birthday_month = FlagField(required=False)
    percentage = WholeField(least=1, most=100, required=False)
    event_data = serializers.DictField(child=serializers.JSONField(), required=False)
    coupon = TextField(required=False)


class EffectShape(serializers.Serializer[Any]):
    """What is given; which parts there are depends on `type`."""

    type = _one_of(effects.CHECKS)
    value = MultiplierField(required=False)
    scope = _one_of(effects.SCOPES, required=False)
    points = PointsField(required=False)
    multiplied = FlagField(required=False)
    to = _one_of(effects.SIDES, required=False)
    pending_days = WholeField(required=False)
    amount = MoneyField(required=False)
    field = TextField(required=False)
    reward = TextField(required=False)
    tickets = WholeField(least=1, required=False)
    draw = TextField(required=False)


class LimitsShape(serializers.Serializer[Any]):
    """How much it may give, in points (rewards and tickets: in pieces); null: no limit."""

    per_member_per_day = WholeField(allow_null=True, required=False)
    per_member_per_month = WholeField(allow_null=True, required=False)
    per_member = WholeField(allow_null=True, required=False)
    budget_points = WholeField(allow_null=True, required=False)
    on_exceed = _one_of(limits.ON_EXCEED, required=False)


class CombinationShape(serializers.Serializer[Any]):
    """Within a group the highest priority comes first, and its mode rules."""

    group = TextField(max_length=50, allow_null=True, required=False)
    mode = _one_of(limits.MODES, required=False)
    priority = serializers.IntegerField(required=False)


class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object that the verb looks into."""

    default_error_messages: ClassVar[dict[str, Any]] = {"invalid": _("This must be an object.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(ConditionsShape)
class ConditionsField(ObjectField):
    """Conditions."""


@extend_schema_field(EffectShape)
class EffectField(ObjectField):
    """An effect."""


@extend_schema_field(LimitsShape)
class LimitsField(ObjectField):
    """Limits."""


@extend_schema_field(CombinationShape)
class CombinationField(ObjectField):
    """A combination."""


class CampaignInput(Input):
    """A campaign; a PATCH replaces conditions, effect, limits and combination whole."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    description = TextField(max_length=300, allow_blank=True, required=False)
    state = serializers.ChoiceField(choices=Campaign.State.choices, required=False)
    starts_at = MomentField(allow_null=True, required=False)
    ends_at = MomentField(allow_null=True, required=False)
    trigger = TextField(max_length=50, required=False)
    conditions = ConditionsField(required=False)
    effect = EffectField()
    limits = LimitsField(required=False)
    combine = CombinationField(required=False)
    partner = TextField(max_length=100, allow_null=True, required=False)
    partner_share = RateField(allow_null=True, required=False)
    is_public = FlagField(required=False)


class FindingAnswer(serializers.Serializer[Any]):
    """Something in a campaign that is probably not meant."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=LINTED)
    pointer = serializers.CharField()
    text = serializers.CharField()


class CampaignAnswer(CampaignInput):
    """A campaign as it is, every default filled in, with what the lint finds in it."""

    version = WholeField()
    findings = FindingAnswer(many=True)


class CodeInput(Input):
    """Which campaign is meant."""

    code = TextField(max_length=50)
