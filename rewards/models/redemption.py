from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rewards.models.offer import Offer
from rewards.models.reward import Reward, Variant


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
    variant = models.ForeignKey(
        Variant,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("variant or session"),
    )
    offer = models.ForeignKey(
        Offer, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("offer")
    )
    quantity = models.PositiveIntegerField(_("quantity"))
    points = models.BigIntegerField(_("points"))
    cash = models.DecimalField(
        _("paid in money besides"), max_digits=20, decimal_places=2, default=0
    )
    # How the price of a piece came about: the steps of rewards/prices.py.
    price_steps = models.JSONField(_("how the price came about"), default=list, blank=True)
    # What the pieces cost the merchant when they went, and what part of that a partner bears.
    cost = models.DecimalField(
        _("cost to the merchant"), max_digits=20, decimal_places=2, null=True, blank=True
    )
    partner_share = models.DecimalField(
        _("partner's share"), max_digits=5, decimal_places=4, default=0
    )
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
    delivery = models.CharField(_("how it is handed over"), max_length=10, blank=True)
    address = models.JSONField(_("address"), null=True, blank=True)
    # A draft keeps points, stock and limit until then.
    reserved_until = models.DateTimeField(_("reserved until"), null=True, blank=True)
    hold = models.OneToOneField(
        "loyalty.Hold",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("hold"),
    )
    redeemed_at = models.DateTimeField(_("redeemed at"))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    cancel_reason = models.CharField(_("why it was cancelled"), max_length=200, blank=True)
    fulfilled_at = models.DateTimeField(_("fulfilled at"), null=True, blank=True)
    fulfilled_by = models.CharField(_("fulfilled by"), max_length=150, blank=True)
    carrier = models.CharField(_("carrier"), max_length=100, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=100, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        permissions = [("fulfil_redemption", _("Can hand redemptions over and take their money"))]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "reference"], name="redemption_once_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(points__gte=0, quantity__gt=0, cash__gte=0),
                name="redemption_figures_positive",
            ),
            models.CheckConstraint(
                condition=~Q(state="reserved") | Q(reserved_until__isnull=False),
                name="redemption_reserved_until",
            ),
            models.CheckConstraint(
                condition=~Q(state="fulfilled") | Q(fulfilled_at__isnull=False),
                name="redemption_fulfilled_has_moment",
            ),
            models.CheckConstraint(
                condition=Q(partner_share__gte=0, partner_share__lte=1),
                name="redemption_partner_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(reserved_until__isnull=True) | Q(reserved_until__gt=F("redeemed_at")),
                name="redemption_reserved_for_a_while",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-redeemed_at", "-id"], name="redemption_of_member"),
            # Demand is counted from this index alone, however many pieces went in five weeks.
            models.Index(
                fields=["reward", "-redeemed_at", "-id"],
                include=["quantity", "points", "state", "reserved_until"],
                name="redemption_of_reward",
            ),
            models.Index(fields=["-redeemed_at", "-id"], name="redemption_newest_first"),
            # What is to be sent or handed over, and the drafts that time out.
            models.Index(
                fields=["delivery", "redeemed_at", "id"],
                condition=Q(state="issued") & ~Q(delivery=""),
                name="redemption_to_hand_over",
            ),
            models.Index(
                fields=["reserved_until", "id"],
                condition=Q(state="reserved"),
                name="redemption_drafts",
            ),
        ]

    def __str__(self) -> str:
        return self.number
