"""What the API says about rewards, their variants and their offers."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from members.api.fields import FlagField, MoneyField, PointsField, RateField, WholeField
from members.api.moments import MomentField
from members.models import ApiClient
from rewards.assortment import Terms
from rewards.models import Offer, Reward, Variant

#: What only the merchant is told.
OF_MERCHANT = ("cost", "pricing", "partner", "partner_share", "content", "content_url")


class VariantAnswer(serializers.Serializer[Variant]):
    """A variant or, with `begins_at`, a session of a reward; `stock` is what is left (null: unlimited)."""

    code = serializers.CharField()
    name = serializers.CharField()
    stock = WholeField(allow_null=True)
    extra_points = WholeField()
    begins_at = MomentField(allow_null=True)
    ends_at = MomentField(allow_null=True)
    place = serializers.CharField()
    position = WholeField()
    active = FlagField()


class OfferAnswer(serializers.Serializer[Offer]):
    """A reward for another price during a window; `stock` is what is left of it (null: as the reward has)."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Offer.Kind.choices)
    reward = serializers.CharField(source="reward.code")
    points = PointsField()
    cash = MoneyField(allow_null=True)
    stock = WholeField(allow_null=True)
    per_member = WholeField(allow_null=True)
    starts_at = MomentField()
    ends_at = MomentField()
    active = FlagField()


class PictureAnswer(serializers.Serializer[Any]):
    """Where the picture (WebP) is; another picture has another address."""

    url = serializers.CharField()
    width = WholeField()
    height = WholeField()


class RewardAnswer(serializers.Serializer[Reward]):
    """A reward; `stock` is what is left (null: unlimited), `needs_variant`: a redemption has to name a `variant`.

    Cost, partner, content and how the price floats are told to keys with `manage` only.
    """

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Reward.Kind.choices)
    summary = serializers.CharField()
    terms = serializers.CharField()
    category = serializers.CharField()
    art = serializers.ChoiceField(choices=Reward.Art.choices)
    picture = serializers.SerializerMethodField()
    points = PointsField()
    cash = MoneyField()
    cost = MoneyField(allow_null=True, required=False)
    tier_prices = serializers.DictField(child=PointsField())
    pricing = serializers.DictField(required=False)
    partner = serializers.CharField(required=False)
    partner_share = RateField(required=False)
    stock = WholeField(allow_null=True)
    per_member = WholeField(allow_null=True)
    per_member_period = serializers.ChoiceField(choices=Reward.Period.choices)
    tiers = serializers.ListField(child=serializers.CharField())
    starts_at = MomentField(allow_null=True)
    ends_at = MomentField(allow_null=True)
    early_tiers = serializers.ListField(child=serializers.CharField())
    early_from = MomentField(allow_null=True)
    valid_from_days = WholeField()
    valid_until = MomentField(allow_null=True)
    valid_days = WholeField(allow_null=True)
    discount_amount = MoneyField(allow_null=True)
    discount_percent = RateField(allow_null=True)
    min_spend = MoneyField(allow_null=True)
    stores = serializers.ListField(child=serializers.CharField())
    weekdays = serializers.ListField(child=WholeField())
    delivery = serializers.ChoiceField(choices=Reward.Delivery.choices)
    content = serializers.CharField(required=False)
    content_url = serializers.CharField(required=False)
    draw = serializers.CharField(source="draw.code", allow_null=True, default=None)
    project = serializers.CharField(source="project.code", allow_null=True, default=None)
    is_giftable = FlagField()
    draft_minutes = WholeField()
    needs_variant = FlagField()
    active = FlagField()

    @extend_schema_field(PictureAnswer(allow_null=True))
    def get_picture(self, reward: Reward) -> dict[str, Any] | None:
        digest = getattr(reward, "picture_digest", None)
        if digest is None:
            return None
        address = reverse("rewards:picture", args=[reward.code, digest])
        return {
            "url": self.context["request"].build_absolute_uri(address),
            "width": reward.picture_width,  # type: ignore[attr-defined]
            "height": reward.picture_height,  # type: ignore[attr-defined]
        }

    def to_representation(self, instance: Reward) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if ApiClient.Scope.MANAGE not in self.context["scopes"]:
            for name in OF_MERCHANT:
                shown.pop(name, None)
        return dict(shown)


class RunningOfferAnswer(serializers.Serializer[Offer]):
    """The offer that makes the price; `left` are its pieces (null: as many as the reward has)."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Offer.Kind.choices)
    starts_at = MomentField()
    ends_at = MomentField()
    left = WholeField(source="stock", allow_null=True)
    per_member = WholeField(allow_null=True)


class TermsAnswer(serializers.Serializer[Terms]):
    """On which terms the member can have it; `regular_price` is the price without the offer."""

    affordable = FlagField(required=False)
    eligible = FlagField(required=False)
    price = PointsField(source="price.points", required=False)
    price_cash = MoneyField(source="price.cash", required=False)
    regular_price = PointsField(source="price.regular", required=False)
    offer = RunningOfferAnswer(source="price.offer", allow_null=True, required=False)
    opens_at = MomentField(allow_null=True, required=False)
    price_stands_until = MomentField(source="price.stands_until", allow_null=True, required=False)


class RewardForMemberAnswer(TermsAnswer, RewardAnswer):
    """A reward and, where `member` is given, on which terms the member can have it."""


class RewardPageAnswer(RewardForMemberAnswer):
    """A reward with its variants or sessions."""

    variants = VariantAnswer(many=True)
