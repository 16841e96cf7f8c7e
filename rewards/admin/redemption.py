"""Redemptions: found, handed over, sent, paid and called off."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin
from members.admin.filters import DaysFilter
from rewards import addresses, price_words, redemption
from rewards.admin.redemption_steps import RedemptionSteps
from rewards.admin.shipping import Shipping
from rewards.models import Redemption, Reward

State = Redemption.State


class TodoFilter(DropdownFilter):
    """What is waiting for somebody in the shop."""

    title = _("to do")
    parameter_name = "todo"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return (
            ("send", _("To be sent")),
            ("hand_over", _("To be picked up")),
            ("pay", _("Waiting for money")),
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen: dict[str, dict[str, Any]] = {
            "send": {"state": State.ISSUED, "delivery": Reward.Delivery.SHIPPING},
            "hand_over": {"state": State.ISSUED, "delivery": Reward.Delivery.PICK_UP},
            "pay": {"state": State.RESERVED, "reserved_until__gt": timezone.now()},
        }
        return queryset.filter(**chosen.get(self.value() or "", {}))


@admin.register(Redemption)
class RedemptionAdmin(RedemptionSteps, Shipping, ReadOnlyAdmin):
    list_display = (
        "number",
        "reward_name",
        "owner",
        "paid",
        "moment",
        "handing_over",
        "state_badge",
    )
    list_select_related = ("member", "reward", "variant", "store")
    list_filter = (
        TodoFilter,
        ("state", ChoicesDropdownFilter),
        ("reward", RelatedDropdownFilter),
        ("redeemed_at", DaysFilter),
    )
    list_filter_submit = True
    search_fields = ("number",)
    search_help_text = _("Redemption number, or a member's phone or number")
    ordering = ("-redeemed_at", "-id")
    change_form_outer_after_template = "admin/rewards/redemption/vouchers.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "owner", "state_now"),
                    ("reward_name", "quantity", "paid"),
                    ("price_reasons", "offer"),
                    ("redeemed_at", "reserved_until", "store"),
                    ("cancelled_at", "cancel_reason"),
                    "reference",
                )
            },
        ),
        (
            _("Handing over"),
            {
                "fields": (
                    "handing_over",
                    ("carrier", "tracking"),
                    ("fulfilled_at", "fulfiller"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Redemption]:
        related = ("member", "reward", "variant", "offer", "store")
        return super().get_queryset(request).select_related(*related)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Redemption], search_term: str
    ) -> tuple[QuerySet[Redemption], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(number=term.upper())
        if not found.exists():
            members = member_queries.search(term).order_by().values("pk")
            found = queryset.filter(member__in=members)
        return found, False

    def get_fieldsets(self, request: HttpRequest, obj: Redemption | None = None) -> Any:
        """With the address for those who may see it."""
        if self.has_export_permission(request):
            return (*self.fieldsets, (_("Address"), {"fields": ("address_line",)}))
        return self.fieldsets

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("reward"))
    def reward_name(self, found: Redemption) -> str:
        which = f" · {found.variant.name}" if found.variant else ""
        times = f" × {found.quantity}" if found.quantity > 1 else ""
        return f"{found.reward.name}{which}{times}"

    @display(description=_("member"))
    def owner(self, found: Redemption) -> str:
        return str(found.member)

    @display(description=_("points"))
    def paid(self, found: Redemption) -> str:
        cash = f" + ¥{found.cash:,.2f}" if found.cash else ""
        points = f"−{found.points:,}" if found.points else gettext("a present")
        return f"{points}{cash}"

    @display(description=_("fulfilled by"), empty_value="—")
    def fulfiller(self, found: Redemption) -> str:
        by = found.fulfilled_by
        return member_queries.staff_names([by]).get(by, by)

    @display(description=_("price of a piece"), empty_value="—")
    def price_reasons(self, found: Redemption) -> str | None:
        steps = price_words.sentences(found.price_steps)
        return "；".join(f"{words} {points:,}" for words, points in steps) or None

    @display(description=_("redeemed at"))
    def moment(self, found: Redemption) -> str:
        return date_format(timezone.localtime(found.redeemed_at), "DATETIME_FORMAT")

    @display(description=_("how it is handed over"))
    def handing_over(self, found: Redemption) -> str:
        return str(Reward.Delivery(found.delivery).label)

    @display(description=_("address"), empty_value="—")
    def address_line(self, found: Redemption) -> str | None:
        return addresses.line(found.address) or None

    @display(description=_("state"))
    def state_now(self, found: Redemption) -> str:
        return str(State(redemption.state_of(found, timezone.now())).label)

    @display(
        description=_("state"),
        label={
            "reserved": "info",
            "issued": "primary",
            "fulfilled": "success",
            "used": "success",
            "cancelled": "danger",
            "expired": "warning",
        },
    )
    def state_badge(self, found: Redemption) -> tuple[str, str]:
        return found.state, found.get_state_display()
