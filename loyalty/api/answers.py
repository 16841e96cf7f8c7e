"""What the API says about wallets, lots, entries, tiers and orders."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from loyalty import wording
from loyalty.models import Entry, Order
from members.api.fields import (
    MoneyField,
    MultiplierField,
    PointsField,
    SignedPointsField,
    WholeField,
)
from members.api.moments import MomentField


class NextExpiryAnswer(serializers.Serializer[Any]):
    """The active points of the soonest moment of expiry."""

    points = PointsField()
    expires_at = MomentField()


class WalletAnswer(serializers.Serializer[Any]):
    """A member's points as they are now; `value` is what the active ones are worth in money."""

    active = WholeField()
    pending = WholeField()
    reserved = WholeField()
    debt = WholeField()
    status_points = WholeField()
    value = MoneyField()
    earned = WholeField()
    spent = WholeField()
    expired = WholeField()
    next_expiry = NextExpiryAnswer(allow_null=True)


class LotAnswer(serializers.Serializer[Any]):
    """Points that came together and are not used up."""

    points = PointsField()
    remaining = PointsField()
    active_from = MomentField()
    expires_at = MomentField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]


class PartAnswer(serializers.Serializer[Any]):
    """One step of an explanation; the steps' points add up to the whole."""

    rule = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    factor = serializers.CharField(required=False)
    points = serializers.IntegerField()


class EntryAnswer(serializers.Serializer[Entry]):
    """One movement of the points; `balance` is active + pending + reserved − debt after it."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    points = SignedPointsField()
    balance = serializers.IntegerField()
    at = MomentField()
    reference = serializers.CharField()
    title = serializers.SerializerMethodField()
    explanation = serializers.SerializerMethodField()

    def get_title(self, entry: Entry) -> str:
        return wording.entry_title(entry)

    @extend_schema_field(PartAnswer(many=True))
    def get_explanation(self, entry: Entry) -> list[dict[str, Any]]:
        return wording.parts(entry.explanation)


class TierNameAnswer(serializers.Serializer[Any]):
    """A tier by name."""

    code = serializers.CharField()
    name = serializers.CharField()
    multiplier = MultiplierField()


class NextTierAnswer(serializers.Serializer[Any]):
    """The tier above and the status points that are missing."""

    code = serializers.CharField(source="next_tier.code")
    name = serializers.CharField(source="next_tier.name")
    status_points_needed = WholeField(source="needed")


class KeepTierAnswer(serializers.Serializer[Any]):
    """The status points that are still missing to keep the tier when it is judged, and when that is."""

    status_points_needed = WholeField()
    by = MomentField()


class BenefitAnswer(serializers.Serializer[Any]):
    """What a tier gives by itself."""

    code = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    reward = serializers.CharField(required=False)
    points = PointsField(required=False)
    period = serializers.CharField(required=False)


class StandingAnswer(serializers.Serializer[Any]):
    """A member's tier, until when it stands if nothing more is earned, what keeps it and the way to the next."""

    code = serializers.CharField(source="tier.code")
    name = serializers.CharField(source="tier.name")
    multiplier = MultiplierField(source="tier.multiplier")
    status_points = WholeField()
    valid_until = MomentField(allow_null=True)
    next = serializers.SerializerMethodField()
    keep = serializers.SerializerMethodField()
    benefits = BenefitAnswer(many=True, source="tier.benefits")

    @extend_schema_field(NextTierAnswer(allow_null=True))
    def get_next(self, standing: Any) -> dict[str, Any] | None:
        return None if standing.next_tier is None else dict(NextTierAnswer(standing).data)

    @extend_schema_field(KeepTierAnswer(allow_null=True))
    def get_keep(self, standing: Any) -> dict[str, Any] | None:
        """Null where the tier cannot fall for want of status points."""
        return None if standing.keep is None else dict(KeepTierAnswer(standing.keep).data)


class NamedVoucherAnswer(serializers.Serializer[Any]):
    """A voucher that an order named as its coupon; `reason` says why it is not used by it (below_min_spend, expired …)."""

    code = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField(allow_null=True)


class OrderAnswer(serializers.Serializer[Order]):
    """An order with what was awarded for it; `points` and `explanation` stay, also after refunds.

    `vouchers` is told of an order that named a voucher of its member as its coupon.
    """

    number = serializers.SerializerMethodField()
    source = serializers.CharField()  # type: ignore[assignment]
    member = serializers.CharField(source="member.number", allow_null=True, default=None)
    status = serializers.ChoiceField(choices=Order.Status.choices)
    amount = MoneyField()
    points = WholeField()
    status_points = WholeField()
    active_from = MomentField(allow_null=True)
    expires_at = MomentField(allow_null=True)
    explanation = serializers.SerializerMethodField()
    wallet = serializers.SerializerMethodField()
    vouchers = NamedVoucherAnswer(many=True, required=False)

    @extend_schema_field({"type": ["string", "null"]})
    def get_number(self, order: Order) -> str | None:
        """Null in a quote: an order that has no number yet."""
        return order.number or None

    @extend_schema_field(PartAnswer(many=True))
    def get_explanation(self, order: Order) -> list[dict[str, Any]]:
        return wording.parts(order.explanation)

    @extend_schema_field(WalletAnswer(allow_null=True))
    def get_wallet(self, order: Order) -> dict[str, Any] | None:
        figures = self.context["figures"].get(order.member_id)
        return None if figures is None else dict(WalletAnswer(figures).data)
