from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rewards.models.reward import Reward
from rewards.models.voucher import Voucher


class PartnerCode(models.Model):
    """A code that a partner gave us to hand out, once."""

    reward = models.ForeignKey(
        Reward, models.PROTECT, related_name="+", verbose_name=_("reward"), db_index=False
    )
    code = models.CharField(_("code"), max_length=64)
    # The code without case, blanks and dashes: no two of all pools may be alike in it.
    lookup = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("good until"), null=True, blank=True)
    voucher = models.OneToOneField(
        Voucher,
        models.PROTECT,
        related_name="partner_code",
        null=True,
        blank=True,
        verbose_name=_("voucher"),
    )
    # A code that went to a member is never handed to a second one, also when the redemption is cancelled.
    is_taken = models.BooleanField(_("handed out"), default=False)
    added_by = models.CharField(_("added by"), max_length=150, blank=True)
    added_at = models.DateTimeField(_("added at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("partner's code")
        verbose_name_plural = _("partners' codes")
        constraints = [
            models.CheckConstraint(condition=~Q(code=""), name="partnercode_not_empty"),
            models.CheckConstraint(
                condition=Q(voucher__isnull=True) | Q(is_taken=True),
                name="partnercode_of_voucher_is_taken",
            ),
        ]
        indexes = [
            models.Index(
                fields=["reward", "id"], condition=Q(is_taken=False), name="partnercode_free"
            ),
            models.Index(fields=["reward", "-id"], name="partnercode_of_reward"),
            # Those that will lapse: taken out of the pool as soon as their time is over.
            models.Index(
                fields=["expires_at"],
                condition=Q(is_taken=False, expires_at__isnull=False),
                name="partnercode_lapses",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
