import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rewards.models.redemption import Redemption
from rewards.models.reward import Reward


class VoucherBatch(models.Model):
    """Vouchers handed to many members at once: to a segment, in a background job."""

    name = models.CharField(_("name"), max_length=100)
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="+", verbose_name=_("reward"))
    segment = models.CharField(_("segment (code)"), max_length=50)
    pieces = models.PositiveIntegerField(_("vouchers for each member"), default=1)
    reference = models.CharField(_("reference"), max_length=100, unique=True)
    given = models.PositiveBigIntegerField(_("members who got them"), default=0)
    refused = models.PositiveBigIntegerField(_("members left out"), default=0)
    made_by = models.CharField(_("made by"), max_length=150, blank=True)
    made_at = models.DateTimeField(_("made at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("voucher batch")
        verbose_name_plural = _("voucher batches")
        constraints = [
            models.CheckConstraint(
                condition=Q(pieces__gte=1), name="voucherbatch_pieces_positive"
            ),
        ]
        indexes = [models.Index(fields=["-made_at", "-id"], name="voucherbatch_newest_first")]

    def __str__(self) -> str:
        return self.name


class Voucher(models.Model):
    """The code that proves a redemption; used once."""

    class State(models.TextChoices):
        INACTIVE = "inactive", _("Not yet active")
        ACTIVE = "active", _("Ready to use")
        USED = "used", _("Used")
        VOID = "void", _("Void")

    code = models.CharField(_("voucher code"), max_length=64, unique=True)
    # The code without case, blanks and dashes: a partner's codes are shown as the partner wrote them.
    lookup = models.CharField(max_length=64, unique=True, editable=False)
    redemption = models.ForeignKey(
        Redemption, models.PROTECT, related_name="vouchers", verbose_name=_("redemption")
    )
    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="+", verbose_name=_("reward"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    issued_at = models.DateTimeField(_("issued at"))
    # Empty: at once. Before it the voucher is shown as not yet active.
    active_from = models.DateTimeField(_("good from"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    used_store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("used in store"),
    )
    used_by = models.CharField(_("used by"), max_length=150, blank=True)
    used_reference = models.CharField(_("reference of use"), max_length=200, blank=True)
    used_order = models.ForeignKey(
        "loyalty.Order",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("used on order"),
    )
    # What this very voucher takes off, where it differs from its reward: it came back with a part of an order.
    amount = models.DecimalField(
        _("amount off"), max_digits=20, decimal_places=2, null=True, blank=True
    )
    replaces = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="replacements",
        null=True,
        blank=True,
        verbose_name=_("comes back from"),
    )
    given_by = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("given by"),
    )
    voided_at = models.DateTimeField(_("voided at"), null=True, blank=True)
    voided_by = models.CharField(_("voided by"), max_length=150, blank=True)
    void_reason = models.CharField(_("why it is void"), max_length=200, blank=True)
    batch = models.ForeignKey(
        VoucherBatch,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("batch"),
    )

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="used", used_at__isnull=False)
                | (~Q(state="used") & Q(used_at__isnull=True)),
                name="voucher_used_has_moment",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gt=0), name="voucher_amount_positive"
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(lookup=""), name="voucher_code_not_empty"
            ),
            models.UniqueConstraint(
                fields=["member", "used_reference"],
                condition=~Q(used_reference=""),
                name="voucher_once_per_use_reference",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "state", "expires_at", "id"], name="voucher_of_member")
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"


class VoucherStep(models.Model):
    """What happened to a voucher, append-only: its uses, also those that were undone, and who held it."""

    class Kind(models.TextChoices):
        ISSUED = "issued", _("Issued")
        USED = "used", _("Used")
        RETURNED = "returned", _("Came back with an order")
        GIVEN = "given", _("Given to another member")
        VOIDED = "voided", _("Voided")
        LINKED = "linked", _("Named by an order")

    voucher = models.ForeignKey(
        Voucher, models.PROTECT, related_name="steps", verbose_name=_("voucher"), db_index=False
    )
    kind = models.CharField(_("what happened"), max_length=10, choices=Kind)
    at = models.DateTimeField(_("when"))
    by = models.CharField(_("by"), max_length=150, blank=True)
    store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("store"),
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    data = models.JSONField(_("data"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("step of a voucher")
        verbose_name_plural = _("steps of vouchers")
        indexes = [models.Index(fields=["voucher", "id"], name="voucherstep_of_voucher")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"


class VoucherGift(models.Model):
    """A voucher that one member gave to another."""

    voucher = models.ForeignKey(
        Voucher, models.PROTECT, related_name="gifts", verbose_name=_("voucher")
    )
    giver = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("giver"),
        db_index=False,
    )
    receiver = models.ForeignKey(
        "members.Member", models.PROTECT, related_name="+", verbose_name=_("receiver")
    )
    reference = models.CharField(_("reference"), max_length=200, blank=True)
    message = models.CharField(_("message"), max_length=200, blank=True)
    at = models.DateTimeField(_("when"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("gift of a voucher")
        verbose_name_plural = _("gifts of vouchers")
        constraints = [
            models.UniqueConstraint(
                fields=["giver", "reference"],
                condition=~Q(reference=""),
                name="vouchergift_once_per_reference",
            ),
        ]
        indexes = [models.Index(fields=["giver", "-at", "-id"], name="vouchergift_of_giver")]

    def __str__(self) -> str:
        return f"#{self.pk}"
