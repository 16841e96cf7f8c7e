"""What the API says about rewards, redemptions and vouchers."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from loyalty import queries as loyalty_queries
from loyalty.api.answers import WalletAnswer
from members.api.fields import MoneyField, PointsField, WholeField
from members.api.moments import MomentField
from members.models import ApiClient
from rewards import redemption, voucher_rules, vouchers
from rewards.models import Redemption, Reward, Voucher

STATES = [*Voucher.State.choices, (vouchers.EXPIRED, Redemption.State.EXPIRED.label)]


class VoucherAnswer(serializers.Serializer[Voucher]):
    """A voucher of a redemption."""

    code = serializers.CharField()
    state = serializers.SerializerMethodField()
    expires_at = MomentField(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, voucher: Voucher) -> str:
        return vouchers.state_of(voucher, timezone.now())


class DiscountAnswer(serializers.Serializer[Any]):
    """What the till takes off: an amount or a percentage."""

    amount = MoneyField(required=False)
    percent = serializers.CharField(required=False)


class VoucherCheckAnswer(VoucherAnswer):
    """A voucher as the till sees it; the member's number is masked. `stores` and `weekdays` empty: all of them.

    `discount` is what it takes off orders from `min_spend` on, null where it takes nothing off. `variant` (its code) says
    which kind of the reward it is for; of a session `begins_at`, `ends_at` and `place` are told too.
    """

    reward = serializers.CharField(source="reward.code")
    reward_name = serializers.CharField(source="reward.name")
    variant = serializers.CharField(
        source="redemption.variant.code", allow_null=True, default=None
    )
    variant_name = serializers.CharField(
        source="redemption.variant.name", allow_null=True, default=None
    )
    begins_at = MomentField(source="redemption.variant.begins_at", allow_null=True, default=None)
    ends_at = MomentField(source="redemption.variant.ends_at", allow_null=True, default=None)
    place = serializers.CharField(source="redemption.variant.place", allow_null=True, default=None)
    kind = serializers.ChoiceField(source="reward.kind", choices=Reward.Kind.choices)
    discount = serializers.SerializerMethodField()
    min_spend = MoneyField(source="reward.min_spend", allow_null=True)
    stores = serializers.ListField(source="reward.stores", child=serializers.CharField())
    weekdays = serializers.ListField(source="reward.weekdays", child=WholeField())
    active_from = MomentField(allow_null=True)
    member = serializers.SerializerMethodField()
    used_at = MomentField(allow_null=True)
    used_store = serializers.CharField(source="used_store.code", allow_null=True, default=None)
    used_order = serializers.CharField(
        source="used_order.reference", allow_null=True, default=None
    )
    void_reason = serializers.CharField()

    @extend_schema_field(DiscountAnswer(allow_null=True))
    def get_discount(self, voucher: Voucher) -> dict[str, str] | None:
        amount, percent = voucher_rules.amount_of(voucher), voucher.reward.discount_percent
        if amount is not None:
            return {"amount": f"{amount:.2f}"}
        return None if percent is None else {"percent": f"{percent.normalize():f}"}

    @extend_schema_field({"type": "string", "examples": ["********4567"]})
    def get_member(self, voucher: Voucher) -> str:
        number = voucher.member.number
        return "*" * (len(number) - 4) + number[-4:]


class RedemptionListAnswer(serializers.Serializer[Redemption]):
    """A purchase of a reward and its vouchers; the address is told to keys with `personal` only."""

    number = serializers.CharField()
    state = serializers.SerializerMethodField()
    member = serializers.CharField(source="member.number")
    reward = serializers.CharField(source="reward.code")
    variant = serializers.CharField(source="variant.code", allow_null=True, default=None)
    offer = serializers.CharField(source="offer.code", allow_null=True, default=None)
    quantity = WholeField()
    points = PointsField()
    cash = MoneyField()
    reference = serializers.CharField()
    redeemed_at = MomentField()
    reserved_until = MomentField(allow_null=True)
    delivery = serializers.ChoiceField(choices=Reward.Delivery.choices)
    address = serializers.DictField(allow_null=True, required=False)
    fulfilled_at = MomentField(allow_null=True)
    carrier = serializers.CharField()
    tracking = serializers.CharField()
    vouchers = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=Redemption.State.choices))
    def get_state(self, made: Redemption) -> str:
        return redemption.state_of(made, timezone.now())

    @extend_schema_field(VoucherAnswer(many=True))
    def get_vouchers(self, made: Redemption) -> list[dict[str, Any]]:
        found: Any = sorted(made.vouchers.all(), key=lambda voucher: voucher.pk)
        return list(VoucherAnswer(found, many=True).data)

    def to_representation(self, instance: Redemption) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if ApiClient.Scope.PERSONAL not in self.context["scopes"]:
            shown.pop("address", None)
        return dict(shown)


class RedemptionAnswer(RedemptionListAnswer):
    """A purchase of a reward, its vouchers and the member's wallet as it is now."""

    wallet = serializers.SerializerMethodField()

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, made: Redemption) -> dict[str, Any]:
        figures = loyalty_queries.figures(member=made.member, at=timezone.now())
        return dict(WalletAnswer(figures).data)
