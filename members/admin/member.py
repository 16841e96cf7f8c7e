from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextInputWidget

from members import enrolment, queries
from members.admin.base import VerbAdmin, VerbForm
from members.admin.current_tiers import CurrentTierFilter, CurrentTierList
from members.admin.transfer import MemberTransfer
from members.models import Member

PROFILE = (("name", "phone"), ("email", "birthday"), ("store", "external_id"), "tags")
MASKED_PROFILE = (("name", "masked"), ("birthday_masked", "store"), "tags")
FACTS = (
    ("number", "tier", "status"),
    ("enrolled_at", "channel", "referral_code"),
    ("referrer", "sign_up_ip", "sign_up_device"),
)


class TierTones(dict[int, str]):
    """The colour of a tier's label by rank, also for tiers that the merchant adds."""

    def __missing__(self, rank: int) -> str:
        return "primary"


class ProfileForm(VerbForm):
    refusal_fields = {"already_enrolled": "phone"}

    class Meta:
        model = Member
        fields = "__all__"
        labels = {"name": capfirst(pgettext_lazy("of a person", "name"))}


class TagsField(SimpleArrayField):
    """Tags with commas between them, Chinese ones too."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace("，", ",").replace("、", ",")
            value = ",".join(filter(None, (each.strip() for each in value.split(","))))
        return super().to_python(value)


class NewMemberForm(ProfileForm):
    referral_code = forms.CharField(
        label=_("Referral code of the member who brought them"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(Member)
class MemberAdmin(MemberTransfer, VerbAdmin):
    form = ProfileForm
    list_display = ("headline", "masked", "number", "tier_badge", "status_badge", "shop", "day")
    list_select_related = ("tier", "store")
    list_filter = (
        ("tier", CurrentTierFilter),
        ("status", ChoicesDropdownFilter),
        ("store", RelatedDropdownFilter),
    )
    list_filter_submit = True
    search_fields = ("number",)
    search_help_text = _("Phone, its last four digits, member number, name or external id")
    ordering = ("-enrolled_at", "-id")
    paginator = InfinitePaginator
    sortable_by = ()
    change_form_outer_before_template = "admin/members/member/overview.html"
    change_form_outer_after_template = "admin/members/member/history.html"
    add_fieldsets = ((None, {"fields": (*PROFILE, "referral_code")}),)

    # ---- lists --------------------------------------------------------------------------------
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CurrentTierList]:
        return CurrentTierList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Member], search_term: str
    ) -> tuple[QuerySet[Member], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=queries.search(search_term).order_by().values("pk")), False

    @display(description=_("member"), header=True)
    def headline(self, member: Member) -> list[str]:
        name = member.display_name
        return [name, member.external_id or "", name[:1]]

    @display(description=_("phone"))
    def masked(self, member: Member) -> str:
        return member.masked_phone or "—"

    @display(description=_("birthday"))
    def birthday_masked(self, member: Member) -> str:
        return f"**-{member.birthday:%m-%d}" if member.birthday else "—"

    @display(description=_("tier"), label=TierTones({0: "", 1: "info", 2: "warning"}))
    def tier_badge(self, member: Member) -> tuple[int, str]:
        return member.tier.rank, member.tier.name

    @display(
        description=_("status"),
        label={"active": "success", "frozen": "warning", "closed": "danger"},
    )
    def status_badge(self, member: Member) -> tuple[str, str]:
        return member.status, member.get_status_display()

    @display(description=_("store"), empty_value="—")
    def shop(self, member: Member) -> str | None:
        return member.store.name if member.store else None

    @display(description=_("enrolled at"))
    def day(self, member: Member) -> str:
        return date_format(timezone.localtime(member.enrolled_at), "DATE_FORMAT")

    # ---- the member's page ----------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        return (
            super()
            .get_queryset(request)
            .select_related("tier", "store", "referrer", "merged_into")
        )

    def has_change_permission(self, request: HttpRequest, obj: Member | None = None) -> bool:
        # A closed member's page is to look at. Whoever was closed while the form was open is refused by the verb.
        is_closed = obj is not None and obj.status == Member.Status.CLOSED
        is_looked_at = is_closed and request.method == "GET"
        return not is_looked_at and bool(super().has_change_permission(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Member | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        may_change = self.has_change_permission(request, obj)
        profile = PROFILE if may_change else MASKED_PROFILE
        facts = FACTS if may_change else FACTS[:2]
        return (
            (_("Profile"), {"fields": profile}),
            (_("Membership"), {"fields": facts, "classes": ["collapse"]}),
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: Member | None = None
    ) -> Sequence[str]:
        if obj is None:
            return ()
        facts = [name for line in FACTS for name in line]
        return (*facts, "masked", "birthday_masked")

    def get_form(self, request: HttpRequest, obj: Member | None = None, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewMemberForm
        return super().get_form(request, obj, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "tags":
            kwargs |= {"form_class": TagsField, "widget": UnfoldAdminTextInputWidget}
            return db_field.formfield(**kwargs)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Member:
        said = {"phone": None, **values, "channel": "console"}
        if store := said.get("store"):
            said["store"] = store.code
        return enrolment.enrol(newcomer=enrolment.Newcomer(**said), at=timezone.now())

    def change(self, request: HttpRequest, row: Member, values: Mapping[str, Any]) -> Member:
        changes = dict(values)
        if store := changes.get("store"):
            changes["store"] = store.code
        return enrolment.change(member=row, changes=changes, at=timezone.now())
