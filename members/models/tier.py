from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Tier(models.Model):
    """A level of the program: reached at `threshold` status points, earns × `multiplier`."""

    class Downgrade(models.TextChoices):
        NONE = "none", _("Never")
        ONE_DOWN = "one_down", _("One tier down")
        TO_ELIGIBLE = "to_eligible", _("To the tier reached")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=50)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True)
    threshold = models.BigIntegerField(_("threshold"), help_text=_("Status points that reach it."))
    retain_threshold = models.BigIntegerField(_("threshold to keep"), null=True, blank=True)
    multiplier = models.DecimalField(_("multiplier"), max_digits=8, decimal_places=4, default=1)
    downgrade = models.CharField(
        _("downgrade"), max_length=20, choices=Downgrade, default=Downgrade.NONE
    )
    grace_days = models.PositiveIntegerField(_("grace days"), default=0)
    benefits = models.JSONField(_("benefits"), default=list, blank=True)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(threshold__gte=0), name="tier_threshold_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(retain_threshold__isnull=True)
                | models.Q(retain_threshold__gte=0),
                name="tier_retain_threshold_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(retain_threshold__isnull=True)
                | models.Q(retain_threshold__lte=models.F("threshold")),
                name="tier_retain_threshold_within_threshold",
            ),
            models.CheckConstraint(
                condition=models.Q(multiplier__gte=0), name="tier_multiplier_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TierChange(models.Model):
    """One step in a member's tier history: `tier` holds from `at` on."""

    class Reason(models.TextChoices):
        ENROLLED = "enrolled", _("Enrolled")
        REACHED = "reached", _("Threshold reached")
        NOT_KEPT = "not_kept", _("Not enough to keep it")
        REFUNDED = "refunded", _("Status points taken back")
        GIVEN = "given", _("Given by hand")
        MERGED = "merged", _("Members merged")

    member = models.ForeignKey(
        "members.Member", models.PROTECT, related_name="tier_changes", verbose_name=_("member")
    )
    before = models.ForeignKey(
        Tier, models.PROTECT, related_name="+", null=True, verbose_name=_("before")
    )
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+", verbose_name=_("tier"))
    at = models.DateTimeField(_("at"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    details = models.JSONField(_("details"), default=dict, blank=True)
    by = models.CharField(_("by"), max_length=150, blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("tier change")
        verbose_name_plural = _("tier history")
        indexes = [models.Index(fields=["member", "at", "id"], name="tierchange_member_at")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.member_id} → {self.tier_id}"
