from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class BenefitGrant(models.Model):
    """What a tier gave a member by itself, once per period."""

    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    tier = models.ForeignKey(
        "members.Tier", models.PROTECT, related_name="+", verbose_name=_("tier")
    )
    benefit = models.CharField(_("benefit"), max_length=50)
    # The period it stands for: "2026", "2026-11" or "ever".
    period = models.CharField(_("period"), max_length=10)
    points = models.BigIntegerField(_("points"), default=0)
    redemption = models.ForeignKey(
        "rewards.Redemption",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("redemption"),
    )
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("benefit given")
        verbose_name_plural = _("benefits given")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "benefit", "period"], name="benefitgrant_once_per_period"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.benefit} {self.period}"
