from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from campaigns import handouts
from campaigns.models import Handout
from members.admin.base import VerbAdmin, VerbForm
from members.errors import InvalidInput, Refusal
from members.models import Job

FACTS = ("state", "at", "by", "members")


class HandoutForm(VerbForm):
    class Meta:
        model = Handout
        fields = ("code", "title", "segment", "points", "expires_at")
        help_texts = {
            "expires_at": _("Empty: as the program says."),
            "segment": _("Whoever is in it when the points are given."),
        }


@admin.register(Handout)
class HandoutAdmin(VerbAdmin):
    """Points for everybody in a segment: planned here, given after a look at what it will cost."""

    form = HandoutForm
    list_display = ("title", "segment", "each", "state_badge", "reached", "moment", "by")
    list_select_related = ("segment",)
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    ordering = ("-id",)
    sortable_by = ()
    fixed_fields = ("code", *FACTS)
    actions_detail = ("give", "follow")
    fieldsets = (
        (None, {"fields": (("title", "code"), "segment", ("points", "expires_at"))}),
        (pgettext_lazy("points to a segment", "Given"), {"fields": (FACTS,)}),
    )
    add_fieldsets = fieldsets[:1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Handout]:
        return super().get_queryset(request).select_related("segment")

    def get_fieldsets(self, request: HttpRequest, obj: Handout | None = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def has_change_permission(self, request: HttpRequest, obj: Handout | None = None) -> bool:
        # What has begun is to look at. If it began while the form was open, the verb refuses.
        is_looked_at = obj is not None and obj.state != Handout.State.PLANNED
        is_looked_at = is_looked_at and request.method == "GET"
        return not is_looked_at and bool(super().has_change_permission(request, obj))

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Handout:
        return handouts.plan(changes=values)

    def change(self, request: HttpRequest, row: Handout, values: Mapping[str, Any]) -> Handout:
        return handouts.change(handout=row, changes=values)

    # ---- giving ---------------------------------------------------------------------------------
    def has_give_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("campaigns.give_handout")

    def has_follow_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("members.view_job")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Giving while there is something to give; looking at the work once it has begun."""
        handout = Handout.objects.filter(pk=object_id).first()
        if handout is None:
            return []
        names = {"give"} if handouts.can_start(handout=handout) else set()
        names |= {"follow"} if _last_job(handout) else set()
        buttons = super().get_actions_detail(request, object_id)
        return [each for each in buttons if each.action_name.rpartition("_")[2] in names]

    @action(description=_("Give the points"), permissions=["give"], icon="redeem")
    def give(self, request: HttpRequest, object_id: str) -> HttpResponse:
        handout = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            return HttpResponseRedirect(self._given(request, handout))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Give the points?"),
            "model_admin": self,
            "handout": handout,
            "preview": handouts.preview(handout=handout, at=timezone.now()),
            "can_start": handouts.can_start(handout=handout),
        }
        return TemplateResponse(request, "admin/campaigns/handout/give.html", context)

    def _given(self, request: HttpRequest, handout: Handout) -> str:
        """Begin, and where to look now."""
        by = request.user.get_username()
        try:
            job = handouts.start(handout=handout, by=by, at=timezone.now())
        except (Refusal, InvalidInput) as refusal:
            messages.error(request, str(refusal))
            return reverse("admin:campaigns_handout_change", args=[handout.pk])
        self.log_change(request, handout, gettext("Begun to give."))
        if not self.has_follow_permission(request):
            messages.success(request, gettext("The points are being given in the background."))
            return reverse("admin:campaigns_handout_change", args=[handout.pk])
        return reverse("admin:members_job_change", args=[job.pk])

    @action(description=_("Look at the progress"), permissions=["follow"], icon="hourglass_top")
    def follow(self, request: HttpRequest, object_id: str) -> HttpResponse:
        job = _last_job(get_object_or_404(Handout, pk=object_id))
        if job is None:
            return HttpResponseRedirect(
                reverse("admin:campaigns_handout_change", args=[object_id])
            )
        return HttpResponseRedirect(reverse("admin:members_job_change", args=[job.pk]))

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("points for each member"))
    def each(self, handout: Handout) -> str:
        return f"{handout.points:,}"

    @display(description=_("members"))
    def reached(self, handout: Handout) -> str:
        return f"{handout.members:,}" if handout.at else "—"

    @display(description=_("given at"))
    def moment(self, handout: Handout) -> str:
        return (
            date_format(timezone.localtime(handout.at), "DATETIME_FORMAT") if handout.at else "—"
        )

    @display(description=_("state"), label={"planned": "", "running": "info", "done": "success"})
    def state_badge(self, handout: Handout) -> tuple[str, str]:
        return handout.state, handout.get_state_display()


def _last_job(handout: Handout) -> Job | None:
    asked = Job.objects.filter(kind=handouts.GIVE, parameters__handout=handout.code)
    return asked.order_by("-id").first()
