"""Points given to another member, donated, or bought back: lists, and forms opened from a member's page."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from loyalty import buy_backs, donations, programs, transfers
from loyalty.buy_backs import BuyBackRequest
from loyalty.donations import DonationRequest
from loyalty.models import BuyBack, Donation, Transfer
from loyalty.transfers import TransferRequest
from members import queries as member_queries
from members.admin.base import VerbAdmin, VerbForm
from members.admin.filters import DaysFilter
from members.errors import Refusal

POINTS = {"insufficient_points": "points", "in_debt": "points", "limit_reached": "points"}
GIVER = {"wallet_frozen": "member", "member_closed": "member"}


class TransferForm(VerbForm):
    refusal_fields = POINTS

    class Meta:
        model = Transfer
        fields = ("sender", "receiver", "points", "message", "reference")
        widgets = {"reference": forms.HiddenInput}
        help_texts = {"message": _("Read by both members in the history of points.")}

    def field_of_refusal(self, refusal: Refusal) -> str | None:
        said = refusal.data
        if "side" in said:
            return "receiver" if said["side"] == "to" else "sender"
        reasons = {"self": "receiver", "minimum": "points"}
        return reasons.get(said.get("reason", "")) or super().field_of_refusal(refusal)

    def _to_save(self) -> list[str]:
        return list(self.fields)


class DonationForm(VerbForm):
    refusal_fields = POINTS | GIVER | {"not_on_sale": "project"}

    class Meta:
        model = Donation
        fields = ("member", "points", "project", "reference")
        widgets = {"reference": forms.HiddenInput}


class BuyBackForm(VerbForm):
    refusal_fields = POINTS | GIVER

    class Meta:
        model = BuyBack
        fields = ("member", "points", "reference")
        widgets = {"reference": forms.HiddenInput}
        help_texts = {"points": _("Paid out at the money value of a point as the program has it.")}


class GivingAdmin(VerbAdmin):
    """What these lists have in common: newest first, never changed, found by member or reference."""

    giver: ClassVar[str] = "member"
    people: ClassVar[tuple[str, ...]] = ("member",)
    paginator = InfinitePaginator
    ordering = ("-id",)
    sortable_by = ()
    list_filter = (("at", DaysFilter),)
    list_filter_submit = True
    search_fields = ("reference",)
    search_help_text = _("Reference, or a member's phone or number")
    change_form_outer_before_template = "admin/loyalty/giving/before.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.people)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        members = member_queries.search(term).order_by().values("pk")
        wanted = Q(reference=term)
        for field in self.people:
            wanted |= Q(**{f"{field}__in": members})
        return queryset.filter(wanted), False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # Made once with the form: sent twice by a double click, it still happens once.
        reference = f"console-{uuid4().hex}"
        return {self.giver: request.GET.get("member", ""), "reference": reference}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        # Opened from a member's page it is for that member.
        is_known = db_field.name == self.giver and request.GET.get("member", "").isdecimal()
        if is_known or db_field.name == "reference":
            field.widget = forms.HiddenInput()
        return field

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        # Afterwards the member's page shows what it did.
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **buttons})

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        member = getattr(obj, f"{self.giver}_id")
        return HttpResponseRedirect(reverse("admin:members_member_change", args=[member]))

    @display(description=_("member"))
    def owner(self, row: Any) -> str:
        return str(row.member)

    @display(description=_("points"))
    def amount(self, row: Any) -> str:
        return f"{row.points:,}"

    @display(description=_("at"))
    def moment(self, row: Any) -> str:
        return date_format(timezone.localtime(row.at), "DATETIME_FORMAT")


@admin.register(Transfer)
class TransferAdmin(GivingAdmin):
    """Points that members gave to each other."""

    form = TransferForm
    giver = "sender"
    people = ("sender", "receiver")
    list_display = ("from_whom", "to_whom", "amount", "fee_paid", "message", "moment")
    list_select_related = people
    autocomplete_fields = people
    add_fieldsets = (
        (None, {"fields": ("sender", ("receiver", "points"), "message", "reference")}),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("from_whom", "to_whom"),
                    ("amount", "fee_paid", "at"),
                    ("message", "reference"),
                )
            },
        ),
    )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        fee = transfers.rules_of(programs.current()).fee
        return super().add_view(request, form_url, {**(extra_context or {}), "giving_fee": fee})

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Transfer:
        asked = TransferRequest(
            sender=values["sender"].number,
            receiver=values["receiver"].number,
            points=values["points"],
            reference=values["reference"],
            message=values["message"],
        )
        made = transfers.transfer(request=asked, at=timezone.now()).transfer
        said = gettext("%(points)s points went from %(sender)s to %(receiver)s.") % {
            "points": f"{made.points:,}",
            "sender": made.sender,
            "receiver": made.receiver,
        }
        messages.success(request, said)
        return made

    @display(description=_("sender"))
    def from_whom(self, row: Transfer) -> str:
        return str(row.sender)

    @display(description=_("receiver"))
    def to_whom(self, row: Transfer) -> str:
        return str(row.receiver)

    @display(description=_("fee"))
    def fee_paid(self, row: Transfer) -> str:
        return f"{row.fee:,}" if row.fee else "—"


@admin.register(Donation)
class DonationAdmin(GivingAdmin):
    """Points that members gave to projects."""

    form = DonationForm
    list_display = ("owner", "amount", "project", "moment")
    list_select_related = ("member",)
    autocomplete_fields = ("member",)
    add_fieldsets = ((None, {"fields": ("member", ("points", "project"), "reference")}),)
    fieldsets = ((None, {"fields": (("owner", "amount", "project"), ("at", "reference"))}),)

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Donation:
        asked = DonationRequest(
            member=values["member"].number,
            points=values["points"],
            project=values["project"],
            reference=values["reference"],
        )
        made = donations.donate(request=asked, at=timezone.now()).donation
        said = gettext("%(member)s donated %(points)s points to %(project)s.") % {
            "member": made.member,
            "points": f"{made.points:,}",
            "project": made.project,
        }
        messages.success(request, said)
        return made


@admin.register(BuyBack)
class BuyBackAdmin(GivingAdmin):
    """Points that were taken back for money."""

    form = BuyBackForm
    list_display = ("owner", "amount", "money", "moment")
    list_select_related = ("member",)
    autocomplete_fields = ("member",)
    add_fieldsets = ((None, {"fields": ("member", "points", "reference")}),)
    fieldsets = ((None, {"fields": (("owner", "amount", "money"), ("at", "reference"))}),)

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> BuyBack:
        asked = BuyBackRequest(
            member=values["member"].number,
            points=values["points"],
            reference=values["reference"],
        )
        made = buy_backs.buy_back(request=asked, at=timezone.now()).buy_back
        said = gettext("Bought back %(points)s points of %(member)s for ¥%(value)s.") % {
            "points": f"{made.points:,}",
            "member": made.member,
            "value": f"{made.value:.2f}",
        }
        messages.success(request, said)
        return made

    @display(description=_("value"))
    def money(self, row: BuyBack) -> str:
        return f"¥{row.value:,.2f}"
