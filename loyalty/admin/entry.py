from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from loyalty import wording
from loyalty.admin.balances import BalanceTransfer
from loyalty.models import Entry
from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin


@admin.register(Entry)
class EntryAdmin(BalanceTransfer, ReadOnlyAdmin):
    """The ledger, latest posting first. Both wallets: points and status. Opening balances are imported here."""

    list_display = (
        "title",
        "moment",
        "owner",
        "wallet_name",
        "kind_badge",
        "signed",
        "shown_balance",
    )
    list_select_related = ("wallet__member", "wallet__point_type")
    list_filter = (("kind", ChoicesDropdownFilter), ("store", RelatedDropdownFilter))
    list_filter_submit = True
    search_fields = ("reference",)
    search_help_text = _("A member's phone, its last four digits, number, name or external id")
    ordering = ("-id",)
    change_form_outer_after_template = "admin/loyalty/entry/detail.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("title", "kind", "owner"),
                    ("signed", "shown_balance", "wallet_name"),
                    ("at", "created_at", "sequence"),
                    "reference",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        related = ("wallet__member", "wallet__point_type")
        return super().get_queryset(request).select_related(*related)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Entry], search_term: str
    ) -> tuple[QuerySet[Entry], bool]:
        if not search_term.strip():
            return queryset, False
        members = member_queries.search(search_term).order_by().values("pk")
        return queryset.filter(wallet__member__in=members), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """The books open the entries behind a number by point type too."""
        if lookup == "wallet__point_type":
            return True
        return super().lookup_allowed(lookup, value, request)

    @display(description=_("what happened"))
    def title(self, entry: Entry) -> str:
        return wording.entry_title(entry)

    @display(description=_("at"))
    def moment(self, entry: Entry) -> str:
        return date_format(timezone.localtime(entry.at), "DATETIME_FORMAT")

    @display(description=_("member"))
    def owner(self, entry: Entry) -> str:
        return str(entry.wallet.member)

    @display(description=_("point type"))
    def wallet_name(self, entry: Entry) -> str:
        return str(entry.wallet.point_type)

    @display(
        description=_("kind"),
        label={
            "earn": "success",
            "return": "info",
            "redeem": "warning",
            "reverse": "danger",
            "expire": "danger",
            "adjust": "primary",
            "merge": "primary",
            "transfer_in": "info",
            "transfer_out": "warning",
            "fee": "warning",
            "donate": "warning",
            "buy_back": "warning",
        },
    )
    def kind_badge(self, entry: Entry) -> tuple[str, str]:
        return entry.kind, entry.get_kind_display()

    @display(description=_("points"))
    def signed(self, entry: Entry) -> str:
        return f"{entry.points:+,}".replace("-", "−")

    @display(description=_("balance"))
    def shown_balance(self, entry: Entry) -> str:
        return f"{entry.balance:,}"
