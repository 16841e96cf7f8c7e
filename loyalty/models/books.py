import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loyalty.models.ledger import Entry
from loyalty.models.wallet import PointType


class Seal(models.Model):
    """A day's entries fixed for ever: SHA-256 over the digests in id order, chained to the day before.

    The day is that of posting, in the program's zone at the time of sealing; `starts_at` <= posted < `ends_at`.
    """

    day = models.DateField(_("day"), unique=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))
    entries = models.BigIntegerField(_("entries"))
    points = models.DecimalField(_("points"), max_digits=40, decimal_places=0)
    last_entry = models.BigIntegerField(_("last entry"), null=True)
    previous = models.BinaryField(editable=False)
    digest = models.BinaryField(editable=False)
    created_at = models.DateTimeField(_("sealed at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        constraints = [
            models.CheckConstraint(condition=Q(entries__gte=0), name="seal_entries_not_negative"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="seal_ends_after_start"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'pgtrigger: Cannot truncate seals: the ledger is append-only';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}"

    @property
    def short(self) -> str:
        """The beginning of the seal, enough to compare by eye."""
        return bytes(self.digest).hex()[:16]


class DaySheet(models.Model):
    """What one kind of entry moved on one day at one store: the lines of the roll-forward."""

    day = models.DateField(_("day"))
    point_type = models.ForeignKey(
        PointType, models.PROTECT, related_name="+", verbose_name=_("point type"), db_index=False
    )
    store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        verbose_name=_("store"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Entry.Kind)
    entries = models.BigIntegerField(_("entries"))
    points = models.DecimalField(_("points"), max_digits=40, decimal_places=0)

    class Meta:
        verbose_name = _("day sheet")
        verbose_name_plural = _("day sheets")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "point_type", "store", "kind"],
                name="daysheet_one_line",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.points:+}"


class VerificationRun(models.Model):
    """One check of all books: when, by whom, and the first of the differences it found."""

    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"))
    by = models.CharField(_("by"), max_length=150)
    wallets = models.BigIntegerField(_("wallets"))
    differences = models.BigIntegerField(_("differences"))
    frozen = models.BigIntegerField(_("members frozen"), default=0)
    # The newest seal that was recomputed, to be compared with a copy kept elsewhere.
    sealed_until = models.DateField(_("sealed until"), null=True)
    found = models.JSONField(
        _("what was found"),
        default=list,
        help_text='[{"check", "member", "wallet", "found"}, …], the first ones.',
    )

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__gte=models.F("started_at"), differences__gte=0),
                name="verificationrun_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.finished_at:%Y-%m-%d %H:%M} {self.differences}"
