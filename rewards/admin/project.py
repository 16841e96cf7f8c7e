"""Donation projects with what they raised, in all and by day."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from loyalty import programs
from loyalty.admin import charts
from members.admin.base import VerbAdmin, VerbForm
from rewards import project_queries, projects
from rewards.models import DonationProject, Reward
from rewards.project_queries import Totals

DAYS = 30


class ProjectForm(VerbForm):
    class Meta:
        model = DonationProject
        fields = (
            "code",
            "name",
            "summary",
            "story",
            "art",
            "goal_points",
            "starts_at",
            "ends_at",
            "active",
        )
        widgets = {"art": UnfoldAdminSelectWidget(choices=Reward.Art.choices)}
        help_texts = {
            "code": _("Stands on each donation and in the address of the project's page."),
            "goal_points": _("Empty: a project without a goal."),
        }


class RaisedList(ChangeList):
    """A page of projects with what each raised, in one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        found = project_queries.totals(self.result_list)
        for row in self.result_list:
            row.totals = found[row.pk]


@admin.register(DonationProject)
class DonationProjectAdmin(VerbAdmin):
    form = ProjectForm
    list_display = ("name", "code", "raised", "share", "donors", "window", "state_badge")
    search_fields = ("name", "code")
    ordering = ("-id",)
    sortable_by = ()
    fixed_fields = ("code",)
    change_form_outer_before_template = "admin/rewards/donationproject/page.html"
    fieldsets = (
        (None, {"fields": (("name", "code"), "summary", "story", "art")}),
        (
            _("Goal and time"),
            {"fields": ("goal_points", ("starts_at", "ends_at"), "active")},
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RaisedList

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> DonationProject:
        return projects.create(changes=values)

    def change(
        self, request: HttpRequest, row: DonationProject, values: Mapping[str, Any]
    ) -> DonationProject:
        return projects.change(project=row, changes=values)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id) if object_id else None
        below = _figures_of(row, timezone.now()) if row is not None else {}
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **below}
        )

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> forms.Field:
        field: forms.Field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "goal_points":
            field.localize = False
        return field

    @display(description=pgettext_lazy("project", "raised"))
    def raised(self, row: DonationProject) -> str:
        return f"{self._totals(row).points:,}"

    @display(description=_("of the goal"))
    def share(self, row: DonationProject) -> str:
        share = self._totals(row).share_of(row.goal_points)
        return "—" if share is None else f"{share:.1%}"

    @display(description=_("donors"))
    def donors(self, row: DonationProject) -> str:
        return f"{self._totals(row).donors:,}"

    @display(description=pgettext_lazy("project", "when"))
    def window(self, row: DonationProject) -> str:
        ends = [
            date_format(timezone.localtime(end), "DATE_FORMAT") if end else ""
            for end in (row.starts_at, row.ends_at)
        ]
        return " – ".join(ends) if any(ends) else "—"

    @display(
        description=_("state"),
        label={"open": "success", "coming": "info", "over": "", "off": "warning"},
    )
    def state_badge(self, row: DonationProject) -> tuple[str, str]:
        at = timezone.now()
        if not row.active:
            return "off", gettext("Switched off")
        if project_queries.is_open(row, at):
            return "open", gettext("Takes donations")
        is_coming = row.starts_at is not None and at < row.starts_at
        return (
            ("coming", gettext("To come")) if is_coming else ("over", pgettext("project", "Over"))
        )

    @staticmethod
    def _totals(row: DonationProject) -> Totals:
        totals: Totals = getattr(row, "totals", Totals())
        return totals


def _figures_of(row: DonationProject, at: datetime) -> dict[str, Any]:
    """What it raised, and the picture of the last days."""
    zone = programs.current().zone
    first = at.astimezone(zone).date() - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time.min, zone)
    by_day: dict[date, int] = dict(
        project_queries.points_by_day(project=row, since=since, zone=zone)
    )
    days = [first + timedelta(days=number) for number in range(DAYS)]
    totals = project_queries.totals([row])[row.pk]
    return {
        "project": row,
        "totals": totals,
        "share": totals.share_of(row.goal_points),
        "percent": f"{(totals.share_of(row.goal_points) or 0):.1%}",
        "public_page": reverse("rewards:project", args=[row.code]),
        "chart": charts.bars(
            labels=[f"{day:%m-%d}" for day in days],
            series={pgettext("donation", "Points given"): [by_day.get(day, 0) for day in days]},
        )
        if by_day
        else None,
    }
