from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from loyalty import expiry, programs, tier_grants, tier_wording
from members.admin.base import VerbAdmin, VerbForm
from members.models import Member, Tier, TierChange


class GrantForm(VerbForm):
    """A tier for a member, through a day or for good; no tier takes away the one that was given."""

    tier = forms.ModelChoiceField(
        label=_("tier"),
        queryset=Tier.objects.order_by("rank"),
        required=False,
        empty_label=_("None: take away the tier given by hand"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("The member does not fall below it; points may lift the member higher."),
    )
    until = forms.DateField(
        label=_("through the day"),
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("Empty: until it is taken away."),
    )
    note = forms.CharField(
        label=_("reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Seen by staff in the history."),
    )

    class Meta:
        model = TierChange
        fields = ("member", "tier")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = str(self.initial.get("member", ""))
        if named.isdecimal() and not Member.objects.filter(
            pk=int(named), tier_floor__isnull=False
        ):
            # Nothing was given to this member that could be taken away.
            field = self.fields["tier"]
            field.required, field.empty_label = True, "---------"  # type: ignore[attr-defined]

    def _to_save(self) -> list[str]:
        return list(self.fields)


@admin.register(TierChange)
class TierChangeAdmin(VerbAdmin):
    """The tier histories, and the way to give a tier by hand; what happened is never changed."""

    form = GrantForm
    list_display = ("owner", "step", "why", "account", "moment", "by")
    list_select_related = ("member", "before", "tier")
    list_filter = (("reason", ChoicesDropdownFilter), ("tier", RelatedDropdownFilter))
    list_filter_submit = True
    ordering = ("-id",)
    sortable_by = ()
    paginator = InfinitePaginator
    autocomplete_fields = ("member",)
    change_form_outer_before_template = "admin/members/tierchange/before.html"
    add_fieldsets = ((None, {"fields": ("member", ("tier", "until"), "note")}),)
    fieldsets = ((None, {"fields": (("owner", "step"), ("why", "account"), ("moment", "by"))}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TierChange]:
        return super().get_queryset(request).select_related("member", "before", "tier")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("owner", "step", "why", "account", "moment", "by") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"member": request.GET.get("member", "")}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        # Opened from a member's page it is for that member.
        if db_field.name == "member" and request.GET.get("member", "").isdecimal():
            field.widget = forms.HiddenInput()
        return field

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context = {"title": _("Give a tier by hand"), **buttons}
        return super().add_view(request, form_url, {**(extra_context or {}), **context})

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> TierChange:
        member, tier, at = values["member"], values["tier"], timezone.now()
        words: dict[str, Any] = {
            "member": member,
            "reason": values["note"],
            "by": request.user.get_username(),
            "at": at,
        }
        if tier is None:
            member = tier_grants.withdraw(**words)
        else:
            until = values["until"]
            zone = programs.current().zone
            end = expiry.end_of_local_day(until, zone) if until else None
            member = tier_grants.give(tier=tier, until=end, **words)
        said = gettext("%(member)s holds the tier %(tier)s now.")
        messages.success(request, said % {"member": member, "tier": member.tier.name})
        return TierChange.objects.filter(member=member).latest("id")

    def response_add(
        self, request: HttpRequest, obj: TierChange, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:members_member_change", args=[obj.member_id]))

    @display(description=_("member"))
    def owner(self, change: TierChange) -> str:
        return str(change.member)

    @display(description=_("tier"))
    def step(self, change: TierChange) -> str:
        before = change.before
        if before is None or before == change.tier:
            return change.tier.name
        return f"{before.name} → {change.tier.name}"

    @display(
        description=_("reason"),
        label={"reached": "success", "not_kept": "warning", "refunded": "danger", "given": "info"},
    )
    def why(self, change: TierChange) -> tuple[str, str]:
        return change.reason, change.get_reason_display()

    @display(description=_("details"))
    def account(self, change: TierChange) -> str:
        return tier_wording.account_for_staff(change) or "—"

    @display(description=_("at"))
    def moment(self, change: TierChange) -> str:
        return date_format(timezone.localtime(change.at), "DATETIME_FORMAT")
