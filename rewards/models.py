from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Reward(models.Model):
    """Something points can buy."""

    class Kind(models.TextChoices):
        COUPON = "coupon", _("Coupon")
        GIFT = "gift", _("Gift")

    class Period(models.TextChoices):
        DAY = "day", _("A day")
        MONTH = "month", _("A month")
        EVER = "ever", _("Ever")

    class Art(models.TextChoices):
        COFFEE = "coffee", _("Pour-over coffee")
        CUP = "cup", _("Paper cup")
        CAKE = "cake", _("Cake")
        TOTE = "tote", _("Tote bag")
        UMBRELLA = "umbrella", _("Umbrella")
        MOVIE = "movie", _("Cinema ticket")
        TREE = "tree", _("Tree")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    summary = models.CharField(_("one line about it"), max_length=100, blank=True)
    terms = models.TextField(_("how to use it (one rule a line)"), blank=True)
    category = models.CharField(_("category"), max_length=50, blank=True)
    art = models.CharField(_("drawing"), max_length=20, choices=Art, default=Art.CUP)
    points = models.BigIntegerField(_("price in points"))
    cash = models.DecimalField(_("price in money"), max_digits=20, decimal_places=2, default=0)
    cost = models.DecimalField(
        _("cost to the merchant"), max_digits=20, decimal_places=2, null=True, blank=True
    )
    stock = models.BigIntegerField(
        _("stock left"), null=True, blank=True, help_text=_("Empty: unlimited.")
    )
    per_member = models.PositiveIntegerField(_("pieces per member"), null=True, blank=True)
    per_member_period = models.CharField(
        _("per member and"), max_length=10, choices=Period, default=Period.EVER
    )
    tiers = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("only for tiers (codes)"),
        default=list,
        blank=True,
    )
    starts_at = models.DateTimeField(_("on sale from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("on sale until"), null=True, blank=True)
    valid_days = models.PositiveIntegerField(
        _("voucher valid for days"), null=True, blank=True, default=30
    )
    active = models.BooleanField(_("on offer"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="reward_points_positive"),
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(stock__gte=0), name="reward_stock_not_negative"
            ),
            models.CheckConstraint(condition=Q(cash__gte=0), name="reward_cash_not_negative"),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
                name="reward_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(per_member__isnull=True) | Q(per_member__gte=1),
                name="reward_per_member_positive",
            ),
        ]
        indexes = [models.Index(fields=["points", "id"], name="reward_cheapest_first")]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Redemption(models.Model):
    """One purchase of a reward with points."""

    class State(models.TextChoices):
        RESERVED = "reserved", _("Reserved")
        ISSUED = "issued", _("Issued")
        FULFILLED = "fulfilled", _("Fulfilled")
        USED = "used", _("Used")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    number = models.CharField(_("redemption number"), max_length=20, unique=True)
    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    reward = models.ForeignKey(
        Reward, models.PROTECT, related_name="+", verbose_name=_("reward"), db_index=False
    )
    quantity = models.PositiveIntegerField(_("quantity"))
    points = models.BigIntegerField(_("points"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ISSUED)
    reference = models.CharField(_("reference"), max_length=200)
    store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("store"),
    )
    address = models.JSONField(_("address"), null=True, blank=True)
    redeemed_at = models.DateTimeField(_("redeemed at"))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "reference"], name="redemption_once_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(points__gte=0, quantity__gt=0), name="redemption_figures_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-redeemed_at", "-id"], name="redemption_of_member"),
            models.Index(fields=["reward", "-redeemed_at", "-id"], name="redemption_of_reward"),
            models.Index(fields=["-redeemed_at", "-id"], name="redemption_newest_first"),
        ]

    def __str__(self) -> str:
        return self.number


class Voucher(models.Model):
    """The code that proves a redemption; used once."""

    class State(models.TextChoices):
        INACTIVE = "inactive", _("Not yet active")
        ACTIVE = "active", _("Ready to use")
        USED = "used", _("Used")
        VOID = "void", _("Void")

    code = models.CharField(_("voucher code"), max_length=32, unique=True)
    redemption = models.ForeignKey(
        Redemption, models.PROTECT, related_name="vouchers", verbose_name=_("redemption")
    )
    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="+", verbose_name=_("reward"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    issued_at = models.DateTimeField(_("issued at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    used_store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("used in store"),
    )
    used_by = models.CharField(_("used by"), max_length=150, blank=True)
    used_reference = models.CharField(_("reference of use"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="used", used_at__isnull=False)
                | (~Q(state="used") & Q(used_at__isnull=True)),
                name="voucher_used_has_moment",
            ),
            models.UniqueConstraint(
                fields=["member", "used_reference"],
                condition=~Q(used_reference=""),
                name="voucher_once_per_use_reference",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "state", "expires_at", "id"], name="voucher_of_member")
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"
