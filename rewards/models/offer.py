from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rewards.models.reward import Reward


def _range(function: str, first: str, last: str, bounds: str) -> Func:
    field = BigIntegerRangeField() if function == "int8range" else DateTimeRangeField()
    return Func(F(first), F(last), Value(bounds), function=function, output_field=field)


class Offer(models.Model):
    """A reward for another price during a window, with pieces of its own: 积分秒杀, 清仓, 兑换节."""

    class Kind(models.TextChoices):
        FLASH = "flash", _("Flash sale")
        CLEARANCE = "clearance", _("Clearance")
        FESTIVAL = "festival", _("Reward festival")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.FLASH)
    reward = models.ForeignKey(
        Reward,
        models.PROTECT,
        related_name="offers",
        verbose_name=_("reward"),
        db_index=False,
    )
    points = models.BigIntegerField(_("price in points"))
    cash = models.DecimalField(
        _("price in money"),
        max_digits=20,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Empty: as the reward has it."),
    )
    stock = models.BigIntegerField(
        _("pieces left"), null=True, blank=True, help_text=_("Empty: as many as the reward has.")
    )
    per_member = models.PositiveIntegerField(_("pieces per member"), null=True, blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    active = models.BooleanField(_("switched on"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = pgettext_lazy("of a reward", "offer")
        verbose_name_plural = pgettext_lazy("of a reward", "offers")
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="offer_points_positive"),
            models.CheckConstraint(
                condition=Q(cash__isnull=True) | Q(cash__gte=0), name="offer_cash_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(stock__gte=0), name="offer_stock_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(per_member__isnull=True) | Q(per_member__gte=1),
                name="offer_per_member_positive",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="offer_ends_after_start"
            ),
            # One price at a time. The reward is a range of one: ranges need no extension of the database.
            ExclusionConstraint(
                name="offer_alone_at_its_time",
                expressions=[
                    (_range("int8range", "reward", "reward", "[]"), RangeOperators.OVERLAPS),
                    (_range("tstzrange", "starts_at", "ends_at", "[)"), RangeOperators.OVERLAPS),
                ],
                condition=Q(active=True),
            ),
        ]
        indexes = [
            models.Index(fields=["reward", "ends_at"], name="offer_of_reward"),
            models.Index(fields=["-starts_at", "-id"], name="offer_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class PriceQuote(models.Model):
    """The floating price a member was told: it stands for ten minutes."""

    member = models.ForeignKey(
        "members.Member", models.PROTECT, related_name="+", verbose_name=_("member")
    )
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="+", verbose_name=_("reward"))
    points = models.BigIntegerField(_("price in points"))
    # Each factor with its reason, so that the price can be explained later.
    steps = models.JSONField(_("how it came about"), default=list)
    quoted_at = models.DateTimeField(_("told at"))
    expires_at = models.DateTimeField(_("stands until"))

    class Meta:
        verbose_name = _("price quote")
        verbose_name_plural = _("price quotes")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "reward"], name="pricequote_one_for_each_member"
            ),
            models.CheckConstraint(condition=Q(points__gt=0), name="pricequote_points_positive"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("quoted_at")), name="pricequote_stands_for_a_while"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points} · {self.expires_at:%Y-%m-%d %H:%M}"
