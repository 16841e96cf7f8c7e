from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey


class ApiClient(AbstractAPIKey):
    """A till, shop or script that talks to the API with a key and scopes; only a hash is stored."""

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        PERSONAL = "personal", _("Personal data unmasked")
        EARN = "earn", _("Members, orders and events")
        SPEND = "spend", _("Redemptions and vouchers")
        MANAGE = "manage", _("Program, rewards and adjustments")

    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope), verbose_name=_("scopes"), default=list
    )

    class Meta(AbstractAPIKey.Meta):
        verbose_name = _("API key")  # type: ignore[assignment]
        verbose_name_plural = _("API keys")  # type: ignore[assignment]


class ApiRequest(models.Model):
    """The stored answer to one `Idempotency-Key` of one client, kept for a day at least."""

    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, path and parsed body.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("API request")
        verbose_name_plural = _("API requests")
        constraints = [
            models.UniqueConstraint(fields=["client", "key"], name="apirequest_once_per_key"),
        ]
        indexes = [models.Index(fields=["created_at"], name="apirequest_created_at")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.status}"


class ImportRun(models.Model):
    """One file that was imported; a repeat of the same file continues it with the same shift."""

    kind = models.CharField(_("kind"), max_length=20)
    digest = models.CharField(_("SHA-256 of the file"), max_length=64)
    shift_days = models.IntegerField(_("days moved"), default=0)
    options = models.CharField(_("options"), max_length=200, blank=True)
    rows_read = models.PositiveBigIntegerField(_("rows read"), default=0)
    created = models.PositiveBigIntegerField(_("created"), default=0)
    unchanged = models.PositiveBigIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveBigIntegerField(_("rejected"), default=0)
    started_at = models.DateTimeField(_("started at"), db_default=Now(), editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "digest", "options"], name="importrun_once_per_file"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"
