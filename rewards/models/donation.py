from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class DonationProject(models.Model):
    """What members give points to; its code stands on each donation."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    summary = models.CharField(_("one line about it"), max_length=100, blank=True)
    story = models.TextField(_("what the points do"), blank=True)
    art = models.CharField(_("drawing"), max_length=20, default="tree")
    goal_points = models.BigIntegerField(_("goal in points"), null=True, blank=True)
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    active = models.BooleanField(_("takes donations"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("donation project")
        verbose_name_plural = _("donation projects")
        constraints = [
            models.CheckConstraint(
                condition=Q(goal_points__isnull=True) | Q(goal_points__gt=0),
                name="donationproject_goal_positive",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
                name="donationproject_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"
