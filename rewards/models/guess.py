from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class WrongCodes(models.Model):
    """How many voucher codes somebody named that do not exist: whoever guesses is slowed, in every process."""

    # Who: "key:3", "member:17" or "staff:4".
    subject = models.CharField(_("who"), max_length=50, unique=True)
    misses = models.PositiveIntegerField(_("wrong codes"), default=0)
    since = models.DateTimeField(_("counted since"))
    waits = models.PositiveIntegerField(_("times slowed"), default=0)
    blocked_until = models.DateTimeField(_("slowed until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("wrong voucher codes")
        verbose_name_plural = _("wrong voucher codes")
        constraints = [
            models.CheckConstraint(condition=~Q(subject=""), name="wrongcodes_of_somebody"),
        ]

    def __str__(self) -> str:
        return self.subject
