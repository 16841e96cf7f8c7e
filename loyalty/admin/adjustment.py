from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from django import forms
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
from unfold.enums import ActionVariant

from loyalty import adjustments, queries
from loyalty.models import Adjustment
from members.admin.base import VerbAdmin, VerbForm
from members.errors import Refusal

Decide = Callable[..., Adjustment]


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
    """Points given or taken by hand. What is posted stays; a mistake is put right by another one.

    What is above the program's threshold waits here for a second person.
    """

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
    list_filter = (("state", ChoicesDropdownFilter), ("reason", ChoicesDropdownFilter))
    list_filter_submit = True
    ordering = ("-id",)
    sortable_by = ()
    autocomplete_fields = ("member",)
    change_form_outer_before_template = "admin/loyalty/adjustment/before.html"
    actions_detail = ("approve", "reject")
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
                    ("decided_by", "decided_at", "reference"),
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
        if adjusted.adjustment.state == Adjustment.State.AWAITING_APPROVAL:
            said = gettext(
                "This adjustment of %(member)s waits for a second person; the balance stays %(after)s."
            )
        elif adjusted.is_new:
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

    # ---- the second person ----------------------------------------------------------------------
    def has_approve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("loyalty.approve_adjustment")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The two buttons, for whoever may decide about this one."""
        to_decide = queries.adjustments_to_decide(by=request.user.get_username())
        is_open = to_decide.filter(pk=object_id).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    @action(description=_("Approve"), permissions=["approve"], icon="check")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, adjustments.approve, "approve")

    @action(
        description=_("Reject"),
        permissions=["approve"],
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, adjustments.reject, "reject")

    def _decide(
        self, request: HttpRequest, object_id: str, decide: Decide, verb: str
    ) -> HttpResponse:
        found = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            self._call(request, found, decide)
            address = reverse("admin:loyalty_adjustment_change", args=[found.pk])
            return HttpResponseRedirect(address)
        figures = queries.figures(member=found.member, at=timezone.now())
        titles = {"approve": _("Approve this adjustment?"), "reject": _("Reject this adjustment?")}
        context = {
            **self.admin_site.each_context(request),
            "title": titles[verb],
            "opts": self.opts,
            "adjustment": found,
            "points": self.signed(found),
            "verb": verb,
            "is_open": found.state == Adjustment.State.AWAITING_APPROVAL,
            "is_own": found.requested_by == request.user.get_username(),
            "before": figures.active - figures.debt,
            "after": figures.active - figures.debt + found.points,
        }
        return TemplateResponse(request, "admin/loyalty/adjustment/decide.html", context)

    def _call(self, request: HttpRequest, found: Adjustment, decide: Decide) -> None:
        by = request.user.get_username()
        try:
            decided = decide(adjustment=found.pk, by=by, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return
        words = {"points": self.signed(decided), "member": decided.member}
        if decided.state == Adjustment.State.POSTED:
            said = gettext("Approved: %(points)s points for %(member)s are posted.") % words
        else:
            said = gettext("Rejected: %(points)s points for %(member)s were not posted.") % words
        # Without the name: it would stay when the member is anonymised.
        self.log_change(request, decided, decided.get_state_display())
        messages.success(request, said)

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("member"))
    def owner(self, adjustment: Adjustment) -> str:
        return str(adjustment.member)

    @display(description=_("points"))
    def signed(self, adjustment: Adjustment) -> str:
        return f"{adjustment.points:+,}".replace("-", "−")

    @display(description=_("at"))
    def moment(self, adjustment: Adjustment) -> str:
        return date_format(timezone.localtime(adjustment.at), "DATETIME_FORMAT")

    @display(
        description=_("state"),
        label={"posted": "success", "awaiting_approval": "warning", "rejected": "danger"},
    )
    def state_badge(self, adjustment: Adjustment) -> tuple[str, str]:
        return adjustment.state, adjustment.get_state_display()
