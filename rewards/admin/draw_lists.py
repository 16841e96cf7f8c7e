"""Rounds of draws and the goes at them, to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin
from rewards.models import DrawPlay, DrawRound


def stamp(moment: Any) -> str:
    """A moment to the minute, on the program's clock."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


@admin.register(DrawRound)
class DrawRoundAdmin(ReadOnlyAdmin):
    """Every round; the seed of an open one is shown to nobody."""

    list_display = ("code", "tickets", "opened", "closes", "state_badge")
    list_select_related = ("draw",)
    list_filter = (("draw", RelatedDropdownFilter),)
    list_filter_submit = True
    search_fields = ("code",)
    ordering = ("-opened_at", "-id")
    change_form_outer_after_template = "admin/rewards/draw/round.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("code", "draw", "tickets"),
                    ("opened_at", "closes_at", "closed_at"),
                    "published_hash",
                    "published_seed",
                )
            },
        ),
    )
    readonly_fields = ("published_hash", "published_seed")

    @display(description=_("opened at"))
    def opened(self, row: DrawRound) -> str:
        return stamp(row.opened_at)

    @display(description=_("closes at"))
    def closes(self, row: DrawRound) -> str:
        moment = row.closed_at or row.closes_at
        return stamp(moment) if moment else "—"

    @display(description=_("state"), label={"open": "success", "closed": "info"})
    def state_badge(self, row: DrawRound) -> tuple[str, Any]:
        if row.closed_at is None:
            return "open", pgettext_lazy("draw round", "Open")
        return "closed", pgettext_lazy("draw round", "Closed")

    @display(description=_("SHA-256 of the seed"))
    def published_hash(self, row: DrawRound) -> str:
        return row.seed_hash

    @display(description=_("Seed"))
    def published_seed(self, row: DrawRound) -> Any:
        return row.seed if row.closed_at else _("secret until the round closes")


@admin.register(DrawPlay)
class DrawPlayAdmin(ReadOnlyAdmin):
    """Every go; members are masked: who won what is for the member."""

    list_display = ("ticket", "moment", "who", "paid", "prize", "won")
    list_select_related = ("round", "member", "prize", "redemption")
    list_filter = (("round__draw", RelatedDropdownFilter),)
    list_filter_submit = True
    search_fields = ("member_number",)
    search_help_text = _("Round id, or a member's phone or number")
    ordering = ("-drawn_at", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("ticket", "moment", "who"),
                    ("paid", "prize", "won"),
                    "reference",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[DrawPlay]:
        related = ("round__draw", "member", "prize", "redemption")
        return super().get_queryset(request).select_related(*related)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DrawPlay], search_term: str
    ) -> tuple[QuerySet[DrawPlay], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(round__code=term)
        if not found.exists():
            members = member_queries.search(term).order_by().values("pk")
            found = queryset.filter(member__in=members)
        return found, False

    @display(description=_("ticket"))
    def ticket(self, play: DrawPlay) -> str:
        return f"{play.round.code} · {play.number:,}"

    @display(description=_("drawn at"))
    def moment(self, play: DrawPlay) -> str:
        return stamp(play.drawn_at)

    @display(description=_("member"))
    def who(self, play: DrawPlay) -> str:
        return f"{play.member.masked_name} · {play.member_number[-4:]}"

    @display(description=_("paid with"))
    def paid(self, play: DrawPlay) -> str:
        return f"−{play.points:,}" if play.points else str(_("a ticket"))

    @display(description=_("redemption"), empty_value="—")
    def won(self, play: DrawPlay) -> str | None:
        return play.redemption.number if play.redemption else None
