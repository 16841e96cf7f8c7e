import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rewards.models.offer import Offer
from rewards.models.redemption import Redemption
from rewards.models.reward import Reward, Variant


class StockMovement(models.Model):
    """Pieces that came or went, append-only: of the reward, of one of its variants or of an offer.

    The movements with neither variant nor offer add up to the reward's stock, those of a variant to the variant's,
    those of an offer to the offer's; an unlimited stock counts as 0.
    """

    class Cause(models.TextChoices):
        RECEIVED = "received", _("Received")
        CORRECTED = "corrected", _("Corrected")
        REDEEMED = "redeemed", _("Redeemed")
        RETURNED = "returned", _("Came back")
        SET_ASIDE = "set_aside", _("Set aside for a draw")

    reward = models.ForeignKey(
        Reward, models.PROTECT, related_name="+", verbose_name=_("reward"), db_index=False
    )
    variant = models.ForeignKey(
        Variant, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("variant")
    )
    offer = models.ForeignKey(
        Offer, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("offer")
    )
    pieces = models.BigIntegerField(_("pieces"))
    cause = models.CharField(_("why"), max_length=10, choices=Cause)
    redemption = models.ForeignKey(
        Redemption,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("redemption"),
    )
    by = models.CharField(_("by"), max_length=150, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    at = models.DateTimeField(_("when"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        constraints = [
            models.CheckConstraint(condition=~Q(pieces=0), name="stockmovement_not_zero"),
            models.CheckConstraint(
                condition=Q(variant__isnull=True) | Q(offer__isnull=True),
                name="stockmovement_of_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["reward", "-id"], name="stockmovement_of_reward"),
            models.Index(fields=["-at", "-id"], name="stockmovement_newest_first"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.pieces:+d}"
