from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign


class Budget(models.Model):
    """How many points a campaign may give in all, and how many it has given: exact, whoever asks at once."""

    campaign = models.OneToOneField(
        Campaign, models.PROTECT, related_name="budget", verbose_name=_("campaign")
    )
    points = models.BigIntegerField(_("budget in points"))
    used = models.BigIntegerField(_("used"), default=0, db_default=0)
    exhausted_at = models.DateTimeField(_("exhausted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gte=0, used__gte=0), name="budget_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(used__lte=F("points")), name="budget_used_within_points"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.used} / {self.points}"

    @property
    def left(self) -> int:
        """Points that may still be given."""
        return self.points - self.used


class CampaignAward(models.Model):
    """What a campaign gave one member for one order or act: the points that its limits count."""

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="+", verbose_name=_("campaign"), db_index=False
    )
    version = models.PositiveIntegerField(_("version"))
    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    order = models.ForeignKey(
        "loyalty.Order",
        models.PROTECT,
        related_name="+",
        null=True,
        verbose_name=_("order"),
        db_index=False,
    )
    act = models.ForeignKey(
        "campaigns.Act", models.PROTECT, related_name="awards", null=True, verbose_name=_("event")
    )
    # The program day of the order or act: limits count by it.
    day = models.DateField(_("day"))
    at = models.DateTimeField(_("at"))
    points = models.BigIntegerField(_("points"), default=0)
    status_points = models.BigIntegerField(_("status points"), default=0)
    cut = models.BigIntegerField(_("cut by limits"), default=0)
    pieces = models.PositiveIntegerField(_("rewards or tickets given"), default=0)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("campaign award")
        verbose_name_plural = _("campaign awards")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "campaign", "member"],
                name="campaignaward_once_per_order",
                condition=Q(order__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["act", "campaign", "member"],
                name="campaignaward_once_per_act",
                condition=Q(act__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(order__isnull=False, act__isnull=True)
                | Q(order__isnull=True, act__isnull=False),
                name="campaignaward_of_order_or_act",
            ),
            models.CheckConstraint(
                condition=Q(status_points__gte=0, cut__gte=0),
                name="campaignaward_figures_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "member", "day"], name="campaignaward_usage"),
            models.Index(fields=["campaign", "day"], name="campaignaward_by_day"),
            models.Index(fields=["campaign", "-id"], name="campaignaward_latest"),
            models.Index(fields=["member", "-at", "-id"], name="campaignaward_of_member"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"


class Conversion(models.Model):
    """A friend who was brought in and bought: paid once for each campaign, to both sides, taken back with the order."""

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="+", verbose_name=_("campaign"), db_index=False
    )
    version = models.PositiveIntegerField(_("version"))
    referrer = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("referrer"),
        db_index=False,
    )
    referee = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("referee"),
        db_index=False,
    )
    order = models.ForeignKey(
        "loyalty.Order", models.PROTECT, related_name="+", verbose_name=_("order")
    )
    at = models.DateTimeField(_("at"))
    day = models.DateField(_("day"))
    active_from = models.DateTimeField(_("active from"))
    referrer_points = models.BigIntegerField(_("points of the referrer"), default=0)
    referee_points = models.BigIntegerField(_("points of the referee"), default=0)
    reversed_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "referee"], name="conversion_once_per_referee"
            ),
            models.CheckConstraint(
                condition=~Q(referrer=F("referee")), name="conversion_not_of_oneself"
            ),
            models.CheckConstraint(
                condition=Q(referrer_points__gte=0, referee_points__gte=0),
                name="conversion_points_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["referrer", "-at", "-id"], name="conversion_of_referrer"),
            models.Index(fields=["referee"], name="conversion_of_referee"),
            models.Index(fields=["campaign", "referrer", "day"], name="conversion_usage"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.referrer_id} → {self.referee_id}"
