from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from loyalty import holds, queries
from loyalty.models import Hold
from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin
from members.admin.filters import DaysFilter
from members.errors import Refusal


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Points set aside at a checkout, the latest first; an open one can be let go by hand."""

    list_display = ("headline", "owner", "held", "captured", "moment", "ends", "state_badge")
    list_select_related = ("wallet__member",)
    list_filter = (("state", ChoicesDropdownFilter), ("at", DaysFilter))
    list_filter_submit = True
    search_fields = ("reference",)
    search_help_text = _("Reference of the hold, or a member's phone or number")
    ordering = ("-id",)
    actions_detail = ("release",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("owner", "state_now", "order"),
                    ("held", "captured"),
                    ("at", "expires_at", "closed_at"),
                    ("reference", "purpose"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hold]:
        return super().get_queryset(request).select_related("wallet__member", "order")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Hold], search_term: str
    ) -> tuple[QuerySet[Hold], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(reference=term)
        if not found.exists():
            members = member_queries.search(term).order_by().values("pk")
            found = queryset.filter(wallet__member__in=members)
        return found, False

    # ---- letting go -----------------------------------------------------------------------------
    def has_release_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("loyalty.change_hold")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The button of releasing, as long as the hold is open."""
        at = timezone.now()
        open_ones = Hold.objects.filter(state=Hold.State.HELD, expires_at__gt=at, purpose="")
        is_open = open_ones.filter(pk=object_id).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    @action(description=_("Release the points"), permissions=["release"], icon="lock_open")
    def release(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            self._release(request, found)
            return HttpResponseRedirect(reverse("admin:loyalty_hold_change", args=[found.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Release the held points?"),
            "hold": found,
            "member": found.wallet.member,
            "is_open": queries.hold_state(found, timezone.now()) == Hold.State.HELD,
            "state": self.state_now(found),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/loyalty/hold/release.html", context)

    def _release(self, request: HttpRequest, found: Hold) -> None:
        try:
            holds.release(hold=found.pk, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return
        self.log_change(request, found, gettext("Released; the points are free again."))
        messages.success(
            request,
            gettext("Released: %(points)s points are free again for %(member)s.")
            % {"points": f"{found.points:,}", "member": found.wallet.member},
        )

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("reference"))
    def headline(self, hold: Hold) -> str:
        return hold.reference

    @display(description=_("member"))
    def owner(self, hold: Hold) -> str:
        return str(hold.wallet.member)

    @display(description=_("points"))
    def held(self, hold: Hold) -> str:
        return f"{hold.points:,}"

    @display(description=_("captured"))
    def captured(self, hold: Hold) -> str:
        return f"{hold.captured_points:,}" if hold.captured_points else "—"

    @display(description=_("at"))
    def moment(self, hold: Hold) -> str:
        return date_format(timezone.localtime(hold.at), "DATETIME_FORMAT")

    @display(description=_("times out at"))
    def ends(self, hold: Hold) -> str:
        return date_format(timezone.localtime(hold.expires_at), "DATETIME_FORMAT")

    @display(description=_("state"))
    def state_now(self, hold: Hold) -> str:
        return self.state_badge(hold)[1]

    @display(
        description=_("state"),
        label={"held": "info", "captured": "success", "released": "", "expired": "warning"},
    )
    def state_badge(self, hold: Hold) -> tuple[str, str]:
        state = queries.hold_state(hold, timezone.now())
        return state, str(Hold.State(state).label)
