from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Reward(models.Model):
    """Something points can buy."""

    class Kind(models.TextChoices):
        COUPON = "coupon", _("Coupon")
        GIFT = "gift", _("Gift")
        PRIVILEGE = "privilege", _("Privilege")
        EXPERIENCE = "experience", _("Experience or event")
        CONTENT = "content", _("Content")
        SHIPPING = "shipping", _("Free shipping")
        DRAW_TICKET = "draw_ticket", _("Draw ticket")
        DONATION = "donation", _("Donation")
        PARTNER_CODE = "partner_code", _("Partner's code")
        CASH = "cash", _("Money off")

    class Period(models.TextChoices):
        DAY = "day", _("A day")
        MONTH = "month", _("A month")
        EVER = "ever", _("Ever")

    class Delivery(models.TextChoices):
        NONE = "", _("By voucher")
        PICK_UP = "pick_up", _("Picked up in a store")
        SHIPPING = "shipping", _("Sent to an address")
        EITHER = "either", _("Picked up or sent, as the member likes")

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
    tier_prices = models.JSONField(_("price in points by tier"), default=dict, blank=True)
    # How the price floats: see rewards/floating.py; empty: it does not.
    pricing = models.JSONField(_("floating price"), default=dict, blank=True)
    partner = models.CharField(_("partner"), max_length=100, blank=True)
    partner_share = models.DecimalField(
        _("partner's share of the cost"), max_digits=5, decimal_places=4, default=0
    )
    stock = models.BigIntegerField(
        _("stock left"), null=True, blank=True, help_text=_("Empty: unlimited.")
    )
    # What the stock was when the merchant last filled it: floating prices compare with it.
    stock_start = models.BigIntegerField(_("stock at the start"), null=True, editable=False)
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
    # Some tiers may have it before the others.
    early_tiers = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("early access for tiers (codes)"),
        default=list,
        blank=True,
    )
    early_from = models.DateTimeField(_("early access from"), null=True, blank=True)
    valid_from_days = models.PositiveIntegerField(
        _("voucher good after days"), default=0, help_text=_("0: at once.")
    )
    valid_until = models.DateTimeField(_("voucher good until"), null=True, blank=True)
    valid_days = models.PositiveIntegerField(
        _("voucher valid for days"), null=True, blank=True, default=30
    )
    # ---- what it is -------------------------------------------------------------------------
    discount_amount = models.DecimalField(
        _("amount off"), max_digits=20, decimal_places=2, null=True, blank=True
    )
    discount_percent = models.DecimalField(
        _("percent off"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    min_spend = models.DecimalField(
        _("for orders from"), max_digits=20, decimal_places=2, null=True, blank=True
    )
    stores = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("good in stores (codes)"),
        default=list,
        blank=True,
    )
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("good on weekdays (1 Monday to 7)"),
        default=list,
        blank=True,
    )
    delivery = models.CharField(
        _("how it is handed over"), max_length=10, choices=Delivery, default="", blank=True
    )
    # Shown to those alone who redeemed it.
    content = models.TextField(_("content to read"), blank=True)
    content_url = models.URLField(_("address of the content"), blank=True, max_length=500)
    draw = models.ForeignKey(
        "rewards.Draw",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("ticket for the draw"),
    )
    project = models.ForeignKey(
        "rewards.DonationProject",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("donated to the project"),
    )
    is_giftable = models.BooleanField(_("vouchers may be given to other members"), default=True)
    draft_minutes = models.PositiveIntegerField(_("a draft waits for minutes"), default=30)
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
            models.CheckConstraint(
                condition=Q(partner_share__gte=0, partner_share__lte=1),
                name="reward_partner_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(discount_amount__isnull=True) | Q(discount_amount__gt=0),
                name="reward_discount_amount_positive",
            ),
            models.CheckConstraint(
                condition=Q(discount_percent__isnull=True)
                | Q(discount_percent__gt=0, discount_percent__lte=100),
                name="reward_discount_percent_within_100",
            ),
            models.CheckConstraint(
                condition=Q(discount_amount__isnull=True) | Q(discount_percent__isnull=True),
                name="reward_one_kind_of_discount",
            ),
            models.CheckConstraint(
                condition=Q(min_spend__isnull=True) | Q(min_spend__gte=0),
                name="reward_min_spend_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(early_from__isnull=True)
                | Q(starts_at__isnull=False, early_from__lt=F("starts_at")),
                name="reward_early_before_start",
            ),
            models.CheckConstraint(
                condition=Q(draft_minutes__gte=1), name="reward_draft_minutes_positive"
            ),
        ]
        indexes = [models.Index(fields=["points", "id"], name="reward_cheapest_first")]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class RewardPicture(models.Model):
    """The picture of a reward, re-encoded; kept here so that every web process of every machine has it."""

    reward = models.OneToOneField(
        Reward, models.PROTECT, related_name="picture", verbose_name=_("reward")
    )
    body = models.BinaryField(_("picture"))
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [
            models.CheckConstraint(
                condition=Q(width__gt=0, height__gt=0), name="rewardpicture_has_a_size"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


class Variant(models.Model):
    """One kind of a reward with its own stock: a size, a colour, or the session of an event with its seats."""

    reward = models.ForeignKey(
        Reward, models.PROTECT, related_name="variants", verbose_name=_("reward")
    )
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100)
    stock = models.BigIntegerField(
        _("stock or seats left"), null=True, blank=True, help_text=_("Empty: unlimited.")
    )
    extra_points = models.BigIntegerField(_("points on top"), default=0)
    # Of a session; it cannot be redeemed any more once it has begun.
    begins_at = models.DateTimeField(_("begins at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    position = models.PositiveIntegerField(pgettext_lazy("in a list", "position"), default=0)
    active = models.BooleanField(_("on offer"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("variant or session")
        verbose_name_plural = _("variants and sessions")
        constraints = [
            models.UniqueConstraint(fields=["reward", "code"], name="variant_code_in_reward"),
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(stock__gte=0),
                name="variant_stock_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(extra_points__gte=0), name="variant_extra_points_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True)
                | Q(begins_at__isnull=False, ends_at__gt=F("begins_at")),
                name="variant_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.name
