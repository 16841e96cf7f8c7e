"""What the API takes in about rewards, their variants and their offers; the verbs look closer."""

from typing import Any

from rest_framework import serializers

from members.api.fields import (
    FlagField,
    Input,
    MoneyField,
    PointsField,
    RateField,
    TextField,
    WholeField,
)
from members.api.moments import MomentField
from rewards.models import Offer, Reward

MOST_DAYS = 36_500
MOST_PIECES = 2**31 - 1
MOST_CODES = 1_000


def _codes() -> serializers.ListField:
    child = TextField(max_length=50)
    return serializers.ListField(
        child=child, max_length=MOST_CODES, allow_null=True, required=False
    )


class PercentField(RateField):
    """Percent as a decimal string: "12.5"."""

    decimals = 2
    digits = 3


class ShareField(RateField):
    """A share as a decimal string: "0.5" is half."""

    decimals = 4
    digits = 1


class CodeInput(Input):
    """Which one is meant."""

    code = TextField(max_length=50)


class RewardInput(Input):
    """A reward; `stock` is what is left (null: unlimited), days are local days, `draw` and `project` are codes.

    `valid_days` left out are 30, null is without end.

    `pricing` makes the price float: {"floor", "ceiling", "step", "rules": [{"type": "stock|season|demand", …, "factor"}]}.
    """

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    kind = serializers.ChoiceField(choices=Reward.Kind.choices)
    summary = TextField(max_length=100, allow_blank=True, required=False)
    terms = TextField(max_length=2_000, allow_blank=True, required=False)
    category = TextField(max_length=50, allow_blank=True, required=False)
    art = serializers.ChoiceField(choices=Reward.Art.choices, required=False)
    points = PointsField()
    cash = MoneyField(required=False)
    cost = MoneyField(allow_null=True, required=False)
    tier_prices = serializers.DictField(child=PointsField(), allow_null=True, required=False)
    pricing = serializers.DictField(allow_null=True, required=False)
    partner = TextField(max_length=100, allow_blank=True, required=False)
    partner_share = ShareField(required=False)
    stock = WholeField(allow_null=True, required=False)
    per_member = WholeField(least=1, most=MOST_PIECES, allow_null=True, required=False)
    per_member_period = serializers.ChoiceField(choices=Reward.Period.choices, required=False)
    tiers = _codes()
    starts_at = MomentField(allow_null=True, required=False)
    ends_at = MomentField(allow_null=True, required=False)
    early_tiers = _codes()
    early_from = MomentField(allow_null=True, required=False)
    valid_from_days = WholeField(most=MOST_DAYS, required=False)
    valid_until = MomentField(allow_null=True, required=False)
    valid_days = WholeField(most=MOST_DAYS, allow_null=True, required=False)
    discount_amount = MoneyField(allow_null=True, required=False)
    discount_percent = PercentField(allow_null=True, required=False)
    min_spend = MoneyField(allow_null=True, required=False)
    stores = _codes()
    weekdays = serializers.ListField(
        child=WholeField(least=1, most=7), max_length=7, allow_null=True, required=False
    )
    delivery = serializers.ChoiceField(
        choices=Reward.Delivery.choices, allow_blank=True, required=False
    )
    content = TextField(max_length=20_000, allow_blank=True, required=False)
    content_url = TextField(max_length=500, allow_blank=True, required=False)
    draw = TextField(max_length=50, allow_null=True, required=False)
    project = TextField(max_length=50, allow_null=True, required=False)
    is_giftable = FlagField(required=False)
    draft_minutes = WholeField(least=1, required=False)
    active = FlagField(required=False)

    def validate_tiers(self, tiers: list[str] | None) -> list[str]:
        return tiers or []

    def validate_early_tiers(self, tiers: list[str] | None) -> list[str]:
        return tiers or []

    def validate_stores(self, stores: list[str] | None) -> list[str]:
        return stores or []

    def validate_weekdays(self, weekdays: list[int] | None) -> list[int]:
        return weekdays or []

    def validate_tier_prices(self, prices: dict[str, int] | None) -> dict[str, int]:
        return prices or {}

    def validate_pricing(self, pricing: dict[str, Any] | None) -> dict[str, Any]:
        return pricing or {}


class VariantInput(Input):
    """A variant or, with `begins_at`, a session, whose vouchers are good to the end of its day, whatever `valid_days` says.

    `stock` is what is left (null: unlimited).
    """

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    stock = WholeField(allow_null=True, required=False)
    extra_points = WholeField(required=False)
    begins_at = MomentField(allow_null=True, required=False)
    ends_at = MomentField(allow_null=True, required=False)
    place = TextField(max_length=200, allow_blank=True, required=False)
    position = WholeField(most=MOST_PIECES, required=False)
    active = FlagField(required=False)


class OfferInput(Input):
    """A reward for another price from `starts_at` until before `ends_at`; `stock` is what is left of the offer."""

    code = TextField(max_length=50)
    name = TextField(max_length=100)
    kind = serializers.ChoiceField(choices=Offer.Kind.choices, required=False)
    reward = TextField(max_length=50)
    points = PointsField()
    cash = MoneyField(allow_null=True, required=False)
    stock = WholeField(allow_null=True, required=False)
    per_member = WholeField(least=1, most=MOST_PIECES, allow_null=True, required=False)
    starts_at = MomentField()
    ends_at = MomentField()
    active = FlagField(required=False)
