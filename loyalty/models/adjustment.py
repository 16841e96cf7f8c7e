from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Adjustment(models.Model):
    """A credit or debit by staff or a script, with its reason."""

    class Reason(models.TextChoices):
        CORRECTION = "correction", _("Correction")
        GOODWILL = "goodwill", _("Goodwill")
        COMPENSATION = "compensation", _("Compensation")
        OPENING_BALANCE = "opening_balance", _("Opening balance")
        FRAUD = "fraud", _("Fraud")
        OTHER = "other", _("Other")

    class State(models.TextChoices):
        POSTED = "posted", _("Posted")
        AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
        REJECTED = "rejected", _("Rejected")

    member = models.ForeignKey(
        "members.Member", models.PROTECT, related_name="+", verbose_name=_("member")
    )
    points = models.BigIntegerField(_("points"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    note = models.TextField(_("internal note"), blank=True)
    message = models.CharField(_("text for the member"), max_length=200, blank=True)
    reference = models.CharField(_("reference"), max_length=200)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.POSTED)
    requested_by = models.CharField(_("requested by"), max_length=150, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        permissions = [("approve_adjustment", _("Can approve adjustments"))]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "reference"], name="adjustment_once_per_reference"
            ),
            models.CheckConstraint(condition=~Q(points=0), name="adjustment_points_not_zero"),
            models.CheckConstraint(
                condition=Q(decided_by="") | ~Q(decided_by=F("requested_by")),
                name="adjustment_decided_by_somebody_else",
            ),
            models.CheckConstraint(
                condition=Q(state="posted")
                | Q(state="awaiting_approval", decided_by="", decided_at__isnull=True)
                | (Q(state="rejected", decided_at__isnull=False) & ~Q(decided_by="")),
                name="adjustment_decision_of_state",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="adjustment_awaiting", condition=Q(state="awaiting_approval")
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points:+d}"
