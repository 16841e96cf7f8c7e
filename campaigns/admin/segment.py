from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from campaigns import segment_rules, segmenting, segments
from campaigns.admin.rule_rows import RulesField, RulesWidget
from campaigns.models import Segment
from campaigns.segments import Saved
from members.admin.base import VerbAdmin
from members.errors import InvalidInput

SHOWN = 100


@admin.register(Segment)
class SegmentAdmin(VerbAdmin):
    """Sets of members by rules; the rules are rows of a form."""

    list_display = ("name", "code", "members_in_it", "moment", "group", "position")
    ordering = ("group", "position", "id")
    sortable_by = ()
    fixed_fields = ("code",)
    change_form_outer_before_template = "admin/campaigns/segment/before.html"
    actions_detail = ("people",)
    fieldsets = (
        (None, {"fields": (("name", "code"), "description")}),
        (_("Rules"), {"fields": ("rules",)}),
        (
            _("Group"),
            {
                "fields": (("group", "position"),),
                "description": _(
                    "Of the segments of one group a member is in one alone: the first by position that applies. "
                    "Leave it empty if it does not matter what else a member is in."
                ),
                "classes": ["collapse"],
            },
        ),
    )

    class Media:
        js = ("console/segments.js",)

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview)
        refresh = self.admin_site.admin_view(self.refresh)
        ours = [
            path("preview/", preview, name="campaigns_segment_preview"),
            path("<int:key>/refresh/", refresh, name="campaigns_segment_refresh"),
        ]
        return [*ours, *super().get_urls()]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "rules":
            return RulesField(label=capfirst(db_field.verbose_name), widget=RulesWidget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    # ---- verbs ----------------------------------------------------------------------------------
    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Segment:
        by = request.user.get_username()
        try:
            saved = segments.create(changes=values, by=by, at=timezone.now())
        except InvalidInput as problem:
            raise _numbered(problem) from None
        return self._told(request, saved)

    def change(self, request: HttpRequest, row: Segment, values: Mapping[str, Any]) -> Segment:
        by = request.user.get_username()
        try:
            saved = segments.change(segment=row, changes=values, by=by, at=timezone.now())
        except InvalidInput as problem:
            raise _numbered(problem) from None
        return self._told(request, saved)

    def _told(self, request: HttpRequest, saved: Saved) -> Segment:
        """Say where to see how far the refresh is, if a worker does it."""
        if saved.job is not None:
            address = reverse("admin:members_job_change", args=[saved.job.pk])
            said = gettext("Its members are being found in the background.")
            link = format_html(
                '{} <a class="j-link" href="{}">{}</a>', said, address, gettext("Follow")
            )
            messages.info(request, link)
        return saved.segment

    def preview(self, request: HttpRequest) -> HttpResponse:
        """How many members the rules of a form apply to; nothing is saved."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {**self.admin_site.each_context(request), "model_admin": self}
        context |= {"title": gettext("Members of the segment"), **_counted(request)}
        is_part = "HX-Request" in request.headers
        name = "_preview.html" if is_part else "preview.html"
        return TemplateResponse(request, f"admin/campaigns/segment/{name}", context)

    def has_people_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perms(["campaigns.view_segment", "members.view_member"])

    def refresh(self, request: HttpRequest, key: int) -> HttpResponse:
        """Find out anew who is in a segment."""
        segment = get_object_or_404(Segment, pk=key)
        if request.method != "POST" or not self.has_change_permission(request, segment):
            raise PermissionDenied
        by = request.user.get_username()
        saved = segments.refresh(segment=segment, by=by, at=timezone.now())
        if saved.job is not None:
            return HttpResponseRedirect(reverse("admin:members_job_change", args=[saved.job.pk]))
        said = gettext("Refreshed: %(size)s members.") % {"size": f"{saved.segment.size or 0:,}"}
        messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:campaigns_segment_change", args=[segment.pk]))

    @action(description=_("Show the members"), permissions=["people"], icon="group")
    def people(self, request: HttpRequest, object_id: str) -> HttpResponse:
        segment = get_object_or_404(Segment, pk=object_id)
        after = request.GET.get("after", "")
        found = segmenting.members_of(segment=segment, at=timezone.now()).with_names()  # type: ignore[attr-defined]
        if after.isdecimal() and len(after) < 19:
            found = found.filter(pk__gt=int(after))
        rows = list(found.order_by("pk")[: SHOWN + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": segment.name,
            "model_admin": self,
            "segment": segment,
            "members": rows[:SHOWN],
            "following": rows[SHOWN - 1].pk if len(rows) > SHOWN else None,
        }
        return TemplateResponse(request, "admin/campaigns/segment/people.html", context)

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("members"))
    def members_in_it(self, segment: Segment) -> str:
        return "—" if segment.size is None else f"{segment.size:,}"

    @display(description=_("refreshed at"))
    def moment(self, segment: Segment) -> str:
        at = segment.refreshed_at
        return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else "—"


def _counted(request: HttpRequest) -> dict[str, Any]:
    said = RulesWidget().value_from_datadict(request.POST, {}, "rules")
    try:
        rules = segment_rules.checked(said)
    except InvalidInput as problem:
        return {"problem": _numbered(problem).detail}
    return {"count": segmenting.members_matching(rules=rules, at=timezone.now()).count()}


def _numbered(problem: InvalidInput) -> InvalidInput:
    """The problem with the number of the condition it is about."""
    steps = problem.pointer.split("/")
    if steps[1] != "rules" or len(steps) < 4 or not steps[3].isdecimal():
        return problem
    said = gettext("Condition %(number)d: %(problem)s")
    detail = said % {"number": int(steps[3]) + 1, "problem": problem.detail}
    return InvalidInput(problem.pointer, problem.code, detail)
