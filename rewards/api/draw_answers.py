"""What the API says about draws, their rounds and the goes at them."""

from fractions import Fraction
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from loyalty import queries as loyalty_queries
from loyalty.api.answers import WalletAnswer
from members.api.fields import FlagField, PointsField, WholeField
from members.api.moments import MomentField
from rewards import draw_checking, draw_queries
from rewards.api.answers import VoucherAnswer
from rewards.models import Draw, DrawPlay, DrawPrize, DrawRound, Reward

DECIMALS = 6


def odds_text(chance: Fraction) -> str:
    """A chance as a decimal with six places: 1/8 is "0.125000"."""
    millionths = round(chance * 10**DECIMALS)
    return f"{millionths // 10**DECIMALS}.{millionths % 10**DECIMALS:0{DECIMALS}}"


class PrizeAnswer(serializers.Serializer[DrawPrize]):
    """A prize; `reward` and `points` as far as its kind has them."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=DrawPrize.Kind.choices)
    reward = serializers.CharField(source="reward.code", allow_null=True, default=None)
    points = PointsField(allow_null=True)


class OfferedPrizeAnswer(PrizeAnswer):
    """A prize that can be won: `stock` is what is left (null: it never runs out), `odds` those of the next ticket."""

    weight = WholeField(least=1)
    stock = WholeField(allow_null=True)
    odds = serializers.SerializerMethodField()

    @extend_schema_field({"type": "string", "examples": ["0.125000"]})
    def get_odds(self, prize: DrawPrize) -> str:
        return odds_text(self.context["odds"][prize.pk])


class DrawAnswer(serializers.Serializer[Draw]):
    """A draw (loaded); `points` is the price of a go (null: tickets only), `round` the id of the open round."""

    code = serializers.CharField()
    name = serializers.CharField()
    terms = serializers.CharField()
    points = PointsField(allow_null=True)
    per_member = WholeField(allow_null=True)
    per_member_period = serializers.ChoiceField(choices=Reward.Period.choices)
    tiers = serializers.ListField(child=serializers.CharField())
    round_period = serializers.ChoiceField(choices=Draw.RoundPeriod.choices)
    starts_at = MomentField(allow_null=True)
    ends_at = MomentField(allow_null=True)
    active = FlagField()
    round = serializers.SerializerMethodField()
    prizes = serializers.SerializerMethodField()

    @extend_schema_field({"type": ["string", "null"]})
    def get_round(self, draw: Any) -> str | None:
        return next((each.code for each in draw.open_rounds), None)

    @extend_schema_field(OfferedPrizeAnswer(many=True))
    def get_prizes(self, draw: Any) -> list[dict[str, Any]]:
        found = draw.prizes_now
        context = {"odds": draw_queries.odds(found)}
        return list(OfferedPrizeAnswer(found, many=True, context=context).data)


class ChanceAnswer(DrawAnswer):
    """A draw as one member sees it (`goes_left` null: no limit); without `member` the last four are left out."""

    tickets = WholeField(required=False)
    goes_left = WholeField(required=False, allow_null=True)
    eligible = FlagField(required=False)
    affordable = FlagField(required=False)


class WonAnswer(serializers.Serializer[Any]):
    """What a go won, where it is a reward: its redemption."""

    number = serializers.CharField()
    vouchers = serializers.SerializerMethodField()

    @extend_schema_field(VoucherAnswer(many=True))
    def get_vouchers(self, made: Any) -> list[dict[str, Any]]:
        found: Any = made.vouchers.order_by("id")
        return list(VoucherAnswer(found, many=True).data)


class PlayAnswer(serializers.Serializer[DrawPlay]):
    """A go: ticket `number` of its round, what paid for it (`points`, or the code of a ticket), what it won."""

    number = WholeField(least=1)
    round = serializers.CharField(source="round.code")
    draw = serializers.CharField(source="round.draw.code")
    member = serializers.CharField(source="member.number")
    reference = serializers.CharField()
    drawn_at = MomentField()
    points = WholeField()
    ticket = serializers.CharField(source="voucher.code", allow_null=True, default=None)
    prize = PrizeAnswer()
    redemption = WonAnswer(allow_null=True)
    wallet = serializers.SerializerMethodField()

    @extend_schema_field(WalletAnswer)
    def get_wallet(self, play: DrawPlay) -> dict[str, Any]:
        figures = loyalty_queries.figures(member=play.member, at=timezone.now())
        return dict(WalletAnswer(figures).data)


class RoundAnswer(serializers.Serializer[DrawRound]):
    """A round in a list; `seed` is null until it is closed."""

    round = serializers.CharField(source="code")
    draw = serializers.CharField(source="draw.code")
    number = WholeField(least=1)
    tickets = WholeField()
    opened_at = MomentField()
    closes_at = MomentField(allow_null=True)
    closed_at = MomentField(allow_null=True)
    seed_sha256 = serializers.CharField(source="seed_hash")
    seed = serializers.SerializerMethodField()

    @extend_schema_field({"type": ["string", "null"]})
    def get_seed(self, round_: DrawRound) -> str | None:
        return round_.seed if round_.closed_at else None


class PublishedPrizeAnswer(serializers.Serializer[Any]):
    """A prize as it was published when the round opened."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=DrawPrize.Kind.choices)
    reward = serializers.CharField(allow_null=True)
    points = PointsField(allow_null=True)
    weight = WholeField(least=1)
    stock = WholeField(allow_null=True)


class TicketAnswer(serializers.Serializer[Any]):
    """A ticket of a closed round; `prize` is the id of the prize it won."""

    ticket = WholeField(least=1)
    member = serializers.CharField()
    digest = serializers.CharField()
    prize = serializers.IntegerField()


class PublishedAnswer(RoundAnswer):
    """All that is needed to draw a round again; `plays` is empty until it is closed."""

    recipe = serializers.SerializerMethodField()
    prizes = PublishedPrizeAnswer(many=True)
    plays = serializers.SerializerMethodField()

    def get_recipe(self, _round: DrawRound) -> str:
        return draw_checking.RECIPE

    @extend_schema_field(TicketAnswer(many=True))
    def get_plays(self, round_: DrawRound) -> list[dict[str, Any]]:
        return draw_checking.plays(round_) if round_.closed_at else []
