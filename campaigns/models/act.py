from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Act(models.Model):
    """Something a member did or had happen, other than buying: what the API calls an event. Counts once."""

    class Source(models.TextChoices):
        REPORTED = "reported", _("Reported")
        SYSTEM = "system", _("By itself")

    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.REPORTED)
    type = models.CharField(_("type"), max_length=50)
    reference = models.CharField(_("reference"), max_length=200)
    at = models.DateTimeField(_("at"))
    # Whether the moment was said, or is that of the call: what makes two reports the same.
    said_at = models.DateTimeField(_("said to be at"), null=True)
    data = models.JSONField(_("data"), default=dict, blank=True)
    client = models.JSONField(_("client"), default=dict, blank=True)
    points = models.BigIntegerField(_("points"), default=0)
    status_points = models.BigIntegerField(_("status points"), default=0)
    explanation = models.JSONField(_("explanation"), default=list)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "source", "reference"], name="act_once_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(points__gte=0, status_points__gte=0), name="act_points_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-at", "-id"], name="act_of_member"),
            models.Index(fields=["member", "type", "at"], name="act_of_member_type"),
            models.Index(fields=["type", "-at", "-id"], name="act_of_type"),
            models.Index(fields=["-at", "-id"], name="act_newest_first"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.type}"


class CheckIn(models.Model):
    """One signed day of one member (积分日历)."""

    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    day = models.DateField(_("day"))
    at = models.DateTimeField(_("at"))
    is_made_up = models.BooleanField(_("made up later"), default=False)
    points = models.BigIntegerField(_("points"), default=0)
    streak = models.PositiveIntegerField(
        _("days in a row"), help_text=_("As it was when the day was signed.")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        constraints = [
            models.UniqueConstraint(fields=["member", "day"], name="checkin_once_per_day"),
            models.CheckConstraint(
                condition=Q(streak__gte=1, points__gte=0), name="checkin_figures"
            ),
        ]
        indexes = [models.Index(fields=["-day", "-id"], name="checkin_newest_first")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.day}"


class SignInSettings(models.Model):
    """How missed days may be made up (补签); a single row."""

    make_up_cards = models.PositiveSmallIntegerField(
        _("make-up cards a month"), default=2, help_text=_("0: missed days stay missed.")
    )
    make_up_days = models.PositiveSmallIntegerField(_("how many days back"), default=7)
    make_up_points = models.PositiveIntegerField(_("price of a make-up in points"), default=0)

    class Meta:
        verbose_name = _("sign-in settings")
        verbose_name_plural = _("sign-in settings")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="signinsettings_single_row"),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
