from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from members import transactions


def default_transfer() -> dict[str, object]:
    return {"enabled": False, "min": None, "per_transfer": None, "per_day": None, "fee": 0}


def default_pay_with_points() -> dict[str, object]:
    return {"max_share": "1", "min": None, "step": None}


class Program(models.Model):
    """The one loyalty scheme of this deployment and its settings (a single row)."""

    class AwardOn(models.TextChoices):
        PAID = "paid", _("When paid")
        SHIPPED = "shipped", _("When shipped")
        COMPLETED = "completed", _("When completed")

    class Rounding(models.TextChoices):
        FLOOR = "floor", _("Round down")
        HALF_UP = "half_up", _("Round half up")

    class Stacking(models.TextChoices):
        MULTIPLY = "multiply", _("Multiply")
        ADD = "add", _("Add")
        BEST = "best", _("Only the best")

    class ExpiryPolicy(models.TextChoices):
        NEVER = "never", _("Never")
        ROLLING = "rolling", _("Months after earning")
        MONTH_END = "month_end", _("At the end of the Nth following month")
        FIXED_DATE = "fixed_date", _("On a fixed day each year")
        INACTIVITY = "inactivity", _("After months without activity")

    class Reversal(models.TextChoices):
        DEBT = "debt", _("Owe what is missing")
        CLAMP = "clamp", _("Stop at zero")

    class RefundFirst(models.TextChoices):
        POINTS = "points", _("Points first")
        CASH = "cash", _("Cash first")

    name = models.CharField(_("name"), max_length=100, default="积分计划")
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Asia/Shanghai")
    earn_rate = models.DecimalField(
        _("points per unit of money"),
        max_digits=12,
        decimal_places=6,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal(0))],
    )
    status_rate = models.DecimalField(
        _("status points per unit of money"),
        max_digits=12,
        decimal_places=6,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal(0))],
    )
    award_on = models.CharField(
        _("points are awarded"), max_length=10, choices=AwardOn, default=AwardOn.PAID
    )
    rounding = models.CharField(
        _("rounding"), max_length=10, choices=Rounding, default=Rounding.FLOOR
    )
    stacking = models.CharField(
        _("how multipliers combine"), max_length=10, choices=Stacking, default=Stacking.MULTIPLY
    )
    point_value = models.DecimalField(
        _("money value of a point"),
        max_digits=12,
        decimal_places=6,
        default=Decimal("0.01"),
        validators=[MinValueValidator(Decimal(0))],
    )
    expiry_policy = models.CharField(
        _("expiry"), max_length=12, choices=ExpiryPolicy, default=ExpiryPolicy.ROLLING
    )
    expiry_months = models.PositiveSmallIntegerField(
        _("expiry months"), default=24, validators=[MinValueValidator(1), MaxValueValidator(1200)]
    )
    expiry_date = models.CharField(_("expiry day (MM-DD)"), max_length=5, blank=True, default="")
    status_expiry_policy = models.CharField(
        _("status expiry"), max_length=12, choices=ExpiryPolicy, default=ExpiryPolicy.ROLLING
    )
    status_expiry_months = models.PositiveSmallIntegerField(
        _("status expiry months"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(1200)],
    )
    status_expiry_date = models.CharField(
        _("status expiry day (MM-DD)"), max_length=5, blank=True, default=""
    )
    # Since expiry was switched on, by point type: what is needed to give lots without an expiry their date.
    lots_to_date = models.JSONField(default=dict, editable=False)
    pending_days = models.PositiveSmallIntegerField(_("days until points are active"), default=0)
    reversal = models.CharField(
        _("refund of points already spent"),
        max_length=10,
        choices=Reversal,
        default=Reversal.DEBT,
    )
    return_grace_days = models.PositiveSmallIntegerField(
        _("grace days of returned points"), default=0
    )
    monthly_redemption_cap = models.PositiveBigIntegerField(
        _("points a member may redeem a month"), null=True, blank=True
    )
    transfer = models.JSONField(_("transfer"), default=default_transfer)
    approval_threshold = models.PositiveBigIntegerField(
        _("adjustments above need approval"), null=True, blank=True
    )
    campaigns_need_approval = models.BooleanField(
        _("a second person approves campaigns"), default=False, db_default=False
    )
    earn_on_points_paid = models.BooleanField(_("the share paid in points earns"), default=False)
    pay_with_points = models.JSONField(_("pay with points"), default=default_pay_with_points)
    refund_first = models.CharField(
        _("refund first"), max_length=10, choices=RefundFirst, default=RefundFirst.POINTS
    )

    class Meta:
        verbose_name = _("program")
        verbose_name_plural = _("program")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="program_single_row"),
            models.CheckConstraint(
                condition=models.Q(earn_rate__gte=0, status_rate__gte=0, point_value__gte=0),
                name="program_rates_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(expiry_months__gte=1, status_expiry_months__gte=1),
                name="program_expiry_months_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        super().save(*args, **options)
        transactions.forget()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days, months and "today" are meant."""
        return ZoneInfo(self.time_zone)
