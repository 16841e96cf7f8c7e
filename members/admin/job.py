from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from members.admin.base import ReadOnlyAdmin
from members.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Work in the background, the latest first; the page of a job shows how far it is by itself."""

    list_display = ("title", "state_badge", "percent", "requested_by", "moment", "problem")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    ordering = ("-id",)
    change_form_outer_before_template = "admin/members/job/progress.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("title", "requested_by", "requested_at"),
                    ("started_at", "finished_at", "attempts"),
                )
            },
        ),
    )
    readonly_fields = ("title", "attempts")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page; one that looked for news of a job that is over loads anew, with all that is known now."""
        shown = super().change_view(request, object_id, form_url, extra_context)
        if getattr(request, "htmx", False):
            over = [Job.State.DONE, Job.State.FAILED]
            if Job.objects.filter(pk=object_id, state__in=over).exists():
                shown["HX-Refresh"] = "true"
        return shown

    @display(description=_("kind"))
    def title(self, job: Job) -> str:
        return str(settings.JOB_TITLES.get(job.kind, job.kind))

    @display(description=_("percent done"))
    def percent(self, job: Job) -> str:
        return f"{job.progress} %"

    @display(description=_("asked at"))
    def moment(self, job: Job) -> str:
        return date_format(timezone.localtime(job.requested_at), "DATETIME_FORMAT")

    @display(
        description=_("state"),
        label={"queued": "", "running": "info", "done": "success", "failed": "danger"},
    )
    def state_badge(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()
