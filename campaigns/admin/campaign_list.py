"""The list of campaigns: where each stands, how much of its budget is used, what it has given."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from campaigns import award_queries, triggers, wording
from campaigns.admin.campaign_form import trigger_choices
from campaigns.award_queries import SoFar
from campaigns.models import Campaign
from campaigns.phases import Phase, phase_of, those_in
from members.admin.base import VerbAdmin

PHASE_LABELS = {
    Phase.DRAFT.value: "",
    Phase.WAITING.value: "warning",
    Phase.SCHEDULED.value: "info",
    Phase.RUNNING.value: "success",
    Phase.PAUSED.value: "warning",
    Phase.ENDED.value: "",
}


class SummedList(ChangeList):
    """A page of campaigns, each with what it has given so far: one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        sums = award_queries.so_far(campaigns=[each.pk for each in self.result_list])
        for campaign in self.result_list:
            campaign.so_far = sums.get(campaign.pk, SoFar(points=0, is_more=False))


class PhaseFilter(DropdownFilter):
    """Where the campaigns stand now."""

    title = _("state")
    parameter_name = "phase"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Phase.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        if self.value() not in Phase.values:
            return queryset
        return those_in(campaigns=queryset, phase=Phase(self.value()), at=timezone.now())


class TriggerFilter(DropdownFilter):
    """What sets them off."""

    title = _("trigger")
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return trigger_choices()[:-1]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        value = self.value()
        return queryset.filter(trigger=value) if value else queryset


class CampaignList(VerbAdmin):
    list_display = (
        "title",
        "phase_badge",
        "set_off_by",
        "window",
        "budget_bar",
        "given",
        "stop",
    )
    list_display_links = ("title",)
    list_select_related = ("budget",)
    list_filter = (PhaseFilter, TriggerFilter)
    list_filter_submit = True
    search_fields = ("name", "code")
    search_help_text = _("A campaign's name or code")
    ordering = ("-id",)
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SummedList

    def get_list_display(self, request: HttpRequest) -> Any:
        names = super().get_list_display(request)
        may_stop = request.user.has_perm("campaigns.activate_campaign")
        return names if may_stop else tuple(name for name in names if name != "stop")

    @display(description=_("campaign"))
    def title(self, campaign: Campaign) -> str:
        return campaign.name

    @display(description=_("state"), label=PHASE_LABELS)
    def phase_badge(self, campaign: Campaign) -> tuple[str, Any]:
        phase = phase_of(campaign, timezone.now())
        return phase.value, phase.label

    @display(description=_("set off by"))
    def set_off_by(self, campaign: Campaign) -> str:
        return trigger_words(campaign.trigger)

    @display(description=_("when"))
    def window(self, campaign: Campaign) -> str:
        return wording.window_words(campaign.starts_at, campaign.ends_at) or gettext("always")

    @display(description=_("budget"), empty_value="—")
    def budget_bar(self, campaign: Campaign) -> SafeString | None:
        return bar(campaign)

    @display(description=_("points it gave"))
    def given(self, campaign: Campaign) -> str:
        found: SoFar = campaign.so_far  # type: ignore[attr-defined]
        return f"{found.points:,}{'+' if found.is_more else ''}".replace("-", "−")

    @display(description="")
    def stop(self, campaign: Campaign) -> SafeString | str:
        if phase_of(campaign, timezone.now()) not in (Phase.RUNNING, Phase.SCHEDULED):
            return ""
        return render_to_string("admin/campaigns/campaign/stop.html", {"campaign": campaign})


def bar(campaign: Campaign) -> SafeString | None:
    """How much of the budget is used; None without a budget."""
    budget = getattr(campaign, "budget", None)
    if budget is None or campaign.limits.get("budget_points") is None:
        return None
    return render_to_string("admin/campaigns/campaign/budget.html", {"budget": budget})


def trigger_words(trigger: str) -> str:
    """A trigger in words, usual events too."""
    usual: Callable[[], str] | None = wording.EVENTS.get(trigger)
    return usual().capitalize() if usual else triggers.label(trigger)
