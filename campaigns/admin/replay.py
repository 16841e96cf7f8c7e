"""The replay of a campaign at the console: asked for, watched, and shown with pictures."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from campaigns import editing, replay_queries, replaying, wording
from campaigns.admin.campaign_list import CampaignList
from campaigns.admin.replay_page import Page, PeriodForm, Row
from campaigns.models import Campaign
from members.errors import InvalidInput, Refusal
from members.models import Job

SHOWN = 10


class ReplayPages(CampaignList):
    """One address: GET shows a replay (`?job=…`, else the newest), POST asks for one.

    A POST from the editor (`unsaved`) replays what stands in its form; nothing of it is saved.
    """

    @action(description=_("Replay"), permissions=["view"])
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = get_object_or_404(self.get_queryset(request), pk=object_id)
        at = timezone.now()
        if request.method == "POST":
            if not request.user.has_perm("campaigns.change_campaign"):
                raise PermissionDenied
            return self._asked(request, campaign, at)
        return self._shown(request, campaign, PeriodForm(at=at))

    # ---- asking ---------------------------------------------------------------------------------
    def _asked(self, request: HttpRequest, campaign: Campaign, at: datetime) -> HttpResponse:
        if "unsaved" in request.POST:
            content = self._unsaved(request, campaign)
            form = PeriodForm(at=at)
            period: tuple[datetime, datetime] | None = form.usual()
        else:
            content = editing.content(campaign)
            form = PeriodForm(request.POST, at=at)
            period = form.period()
        if content is None or period is None:
            return self._shown(request, campaign, form)
        by = request.user.get_username()
        try:
            job = replaying.start(content=content, since=period[0], until=period[1], by=by, at=at)
        except (Refusal, InvalidInput) as problem:
            messages.error(request, getattr(problem, "detail", None) or str(problem))
            return self._shown(request, campaign, form)
        return HttpResponseRedirect(f"{_address(campaign)}?job={job.pk}")

    def _unsaved(self, request: HttpRequest, campaign: Campaign) -> Mapping[str, Any] | None:
        """What the editor's form says, checked as if it were saved; None: it has errors, and they are told."""
        found: list[Mapping[str, Any]] = []

        def keep(values: Mapping[str, Any], row: Campaign) -> Campaign:
            said = {name: getattr(row, name) for name in editing.CHECKS if name != "state"}
            made = editing.checked(changes={**said, **values})
            found.append({**editing.content(made), "version": row.version})
            return row

        form_class = self.get_form(request, campaign, change=True)
        form_class.save_by = staticmethod(keep)
        form = form_class(request.POST, instance=campaign)
        if form.is_valid() and found:
            return found[0]
        for errors in form.errors.values():
            for error in errors:
                messages.error(request, error)
        return None

    # ---- showing --------------------------------------------------------------------------------
    def _shown(self, request: HttpRequest, campaign: Campaign, form: PeriodForm) -> HttpResponse:
        replays = list(replay_queries.replays(campaign.code)[:SHOWN])
        job = _chosen(campaign, request.GET.get("job", ""), replays)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Replay of “%(name)s”") % {"name": campaign.name},
            "model_admin": self,
            "campaign": campaign,
            "form": form,
            "sentence": wording.sentence(
                job.parameters["content"] if job else editing.content(campaign)
            ),
            "may_ask": request.user.has_perm("campaigns.change_campaign"),
            "rows": [Row.of(each) for each in replays],
            "job": job,
            "page": Page(job, campaign) if job and job.state == Job.State.DONE else None,
        }
        return TemplateResponse(request, "admin/campaigns/replay/page.html", context)


def _chosen(campaign: Campaign, asked: str, replays: list[Job]) -> Job | None:
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        return replay_queries.replays(campaign.code).filter(pk=int(asked)).first()
    return replays[0] if replays else None


def _address(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_replay", args=[campaign.pk])
