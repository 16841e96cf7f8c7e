"""The quick campaign (双倍积分日): six questions, a look at what it will do, and it runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from campaigns import editing, forecasting, lifecycle, linting, queries, wording
from campaigns.admin.campaign_list import CampaignList
from campaigns.admin.quick_form import DOUBLE, QuickForm, usual_name
from campaigns.models import Campaign
from campaigns.phases import Phase, phase_of
from loyalty import programs
from members.errors import InvalidInput, NotFound, Refusal
from members.transactions import in_transaction


class QuickCampaign(CampaignList):
    actions_list = ("quick", "set_up")

    @action(
        description=_("Double points day"),
        permissions=["add"],
        icon="bolt",
        variant=ActionVariant.PRIMARY,
    )
    def quick(self, request: HttpRequest) -> HttpResponse:
        at, program = timezone.now(), programs.current()
        if request.method != "POST":
            initial = {"name": usual_name(DOUBLE), "code": new_code("quick", at)}
            form = QuickForm(program=program, at=at, initial=initial)
            return self._asking(request, form)
        form = QuickForm(request.POST, program=program, at=at)
        if not form.is_valid() or request.POST.get("step") == "back":
            return self._asking(request, form)
        if request.POST.get("step") in ("start", "draft"):
            return self._made(request, form, at)
        return self._showing(request, form, at)

    def _asking(self, request: HttpRequest, form: QuickForm) -> HttpResponse:
        context = {**self._common(request), "form": form}
        return TemplateResponse(request, "admin/campaigns/quick/ask.html", context)

    def _showing(
        self, request: HttpRequest, form: QuickForm, at: datetime, problem: str = ""
    ) -> HttpResponse:
        """What it will do: in words, in numbers, and what is odd about it."""
        content = editing.content(editing.checked(changes=form.changes()))
        found = linting.findings(content, at)
        context = {
            **self._common(request),
            "form": form,
            "problem": problem,
            "name": content["name"],
            "sentence": wording.sentence(content),
            "forecast": forecasting.forecast(content=content, at=at),
            "findings": [{**each, "is_blocking": _is_blocking(each)} for each in found],
            "to_accept": list(dict.fromkeys(each["code"] for each in found if _is_blocking(each))),
            "needs_approval": programs.current().campaigns_need_approval,
            "may_start": request.user.has_perm("campaigns.activate_campaign"),
        }
        return TemplateResponse(request, "admin/campaigns/quick/show.html", context)

    def _made(self, request: HttpRequest, form: QuickForm, at: datetime) -> HttpResponse:
        made_before = _made_before(form, request.user.get_username())
        if made_before is not None:
            return _to(made_before)
        starts = request.POST["step"] == "start"
        if starts and not request.user.has_perm("campaigns.activate_campaign"):
            raise PermissionDenied
        accepted = request.POST.getlist("accepted")
        try:
            made = make(
                changes=form.changes(),
                by=request.user.get_username(),
                at=at,
                accepted=accepted if starts else None,
            )
        except Refusal as refusal:
            return self._showing(request, form, at, str(refusal))
        except (InvalidInput, NotFound) as problem:
            return self._showing(request, form, at, getattr(problem, "detail", str(problem)))
        self.log_addition(request, made, gettext("Made as a quick campaign."))
        messages.success(request, _said(made, at))
        return _to(made)

    def _common(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": gettext("Double points day"),
            "model_admin": self,
        }


def make(
    *, changes: Mapping[str, Any], by: str, at: datetime, accepted: list[str] | None
) -> Campaign:
    """Make it and let it run, or ask for approval, in one go; a draft when nothing is said about findings."""

    def work() -> Campaign:
        made = editing.create(changes=changes, by=by, at=at)
        if accepted is None:
            return made
        if programs.current().campaigns_need_approval:
            return lifecycle.ask_approval(campaign=made, by=by, at=at, accepted=accepted)
        return lifecycle.start(campaign=made, by=by, at=at, accepted=accepted)

    return in_transaction(work)


def new_code(kind: str, at: datetime) -> str:
    """A code for machines: campaign-20261201-3f9a."""
    return f"{kind}-{timezone.localtime(at):%Y%m%d}-{uuid4().hex[:4]}"


def _is_blocking(finding: linting.Finding) -> bool:
    return finding["severity"] == linting.BLOCKING


def _made_before(form: QuickForm, by: str) -> Campaign | None:
    """The campaign that this very form has made already: sent twice by a double click."""
    found = queries.campaigns().filter(code=form.cleaned_data["code"], created_by=by)
    return found.first() if form.cleaned_data["code"] else None


def _to(campaign: Campaign) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))


def _said(campaign: Campaign, at: datetime) -> str:
    phase = phase_of(campaign, at)
    said = {
        Phase.RUNNING: gettext("“%(name)s” is running."),
        Phase.SCHEDULED: gettext("“%(name)s” is scheduled."),
        Phase.WAITING: gettext("“%(name)s” waits for a second person to approve it."),
    }.get(phase, gettext("“%(name)s” is kept as a draft."))
    return said % {"name": campaign.name}
