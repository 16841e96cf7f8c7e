"""The steps of a campaign's life at the console: one click each; ending asks first."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from campaigns import lifecycle
from campaigns.admin.campaign_list import CampaignList
from campaigns.models import Campaign
from campaigns.phases import Phase, phase_of
from members.errors import Refusal

Step = Callable[..., Campaign]
QUESTIONS = {
    "start": _("Start “%(name)s”?"),
    "ask_approval": _("Ask a second person to approve “%(name)s”?"),
    "approve": _("Approve and start “%(name)s”?"),
    "refuse": _("Turn the request for “%(name)s” down?"),
    "pause": _("Pause “%(name)s”?"),
    "end": _("End “%(name)s” for good?"),
}
#: The steps before which findings have to be accepted.
ACCEPTING = ("start", "ask_approval", "approve")


class CampaignSteps(CampaignList):
    """Each step has an address of its own: GET asks, POST does it."""

    actions_detail: tuple[str, ...] = (
        "start",
        "ask_approval",
        "approve",
        "refuse",
        "pause",
        "end",
    )

    def has_activate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("campaigns.activate_campaign")

    def has_approve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("campaigns.approve_campaign")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """None on the form: the campaign's page has the buttons."""
        return []

    @action(description=_("Start"), permissions=["activate"])
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, "start")

    @action(description=_("Ask for approval"), permissions=["activate"])
    def ask_approval(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, "ask_approval")

    @action(description=_("Approve"), permissions=["approve"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, "approve")

    @action(description=_("Turn down"), permissions=["refuse"])
    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, "refuse")

    @action(description=_("Pause"), permissions=["activate"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, "pause")

    @action(description=_("End"), permissions=["activate"])
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, "end")

    def has_refuse_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may decide, and whoever asked: a request may be taken back."""
        if self.has_approve_permission(request):
            return True
        asked = {"pk": object_id, "requested_by": request.user.get_username()}
        return self.has_activate_permission(request) and Campaign.objects.filter(**asked).exists()

    # ---- asking and doing -----------------------------------------------------------------------
    def _step(self, request: HttpRequest, object_id: str, step: str) -> HttpResponse:
        campaign = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            self._take(request, campaign, step)
            return HttpResponseRedirect(self._back_to(request, campaign))
        context = {
            **self.admin_site.each_context(request),
            "title": QUESTIONS[step] % {"name": campaign.name},
            "model_admin": self,
            "campaign": campaign,
            "step": step,
            "open": lifecycle.open_findings(campaign=campaign, at=timezone.now())
            if step in ACCEPTING
            else [],
        }
        return TemplateResponse(request, "admin/campaigns/campaign/step.html", context)

    def _take(self, request: HttpRequest, campaign: Campaign, step: str) -> None:
        verb: Step = getattr(lifecycle, step)
        more = {"accepted": request.POST.getlist("accepted")} if step in ACCEPTING else {}
        by, at = request.user.get_username(), timezone.now()
        try:
            moved = verb(campaign=campaign, by=by, at=at, **more)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return
        said = _said(step, phase_of(moved, at)) % {"name": moved.name}
        self.log_change(request, moved, said)
        messages.success(request, said)

    def _back_to(self, request: HttpRequest, campaign: Campaign) -> str:
        """The list, when the step was taken there; otherwise the campaign's page."""
        if request.POST.get("back") == "list":
            return reverse("admin:campaigns_campaign_changelist")
        return reverse("admin:campaigns_campaign_change", args=[campaign.pk])


def _said(step: str, phase: Phase) -> str:
    """What was done."""
    if step in ("start", "approve"):
        return {
            Phase.SCHEDULED: gettext("“%(name)s” is scheduled."),
            Phase.RUNNING: gettext("“%(name)s” is running."),
        }.get(phase, gettext("“%(name)s” is active, but its window is over."))
    return {
        "ask_approval": gettext("“%(name)s” waits for a second person to approve it."),
        "refuse": gettext("The request for “%(name)s” was turned down."),
        "pause": gettext("“%(name)s” is paused."),
        "end": gettext("“%(name)s” has ended."),
    }[step]
