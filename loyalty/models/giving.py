from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Transfer(models.Model):
    """Points given by one member to another; the sender pays the fee on top."""

    sender = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("sender"),
        db_index=False,
    )
    receiver = models.ForeignKey(
        "members.Member", models.PROTECT, related_name="+", verbose_name=_("receiver")
    )
    points = models.BigIntegerField(_("points"))
    fee = models.BigIntegerField(_("fee"), default=0)
    message = models.CharField(_("message"), max_length=200, blank=True)
    reference = models.CharField(_("reference"), max_length=200)
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            models.UniqueConstraint(
                fields=["sender", "reference"], name="transfer_once_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(points__gt=0, fee__gte=0), name="transfer_points_positive"
            ),
            models.CheckConstraint(
                condition=~Q(sender=F("receiver")), name="transfer_not_to_oneself"
            ),
        ]
        indexes = [models.Index(fields=["sender", "-at", "-id"], name="transfer_of_sender")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"


class Donation(models.Model):
    """Points given to a project."""

    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    points = models.BigIntegerField(_("points"))
    project = models.CharField(_("project"), max_length=100, db_index=True)
    reference = models.CharField(_("reference"), max_length=200)
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("donation")
        verbose_name_plural = _("donations")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "reference"], name="donation_once_per_reference"
            ),
            models.CheckConstraint(condition=Q(points__gt=0), name="donation_points_positive"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"


class BuyBack(models.Model):
    """Points that the merchant took back for money: `value` is what they were worth then."""

    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    points = models.BigIntegerField(_("points"))
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=2)
    reference = models.CharField(_("reference"), max_length=200)
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("buy-back")
        verbose_name_plural = _("buy-backs")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "reference"], name="buyback_once_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(points__gt=0, value__gte=0), name="buyback_points_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"
