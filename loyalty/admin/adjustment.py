from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from loyalty import adjustments, queries
from loyalty.models import Adjustment
from members.admin.base import VerbAdmin, VerbForm


class AdjustmentForm(VerbForm):
    refusal_fields = {"insufficient_points": "points", "in_debt": "points"}

    class Meta:
        model = Adjustment
        fields = ("member", "points", "reason", "message", "note", "reference")
        widgets = {"reference": forms.HiddenInput}
        help_texts = {
            "points": _("Above 0 gives points, below 0 takes some."),
            "message": _("Shown to the member in the history of points."),
            "note": _("Seen by staff only."),
        }

    def _to_save(self) -> list[str]:
        return list(self.fields)


@admin.register(Adjustment)
class AdjustmentAdmin(VerbAdmin):
    """Points given or taken by hand. What is posted stays; a mistake is put right by another one."""

    form = AdjustmentForm
    list_display = (
        "owner",
        "signed",
        "reason",
        "message",
        "requested_by",
        "moment",
        "state_badge",
    )
    list_select_related = ("member",)
    list_filter = (("reason", ChoicesDropdownFilter),)
    list_filter_submit = True
    ordering = ("-id",)
    sortable_by = ()
    autocomplete_fields = ("member",)
    change_form_outer_before_template = "admin/loyalty/adjustment/before.html"
    add_fieldsets = (
        (None, {"fields": ("member", ("points", "reason"), "message", "note", "reference")}),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("owner", "signed", "reason"),
                    ("message", "note"),
                    ("requested_by", "at", "state"),
                    "reference",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Adjustment]:
        return super().get_queryset(request).select_related("member")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # Made once with the form: sent twice by a double click, it is still one adjustment.
        return {
            "member": request.GET.get("member", ""),
            "reference": f"console-{uuid4().hex}",
        }

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        # Opened from a member's page it is for that member.
        is_known = db_field.name == "member" and request.GET.get("member", "").isdecimal()
        if is_known or db_field.name == "reference":
            field.widget = forms.HiddenInput()
        return field

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        # Afterwards the member's page shows what it did.
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context = {**(extra_context or {}), **buttons}
        return super().add_view(request, form_url, context)

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Adjustment:
        at = timezone.now()
        member = values["member"]
        before = queries.figures(member=member, at=at)
        adjusted = adjustments.adjust(
            facts=adjustments.AdjustmentFacts(
                member=member.number,
                points=values["points"],
                reason=values["reason"],
                reference=values["reference"],
                note=values["note"],
                message=values["message"],
            ),
            requested_by=request.user.get_username(),
            at=at,
        )
        after = queries.figures(member=member, at=at)
        if adjusted.is_new:
            said = gettext("Adjusted the points of %(member)s: %(before)s → %(after)s.")
        else:
            said = gettext(
                "This adjustment of %(member)s was posted already; the balance is %(after)s."
            )
        words = {
            "member": member,
            "before": f"{before.active - before.debt:,}",
            "after": f"{after.active - after.debt:,}",
        }
        messages.success(request, said % words)
        return adjusted.adjustment

    def response_add(
        self, request: HttpRequest, obj: Adjustment, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:members_member_change", args=[obj.member_id]))

    @display(description=_("member"))
    def owner(self, adjustment: Adjustment) -> str:
        return str(adjustment.member)

    @display(description=_("points"))
    def signed(self, adjustment: Adjustment) -> str:
        return f"{adjustment.points:+,}".replace("-", "−")

    @display(description=_("at"))
    def moment(self, adjustment: Adjustment) -> str:
        return f"{timezone.localtime(adjustment.at):%Y-%m-%d %H:%M}"

    @display(
        description=_("state"),
        label={"posted": "success", "awaiting_approval": "warning", "rejected": "danger"},
    )
    def state_badge(self, adjustment: Adjustment) -> tuple[str, str]:
        return adjustment.state, adjustment.get_state_display()
