from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Order(models.Model):
    """A purchase reported by a till or shop. `points` and `explanation` stay what was awarded."""

    class Status(models.TextChoices):
        CREATED = "created", _("Created")
        PAID = "paid", _("Paid")
        SHIPPED = "shipped", _("Shipped")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")
        PARTIALLY_REFUNDED = "partially_refunded", _("Partially refunded")
        REFUNDED = "refunded", _("Refunded")

    #: How far an order has come; a part of it may be refunded on the way.
    ROAD = (Status.CREATED, Status.PAID, Status.SHIPPED, Status.COMPLETED)
    #: Where the road has ended: nothing is earned or taken back any more.
    CLOSED = (Status.CANCELLED, Status.REFUNDED)
    #: What may be reported of an order; refunds have a verb of their own.
    REPORTED = (*ROAD, Status.CANCELLED)

    source = models.CharField(_("source"), max_length=50, default="default")
    number = models.CharField(_("order number"), max_length=100)
    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("member"),
        db_index=False,
    )
    store = models.ForeignKey(
        "members.Store",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("store"),
        db_index=False,
    )
    channel = models.CharField(_("channel"), max_length=50, blank=True)
    placed_at = models.DateTimeField(_("placed at"))
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.PAID)
    coupon = models.CharField(_("coupon"), max_length=100, blank=True)
    payments = models.JSONField(_("payments"), default=list, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=2)
    points_paid_amount = models.DecimalField(
        _("paid with points"), max_digits=20, decimal_places=2, default=0
    )
    refunded_amount = models.DecimalField(
        _("refunded"), max_digits=20, decimal_places=2, default=0
    )
    points = models.BigIntegerField(_("points"), default=0)
    status_points = models.BigIntegerField(_("status points"), default=0)
    points_reversed = models.BigIntegerField(
        _("points of refunds"),
        default=0,
        help_text="Target reached by refunds, forgiven included.",
    )
    status_points_reversed = models.BigIntegerField(_("status points of refunds"), default=0)
    points_returned = models.BigIntegerField(
        _("points given back"),
        default=0,
        db_default=0,
        help_text=_("Of the points that paid for it."),
    )
    awarded_at = models.DateTimeField(_("awarded at"), null=True)
    active_from = models.DateTimeField(_("active from"), null=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)
    explanation = models.JSONField(_("explanation"), default=list)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("posted at"), db_default=Now(), editable=False)

    #: Why so many status points; kept with their entry, here only until that is written.
    status_parts: list[dict[str, Any]]

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="order_once_per_number"),
            models.CheckConstraint(
                condition=Q(
                    amount__gte=0, points__gte=0, status_points__gte=0, points_returned__gte=0
                ),
                name="order_figures_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount")),
                name="order_refunded_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(points_paid_amount__gte=0, points_paid_amount__lte=F("amount")),
                name="order_points_paid_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(points_reversed__gte=0, points_reversed__lte=F("points")),
                name="order_reversed_within_points",
            ),
            models.CheckConstraint(
                condition=Q(
                    status_points_reversed__gte=0, status_points_reversed__lte=F("status_points")
                ),
                name="order_status_reversed_within_points",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-placed_at", "-id"], name="order_of_member"),
            models.Index(fields=["-placed_at", "-id"], name="order_newest_first"),
            models.Index(fields=["store", "-placed_at"], name="order_of_store"),
            models.Index(fields=["number"], name="order_number"),
        ]

    def __str__(self) -> str:
        return f"{self.source}/{self.number}"

    @property
    def reference(self) -> str:
        """The reference of its earn entries: unique for ever."""
        return f"{self.source}/{self.number}"

    @property
    def is_open(self) -> bool:
        """Whether it was neither cancelled nor refunded whole."""
        return self.status not in self.CLOSED


class OrderStep(models.Model):
    """When an order reached a status."""

    order = models.ForeignKey(
        Order, models.PROTECT, related_name="steps", verbose_name=_("order"), db_index=False
    )
    status = models.CharField(_("status"), max_length=20, choices=Order.Status)
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("order step")
        verbose_name_plural = _("order steps")
        constraints = [
            models.UniqueConstraint(fields=["order", "status"], name="orderstep_once_per_status"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.status}"


class OrderLine(models.Model):
    """One line of an order; `amount` is what the customer pays for it after its discounts."""

    order = models.ForeignKey(
        Order, models.PROTECT, related_name="lines", verbose_name=_("order"), db_index=False
    )
    position = models.PositiveIntegerField(_("position"))
    sku = models.CharField(_("SKU"), max_length=100)
    name = models.CharField(_("name"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=100, blank=True)
    brand = models.CharField(_("brand"), max_length=100, blank=True)
    tags = ArrayField(
        models.CharField(max_length=50), verbose_name=_("tags"), default=list, blank=True
    )
    quantity = models.BigIntegerField(_("quantity"), default=1)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=2)
    share = models.CharField(
        _("share of the points"),
        max_length=200,
        default="0",
        help_text="Exact share of the order's points: a decimal or a fraction such as 359/3.",
    )

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="orderline_position"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.sku}"


class Refund(models.Model):
    """Money given back for an order, and the points it took back."""

    order = models.ForeignKey(
        Order, models.PROTECT, related_name="refunds", verbose_name=_("order"), db_index=False
    )
    reference = models.CharField(_("reference"), max_length=100)
    at = models.DateTimeField(_("at"))
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=2)
    lines = models.JSONField(_("lines"), null=True)
    points_reversed = models.BigIntegerField(_("points taken back"))
    status_points_reversed = models.BigIntegerField(_("status points taken back"))
    debt_added = models.BigIntegerField(_("debt added"))
    points_returned = models.BigIntegerField(_("points given back"), default=0)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("posted at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "reference"], name="refund_once_per_reference"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.reference}"
