from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PointType(models.Model):
    """What is counted: `points` (redeemable) and `status` (decides the tier) to begin with."""

    class Kind(models.TextChoices):
        REDEEMABLE = "redeemable", _("Redeemable points")
        STATUS = "status", _("Status points")

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=50)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)

    class Meta:
        verbose_name = _("point type")
        verbose_name_plural = _("point types")

    def __str__(self) -> str:
        return self.name


class Wallet(models.Model):
    """One member's balance of one point type, in whole points.

    The figures are those after the last posting; what fell due since `next_due_at` is settled at the next
    touch, and `queries.figures_of` leaves it out until then.
    """

    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    point_type = models.ForeignKey(
        PointType, models.PROTECT, related_name="+", verbose_name=_("point type"), db_index=False
    )
    active = models.BigIntegerField(_("active"), default=0)
    pending = models.BigIntegerField(_("pending"), default=0)
    reserved = models.BigIntegerField(_("reserved"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    earned = models.BigIntegerField(_("earned"), default=0)
    spent = models.BigIntegerField(_("spent"), default=0)
    expired = models.BigIntegerField(_("expired"), default=0)
    sequence = models.BigIntegerField(_("entries"), default=0)
    next_due_at = models.DateTimeField(_("next due"), null=True)
    # The latest own order, redemption or capture, by business time.
    last_activity_at = models.DateTimeField(_("last activity"), null=True)
    # The wallets that were merged into this one: their references and earns count as its own.
    merged_from = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)
    # Of a member who was closed: nothing can come in any more, whoever tries.
    is_closed = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [
            models.UniqueConstraint(fields=["member", "point_type"], name="wallet_once_per_type"),
            models.CheckConstraint(
                condition=Q(active__gte=0, pending__gte=0, reserved__gte=0, debt__gte=0),
                name="wallet_figures_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(earned__gte=0, spent__gte=0, expired__gte=0),
                name="wallet_totals_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(active=0) | Q(debt=0), name="wallet_active_or_debt_not_both"
            ),
            models.CheckConstraint(
                condition=Q(is_closed=False) | Q(active=0, pending=0, reserved=0),
                name="wallet_closed_is_empty",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_due_at", "id"],
                name="wallet_due",
                condition=Q(next_due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.active}"
