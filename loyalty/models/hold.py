from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.models.ledger import Lot
from loyalty.models.wallet import Wallet


class Hold(models.Model):
    """Points set aside for a purchase until they are captured, released or timed out."""

    class State(models.TextChoices):
        HELD = "held", _("Held")
        CAPTURED = "captured", _("Captured")
        RELEASED = "released", _("Released")
        EXPIRED = "expired", _("Timed out")

    wallet = models.ForeignKey(
        Wallet, models.PROTECT, related_name="+", verbose_name=_("wallet"), db_index=False
    )
    points = models.BigIntegerField(_("points"))
    captured_points = models.BigIntegerField(_("captured"), default=0)
    reference = models.CharField(_("reference"), max_length=200)
    # What above the ledger it was made for, such as "redemption"; empty: a till's. Only its maker ends it.
    purpose = models.CharField(_("set aside for"), max_length=30, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.HELD)
    expires_in = models.PositiveIntegerField(_("seconds until it times out"))
    at = models.DateTimeField(_("at"))
    expires_at = models.DateTimeField(_("times out at"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    order = models.ForeignKey(
        "loyalty.Order", models.PROTECT, related_name="+", null=True, verbose_name=_("order")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.UniqueConstraint(
                fields=["wallet", "reference"], name="hold_once_per_reference"
            ),
            models.CheckConstraint(condition=Q(points__gt=0), name="hold_points_positive"),
            models.CheckConstraint(
                condition=Q(captured_points__gte=0, captured_points__lte=F("points")),
                name="hold_captured_within_points",
            ),
            models.CheckConstraint(
                condition=Q(state="captured", captured_points__gt=0)
                | Q(state__in=["held", "released", "expired"], captured_points=0),
                name="hold_captured_points_of_state",
            ),
            models.CheckConstraint(
                condition=Q(state="held", closed_at__isnull=True)
                | (~Q(state="held") & Q(closed_at__isnull=False)),
                name="hold_closed_has_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("at")), name="hold_expires_after_it_began"
            ),
        ]
        indexes = [
            models.Index(
                fields=["wallet", "expires_at"], name="hold_open", condition=Q(state="held")
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points} {self.state}"


class Reservation(models.Model):
    """What a hold keeps of one lot, for good: an open hold's reservations are the lots' `reserved`."""

    hold = models.ForeignKey(
        Hold, models.PROTECT, related_name="reservations", verbose_name=_("hold"), db_index=False
    )
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="+", verbose_name=_("lot"))
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints = [
            models.UniqueConstraint(fields=["hold", "lot"], name="reservation_once_per_lot"),
            models.CheckConstraint(condition=Q(points__gt=0), name="reservation_points_positive"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points}"
