import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PointType(models.Model):
    """What is counted: `points` (redeemable) and `status` (decides the tier) to begin with."""

    class Kind(models.TextChoices):
        REDEEMABLE = "redeemable", _("Redeemable points")
        STATUS = "status", _("Status points")

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=50)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)

    class Meta:
        verbose_name = _("point type")
        verbose_name_plural = _("point types")

    def __str__(self) -> str:
        return self.name


class Wallet(models.Model):
    """One member's balance of one point type, in whole points.

    The figures are those after the last posting; what fell due since `next_due_at` is settled at the next
    touch, and `queries.figures_of` leaves it out until then.
    """

    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    point_type = models.ForeignKey(
        PointType, models.PROTECT, related_name="+", verbose_name=_("point type"), db_index=False
    )
    active = models.BigIntegerField(_("active"), default=0)
    pending = models.BigIntegerField(_("pending"), default=0)
    reserved = models.BigIntegerField(_("reserved"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    earned = models.BigIntegerField(_("earned"), default=0)
    spent = models.BigIntegerField(_("spent"), default=0)
    expired = models.BigIntegerField(_("expired"), default=0)
    sequence = models.BigIntegerField(_("entries"), default=0)
    next_due_at = models.DateTimeField(_("next due"), null=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [
            models.UniqueConstraint(fields=["member", "point_type"], name="wallet_once_per_type"),
            models.CheckConstraint(
                condition=Q(active__gte=0, pending__gte=0, reserved__gte=0, debt__gte=0),
                name="wallet_figures_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(earned__gte=0, spent__gte=0, expired__gte=0),
                name="wallet_totals_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(active=0) | Q(debt=0), name="wallet_active_or_debt_not_both"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_due_at", "id"],
                name="wallet_due",
                condition=Q(next_due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.active}"


class Entry(models.Model):
    """One immutable movement of a wallet; `balance` = active + pending + reserved − debt after it."""

    class Kind(models.TextChoices):
        EARN = "earn", _("Earned")
        REVERSE = "reverse", _("Taken back")
        REDEEM = "redeem", _("Redeemed")
        RETURN = "return", _("Returned")
        EXPIRE = "expire", _("Expired")
        ADJUST = "adjust", _("Adjusted")

    wallet = models.ForeignKey(
        Wallet, models.PROTECT, related_name="+", verbose_name=_("wallet"), db_index=False
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    points = models.BigIntegerField(_("points"))
    balance = models.BigIntegerField(_("balance"))
    sequence = models.BigIntegerField(_("sequence"))
    reference = models.CharField(_("reference"), max_length=300)
    at = models.DateTimeField(_("at"))
    details = models.JSONField(_("details"), default=dict)
    explanation = models.JSONField(_("explanation"), default=list)
    created_at = models.DateTimeField(_("posted at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.UniqueConstraint(
                fields=["wallet", "kind", "reference"], name="entry_once_per_reference"
            ),
            models.UniqueConstraint(fields=["wallet", "sequence"], name="entry_sequence"),
            models.CheckConstraint(condition=~Q(points=0), name="entry_points_not_zero"),
            models.CheckConstraint(
                condition=Q(kind__in=["earn", "return"], points__gt=0)
                | Q(kind__in=["reverse", "redeem", "expire"], points__lt=0)
                | Q(kind="adjust"),
                name="entry_sign_of_kind",
            ),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="entry_sequence_positive"),
        ]
        indexes = [BrinIndex(fields=["at"], name="entry_at")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'pgtrigger: Cannot truncate entries: the ledger is append-only';",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind} {self.points:+d}"


class Lot(models.Model):
    """Points that came together, with one activation and one expiry moment.

    `remaining` = `points` + Σ allocations. `lapsed` counts what expired from it, `forgiven` the part of
    that which a reversal of its earn has been credited with already.
    """

    wallet = models.ForeignKey(
        Wallet, models.PROTECT, related_name="+", verbose_name=_("wallet"), db_index=False
    )
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+", verbose_name=_("source"))
    points = models.BigIntegerField(_("points"))
    remaining = models.BigIntegerField(_("remaining"))
    lapsed = models.BigIntegerField(_("expired"), default=0)
    forgiven = models.BigIntegerField(default=0, editable=False)
    is_pending = models.BooleanField(_("pending"), default=False)
    active_from = models.DateTimeField(_("active from"))
    expires_at = models.DateTimeField(_("expires at"), null=True)

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="lot_points_positive"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("points")),
                name="lot_remaining_within_points",
            ),
            models.CheckConstraint(
                condition=Q(lapsed__gte=0, lapsed__lte=F("points")),
                name="lot_lapsed_within_points",
            ),
            models.CheckConstraint(
                condition=Q(forgiven__gte=0, forgiven__lte=F("lapsed")),
                name="lot_forgiven_within_lapsed",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("active_from")),
                name="lot_expires_after_activation",
            ),
        ]
        indexes = [
            models.Index(
                fields=["wallet", "expires_at", "active_from", "id"],
                name="lot_open_in_spending_order",
                condition=Q(remaining__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.remaining}/{self.points}"


class Allocation(models.Model):
    """How much an entry took from a lot (negative) or gave back to it (positive)."""

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="+", verbose_name=_("lot"))
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+", verbose_name=_("entry"))
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        constraints = [
            models.CheckConstraint(condition=~Q(points=0), name="allocation_points_not_zero"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'pgtrigger: Cannot truncate allocations: the ledger is append-only';",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.points:+d}"
