from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import ExtractDay, ExtractMonth, Lower, Now, Right
from django.utils.translation import gettext_lazy as _


class MemberQuerySet(models.QuerySet["Member"]):
    def with_names(self) -> "MemberQuerySet":
        """Bring tier and store along, for lists."""
        return self.select_related("tier", "store")


class Member(models.Model):
    """An enrolled customer. `number` is the public identity on card, QR code and API."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        FROZEN = "frozen", _("Frozen")
        CLOSED = "closed", _("Closed")

    number = models.CharField(_("member number"), max_length=20, unique=True)
    phone = models.CharField(_("phone"), max_length=16, unique=True, null=True, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    external_id = models.CharField(
        _("external id"), max_length=100, unique=True, null=True, blank=True
    )
    referral_code = models.CharField(_("referral code"), max_length=12, unique=True)
    referrer = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("referrer"),
    )
    store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("store"),
    )
    tier = models.ForeignKey(
        "members.Tier", models.PROTECT, related_name="+", verbose_name=_("tier")
    )
    # Given by hand: the member never falls below it (until `tier_floor_until`, if set).
    tier_floor = models.ForeignKey(
        "members.Tier",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("tier given by hand"),
        db_index=False,
    )
    tier_floor_until = models.DateTimeField(_("given until"), null=True, blank=True)
    # The next moment at which the tier may fall by itself; earlier than that nobody need look.
    tier_review_at = models.DateTimeField(_("next tier review"), null=True, editable=False)
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("merged into"),
        db_index=False,
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="member",
        null=True,
        blank=True,
        verbose_name=_("login"),
    )
    tags = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("tags"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_(
            "Words of the merchant's own, separated by commas; segments can ask for them."
        ),
    )
    channel = models.CharField(_("sign-up channel"), max_length=50, blank=True)
    sign_up_ip = models.GenericIPAddressField(_("sign-up IP"), null=True, blank=True)
    sign_up_device = models.CharField(_("sign-up device"), max_length=200, blank=True)
    enrolled_at = models.DateTimeField(_("enrolled at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    objects = MemberQuerySet.as_manager()

    # In memory alone, on who is told of by TIER_UPGRADED or TIER_DOWNGRADED: the moment at which it was noticed, which
    # may be long after it happened. None: then.
    noticed_at: datetime | None = None

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        permissions = [
            ("freeze_member", _("Can freeze members")),
            ("close_member", _("Can close members")),
            ("merge_member", _("Can merge members")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(phone__isnull=True)
                | models.Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
                name="member_phone_e164",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["active", "frozen", "closed"]),
                name="member_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(referrer__isnull=True) | ~models.Q(referrer=models.F("id")),
                name="member_not_own_referrer",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True)
                | models.Q(status="closed") & ~models.Q(merged_into=models.F("id")),
                name="member_merged_is_closed",
            ),
            models.CheckConstraint(
                condition=models.Q(tier_floor_until__isnull=True)
                | models.Q(tier_floor__isnull=False),
                name="member_floor_until_of_a_floor",
            ),
        ]
        indexes = [
            models.Index(Right("phone", 4), name="member_last_four"),
            models.Index(Lower("email"), name="member_email_lower"),
            models.Index(fields=["name"], name="member_name"),
            models.Index(
                ExtractMonth("birthday"),
                ExtractDay("birthday"),
                name="member_birthday",
                condition=models.Q(birthday__isnull=False),
            ),
            models.Index(fields=["-enrolled_at", "-id"], name="member_newest_first"),
            models.Index(fields=["tier", "id"], name="member_of_tier"),
            models.Index(
                fields=["tier_review_at", "id"],
                name="member_tier_review",
                condition=models.Q(tier_review_at__isnull=False),
            ),
            models.Index(
                fields=["merged_into"],
                name="member_merged",
                condition=models.Q(merged_into__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or '—'} #{self.number}"

    @property
    def last_four(self) -> str:
        """The last four digits of the phone number; empty without a phone."""
        return (self.phone or "")[-4:]

    @property
    def has_whole_profile(self) -> bool:
        """Whether name, birthday and e-mail are all known."""
        return bool(self.name and self.birthday and self.email)

    @property
    def masked_phone(self) -> str | None:
        """The phone number with its middle hidden: +86138****8026."""
        if not self.phone:
            return None
        return f"{self.phone[:-8]}****{self.phone[-4:]}"

    @property
    def masked_name(self) -> str:
        """What others may see of the name: its first letter (王**), else the end of the member number."""
        return f"{self.name[0]}**" if self.name else f"**{self.number[-4:]}"

    @property
    def display_name(self) -> str:
        """What to call the member on a page."""
        return self.name or self.last_four or self.number


class StatusChange(models.Model):
    """A member frozen, unfrozen, closed or merged: when, by whom and why."""

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="status_changes", verbose_name=_("member")
    )
    before = models.CharField(_("before"), max_length=10, choices=Member.Status)
    after = models.CharField(_("after"), max_length=10, choices=Member.Status)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.CharField(_("by"), max_length=150, blank=True)
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("status changes")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(before=models.F("after")), name="statuschange_changes"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.before} → {self.after}"


class Consent(models.Model):
    """One answer of a member to one question, with its moment; the newest answer holds."""

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="consents", verbose_name=_("member")
    )
    purpose = models.CharField(_("purpose"), max_length=50)
    is_given = models.BooleanField(_("given"))
    at = models.DateTimeField(_("at"))
    channel = models.CharField(_("channel"), max_length=50, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(fields=["member", "purpose", "-at"], name="consent_newest")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose}"
