from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RangeDateTimeFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from loyalty.admin.order_actions import OrderActions
from loyalty.models import Order
from members import queries as member_queries


@admin.register(Order)
class OrderAdmin(OrderActions):
    list_display = (
        "number",
        "moment",
        "buyer",
        "shop",
        "paid",
        "shown_points",
        "status_badge",
        "source",
    )
    list_select_related = ("member", "store")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("store", RelatedDropdownFilter),
        ("placed_at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    search_fields = ("number",)
    search_help_text = _("The whole order number, or a member's phone or number")
    ordering = ("-placed_at", "-id")
    change_form_outer_after_template = "admin/loyalty/order/detail.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "source", "status"),
                    ("buyer", "shop", "channel"),
                    ("placed_at", "paid", "given_back"),
                    ("points", "status_points", "taken_back"),
                    ("awarded_at", "active_from", "expires_at"),
                    ("paid_in_points", "points_returned", "coupon"),
                    "created_at",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).select_related("member", "store")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(number=term)
        if not found.exists():
            members = member_queries.search(term).order_by().values("pk")
            found = queryset.filter(member__in=members)
        return found, False

    @display(description=_("placed at"))
    def moment(self, order: Order) -> str:
        return date_format(timezone.localtime(order.placed_at), "DATETIME_FORMAT")

    @display(description=_("member"), empty_value="—")
    def buyer(self, order: Order) -> str | None:
        return str(order.member) if order.member else None

    @display(description=_("store"), empty_value="—")
    def shop(self, order: Order) -> str | None:
        return order.store.name if order.store else None

    @display(description=_("amount"))
    def paid(self, order: Order) -> str:
        return f"¥{order.amount:,.2f}"

    @display(description=_("refunded"))
    def given_back(self, order: Order) -> str:
        return f"¥{order.refunded_amount:,.2f}"

    @display(description=_("points"))
    def shown_points(self, order: Order) -> str:
        taken = f" −{order.points_reversed:,}" if order.points_reversed else ""
        return f"+{order.points:,}{taken}" if order.points else "—"

    @display(description=_("paid with points"))
    def paid_in_points(self, order: Order) -> str:
        return f"¥{order.points_paid_amount:,.2f}" if order.points_paid_amount else "—"

    @display(description=_("points taken back"))
    def taken_back(self, order: Order) -> str:
        return f"{order.points_reversed:,}"

    @display(
        description=_("status"),
        label={
            "paid": "success",
            "shipped": "success",
            "completed": "success",
            "created": "info",
            "cancelled": "danger",
            "partially_refunded": "warning",
            "refunded": "danger",
        },
    )
    def status_badge(self, order: Order) -> tuple[str, str]:
        return order.status, order.get_status_display()
