from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Campaign(models.Model):
    """A scheduled rule: trigger, conditions, effect, limits. What holds now; `CampaignVersion` keeps what held before."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", pgettext_lazy("campaign", "Active")
        PAUSED = "paused", _("Paused")
        ENDED = "ended", _("Ended")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(
        _("words for members"),
        max_length=300,
        blank=True,
        help_text=_("Shown on the members' pages; left out, the rule is put into words."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    trigger = models.CharField(_("trigger"), max_length=50, default="order.paid")
    conditions = models.JSONField(_("conditions"), default=dict, blank=True)
    effect = models.JSONField(_("effect"), default=dict)
    limits = models.JSONField(_("limits"), default=dict, blank=True)
    combine = models.JSONField(_("combination"), default=dict, blank=True)
    partner = models.CharField(_("partner"), max_length=100, null=True, blank=True)  # noqa: DJ001 - the API's null
    partner_share = models.DecimalField(
        _("share of the cost that the partner bears"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    is_public = models.BooleanField(_("shown to members"), default=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    # Findings of the lint that somebody has read and accepted, by code.
    accepted_findings = models.JSONField(_("accepted findings"), default=list, blank=True)
    requested_by = models.CharField(_("approval asked by"), max_length=150, blank=True)
    requested_at = models.DateTimeField(_("approval asked at"), null=True, blank=True)
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)
    created_by = models.CharField(_("made by"), max_length=150, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        permissions = [
            ("activate_campaign", _("Can start, pause and end campaigns")),
            ("approve_campaign", _("Can approve campaigns of others")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "active", "paused", "ended"]),
                name="campaign_state_known",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
                name="campaign_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(partner_share__isnull=True)
                | Q(partner_share__gte=0, partner_share__lte=1, partner__isnull=False),
                name="campaign_share_of_a_partner",
            ),
            models.CheckConstraint(
                condition=Q(approved_by="")
                | Q(requested_by="")
                | ~Q(approved_by=F("requested_by")),
                name="campaign_approved_by_somebody_else",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="campaign_version_positive"),
        ]
        indexes = [
            models.Index(fields=["id"], name="campaign_active", condition=Q(state="active")),
            models.Index(fields=["state", "-starts_at", "-id"], name="campaign_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class CampaignVersion(models.Model):
    """What a campaign said from a moment on; never changed, so that every award can name the rule it followed."""

    campaign = models.ForeignKey(
        Campaign,
        models.PROTECT,
        related_name="versions",
        verbose_name=_("campaign"),
        db_index=False,
    )
    number = models.PositiveIntegerField(_("version"))
    content = models.JSONField(_("content"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("campaign version")
        verbose_name_plural = _("campaign versions")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="campaignversion_number"),
            models.CheckConstraint(
                condition=Q(number__gte=1), name="campaignversion_number_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} v{self.number}"
