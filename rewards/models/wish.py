from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rewards.models.reward import Reward


class Wish(models.Model):
    """A reward on a member's wish list; told once when the points suffice."""

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
    added_at = models.DateTimeField(_("added at"))
    # Told, or known from the beginning, that it can be had; empty again once it cannot.
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)
    # Out of stock or off sale since; what comes back is told in other words.
    gone_at = models.DateTimeField(_("gone at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("wish")
        verbose_name_plural = _("wishes")
        constraints = [
            models.UniqueConstraint(fields=["member", "reward"], name="wish_once"),
        ]
        indexes = [
            models.Index(
                fields=["reward", "member"],
                condition=Q(told_at__isnull=True),
                name="wish_not_told",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
