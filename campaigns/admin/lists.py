"""What happened by campaigns, to look at: events, awards, friends brought, signed days, benefits."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from campaigns.admin.campaign_list import trigger_words
from campaigns.models import Act, BenefitGrant, CampaignAward, CheckIn, Conversion
from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin
from members.admin.filters import DaysFilter


def points(number: int) -> str:
    """Points with their sign; a dash for none."""
    return f"{number:+,}".replace("-", "−") if number else "—"


def stamp(moment: Any) -> str:
    """A moment to the minute, on the program's clock."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


class OfMembers(ReadOnlyAdmin):
    """A list that is found by member: phone, its last four digits, number, name, external id."""

    member_fields: tuple[str, ...] = ("member",)
    search_fields = ("member__number",)
    search_help_text = _("A member's phone, its last four digits, number, name or external id")
    date_hierarchy = None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        found = member_queries.search(search_term).order_by().values("pk")
        asked = queryset.none()
        for name in self.member_fields:
            asked = asked | queryset.filter(**{f"{name}__in": found})
        return asked, False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    @display(description=_("member"))
    def owner(self, row: Any) -> str:
        return str(row.member)

    @display(description=_("at"))
    def moment(self, row: Any) -> str:
        return stamp(row.at)

    @display(description=_("points"))
    def signed(self, row: Any) -> str:
        return points(row.points)


@admin.register(Act)
class ActAdmin(OfMembers):
    """What members did other than buying, with why it gave what it gave."""

    list_display = ("what", "moment", "owner", "signed", "source", "reference")
    list_select_related = ("member",)
    list_filter = (("source", ChoicesDropdownFilter), ("at", DaysFilter))
    list_filter_submit = True
    ordering = ("-at", "-id")
    change_form_outer_after_template = "admin/campaigns/act/detail.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("what", "owner", "moment"),
                    ("signed", "status_points", "source"),
                    ("type", "reference", "created_at"),
                )
            },
        ),
    )

    @display(description=_("what happened"))
    def what(self, act: Act) -> str:
        return trigger_words(act.type)


@admin.register(CampaignAward)
class CampaignAwardAdmin(OfMembers):
    """What each campaign gave whom for what: what its limits count."""

    list_display = (
        "what",
        "moment",
        "owner",
        "signed",
        "shown_status",
        "shown_pieces",
        "shown_cut",
        "because",
    )
    list_select_related = ("campaign", "member", "order", "act")
    list_filter = (("campaign", AutocompleteSelectFilter), ("at", DaysFilter))
    list_filter_submit = True
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("what", "version", "owner"),
                    ("signed", "shown_status", "shown_pieces"),
                    ("shown_cut", "because", "moment"),
                    ("day", "created_at"),
                )
            },
        ),
    )

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """A campaign's page opens its awards."""
        return lookup == "campaign__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description=_("campaign"))
    def what(self, award: CampaignAward) -> str:
        return award.campaign.name

    @display(description=_("status points"))
    def shown_status(self, award: CampaignAward) -> str:
        return points(award.status_points)

    @display(description=_("rewards or tickets"))
    def shown_pieces(self, award: CampaignAward) -> str:
        return f"{award.pieces:,}" if award.pieces else "—"

    @display(description=_("cut by limits"))
    def shown_cut(self, award: CampaignAward) -> str:
        return f"{award.cut:,}" if award.cut else "—"

    @display(description=_("for"))
    def because(self, award: CampaignAward) -> str:
        return award.order.number if award.order else trigger_words(award.act.type)  # type: ignore[union-attr]


@admin.register(Conversion)
class ConversionAdmin(OfMembers):
    """Friends who were brought in and bought."""

    member_fields = ("referrer", "referee")
    search_fields = ("referrer__number",)
    list_display = (
        "brought_by",
        "friend",
        "moment",
        "for_referrer",
        "for_referee",
        "state_badge",
        "what",
    )
    list_select_related = ("campaign", "referrer", "referee", "order")
    list_filter = (("campaign", AutocompleteSelectFilter),)
    list_filter_submit = True
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("brought_by", "friend", "moment"),
                    ("for_referrer", "for_referee", "state_badge"),
                    ("active_from", "reversed_at", "bought"),
                    ("what", "version"),
                )
            },
        ),
    )

    @display(description=_("referrer"))
    def brought_by(self, row: Conversion) -> str:
        return str(row.referrer)

    @display(description=_("referee"))
    def friend(self, row: Conversion) -> str:
        return str(row.referee)

    @display(description=_("points of the referrer"))
    def for_referrer(self, row: Conversion) -> str:
        return points(row.referrer_points)

    @display(description=_("points of the referee"))
    def for_referee(self, row: Conversion) -> str:
        return points(row.referee_points)

    @display(description=_("order"))
    def bought(self, row: Conversion) -> str:
        return row.order.number

    @display(description=_("campaign"))
    def what(self, row: Conversion) -> str:
        return row.campaign.name

    @display(
        description=_("state"), label={"active": "success", "pending": "info", "back": "danger"}
    )
    def state_badge(self, row: Conversion) -> tuple[str, Any]:
        if row.reversed_at is not None:
            return "back", _("Taken back")
        if row.active_from > timezone.now():
            return "pending", _("Pending")
        return "active", _("Paid")


@admin.register(CheckIn)
class CheckInAdmin(OfMembers):
    """Signed days."""

    list_display = ("day", "owner", "streak", "signed", "is_made_up", "moment")
    list_select_related = ("member",)
    list_filter = ("is_made_up",)
    list_filter_submit = True
    ordering = ("-day", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("day", "owner", "moment"),
                    ("streak", "signed", "is_made_up"),
                    "created_at",
                )
            },
        ),
    )


@admin.register(BenefitGrant)
class BenefitGrantAdmin(OfMembers):
    """What tiers gave by themselves, once per period."""

    list_display = ("name", "owner", "tier", "period", "signed", "gift", "moment")
    list_select_related = ("member", "tier", "redemption")
    list_filter = ("tier",)
    list_filter_submit = True
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "tier", "owner"),
                    ("period", "signed", "gift"),
                    ("moment", "created_at"),
                )
            },
        ),
    )

    @display(description=_("benefit"))
    def name(self, row: BenefitGrant) -> str:
        """As the tier calls it now; its code when it is gone."""
        names = {each.get("code"): each.get("name") for each in row.tier.benefits}
        return names.get(row.benefit) or row.benefit

    @display(description=_("redemption"), empty_value="—")
    def gift(self, row: BenefitGrant) -> str | None:
        return row.redemption.number if row.redemption else None


READ_ONLY: tuple[type[Model], ...] = (Act, CampaignAward, Conversion, CheckIn, BenefitGrant)
