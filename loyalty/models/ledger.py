from typing import Any

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.models.wallet import Wallet


class Always(pgtrigger.Trigger):
    """A trigger that calls a function of ours, and that nobody can skip.

    Its generated function would ask at each row whether `pgtrigger.ignore` names it, which costs as much as a digest.
    """

    function: str

    def __init__(self, *, function: str, **options: Any) -> None:
        super().__init__(**options, func="RETURN NEW;")
        self.function = function

    def render_execute(self, model: models.Model) -> str:
        """What the trigger calls in place of the generated function."""
        return f"{self.function}()"


class Entry(models.Model):
    """One immutable movement of a wallet; `balance` = active + pending + reserved − debt after it.

    `corrects` is the entry that a reversal or a return puts right, `store` where it happened. `digest` is the SHA-256
    of the content, set by the database when the row is written; the nightly seals chain the digests of a day.
    """

    class Kind(models.TextChoices):
        EARN = "earn", _("Earned")
        REVERSE = "reverse", _("Taken back")
        REDEEM = "redeem", _("Redeemed")
        RETURN = "return", _("Returned")
        EXPIRE = "expire", _("Expired")
        ADJUST = "adjust", _("Adjusted")
        TRANSFER_IN = "transfer_in", _("Received")
        TRANSFER_OUT = "transfer_out", _("Given")
        FEE = "fee", _("Fee")
        MERGE = "merge", _("Merged")
        DONATE = "donate", _("Donated")
        BUY_BACK = "buy_back", _("Bought back")

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
    corrects = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="+",
        null=True,
        verbose_name=_("corrects"),
        db_index=False,
    )
    store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        verbose_name=_("store"),
        db_index=False,
    )
    digest = models.BinaryField(default=b"", editable=False)
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
                condition=Q(kind__in=["earn", "return", "transfer_in"], points__gt=0)
                | Q(
                    kind__in=[
                        "reverse",
                        "redeem",
                        "expire",
                        "transfer_out",
                        "fee",
                        "donate",
                        "buy_back",
                    ],
                    points__lt=0,
                )
                | Q(kind__in=["adjust", "merge"]),
                name="entry_sign_of_kind",
            ),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="entry_sequence_positive"),
        ]
        indexes = [
            BrinIndex(fields=["at"], name="entry_at"),
            BrinIndex(fields=["created_at"], name="entry_posted_at"),
            models.Index(
                fields=["corrects"], name="entry_corrections", condition=Q(corrects__isnull=False)
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="corrects_within",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__corrects__isnull=False),
                declare=[("corrected", "bigint"), ("so_far", "numeric")],
                func="""
                    SELECT points INTO corrected FROM loyalty_entry WHERE id = NEW.corrects_id;
                    SELECT coalesce(sum(points), 0) INTO so_far FROM loyalty_entry
                        WHERE corrects_id = NEW.corrects_id AND kind = NEW.kind;
                    IF sign(corrected) = sign(NEW.points) OR abs(so_far + NEW.points) > abs(corrected) THEN
                        RAISE EXCEPTION 'entry % puts more right than entry % moved', NEW.id, NEW.corrects_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            Always(
                name="digest",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                function="loyalty_entry_write_digest",
            ),
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

    `remaining` = `points` + Σ allocations; `reserved` is the part of it that open holds keep. `lapsed` counts what
    expired from it, `forgiven` the part of that which a reversal of its earn has been credited with already.
    """

    wallet = models.ForeignKey(
        Wallet, models.PROTECT, related_name="+", verbose_name=_("wallet"), db_index=False
    )
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+", verbose_name=_("source"))
    points = models.BigIntegerField(_("points"))
    remaining = models.BigIntegerField(_("remaining"))
    reserved = models.BigIntegerField(_("reserved"), default=0, db_default=0)
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
                condition=Q(reserved__gte=0, reserved__lte=F("remaining"))
                & (Q(is_pending=False) | Q(reserved=0)),
                name="lot_reserved_within_remaining",
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
