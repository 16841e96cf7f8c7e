from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin
from members.errors import Refusal
from rewards import redemption
from rewards.models import Redemption

CANCELLABLE = (Redemption.State.RESERVED, Redemption.State.ISSUED)


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    list_display = ("number", "reward_name", "owner", "cost", "moment", "state_badge")
    list_select_related = ("member", "reward")
    list_filter = (("state", ChoicesDropdownFilter), ("reward", RelatedDropdownFilter))
    list_filter_submit = True
    search_fields = ("number",)
    search_help_text = _("Redemption number, or a member's phone or number")
    ordering = ("-redeemed_at", "-id")
    actions_detail = ("cancel",)
    change_form_outer_after_template = "admin/rewards/redemption/vouchers.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "owner", "state"),
                    ("reward_name", "quantity", "cost"),
                    ("redeemed_at", "cancelled_at", "store"),
                    "reference",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Redemption]:
        related = ("member", "reward", "store")
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

    # ---- cancelling -----------------------------------------------------------------------------
    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("rewards.change_redemption")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The button of cancelling, as long as there is something to cancel."""
        is_open = Redemption.objects.filter(pk=object_id, state__in=CANCELLABLE).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    @action(
        description=_("Cancel and return the points"),
        permissions=["cancel"],
        icon="undo",
        variant=ActionVariant.DANGER,
    )
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            self._cancel(request, found)
            address = reverse("admin:rewards_redemption_change", args=[found.pk])
            return HttpResponseRedirect(address)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Cancel redemption %(number)s?") % {"number": found.number},
            "redemption": found,
            "is_open": found.state in CANCELLABLE,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/rewards/redemption/cancel.html", context)

    def _cancel(self, request: HttpRequest, found: Redemption) -> None:
        try:
            redemption.cancel(number=found.number, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return
        self.log_change(request, found, gettext("Cancelled; the points were returned."))
        messages.success(
            request,
            gettext("Cancelled: %(points)s points are back with %(member)s.")
            % {"points": f"{found.points:,}", "member": found.member},
        )

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("reward"))
    def reward_name(self, found: Redemption) -> str:
        times = f" × {found.quantity}" if found.quantity > 1 else ""
        return f"{found.reward.name}{times}"

    @display(description=_("member"))
    def owner(self, found: Redemption) -> str:
        return str(found.member)

    @display(description=_("points"))
    def cost(self, found: Redemption) -> str:
        return f"−{found.points:,}"

    @display(description=_("redeemed at"))
    def moment(self, found: Redemption) -> str:
        return f"{timezone.localtime(found.redeemed_at):%Y-%m-%d %H:%M}"

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
