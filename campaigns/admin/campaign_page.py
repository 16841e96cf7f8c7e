"""What a campaign's page shows: the rule in words, where it stands, what it gave, and what may be done with it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from campaigns import award_queries, editing, linting, wording
from campaigns.admin.campaign_list import PHASE_LABELS, trigger_words
from campaigns.models import Campaign, CampaignAward, CampaignVersion
from campaigns.occasions import ORDER
from campaigns.phases import Phase, is_waiting, phase_of
from loyalty import programs
from loyalty import queries as loyalty_queries
from loyalty.admin.charts import bars

AWARDS = 10
VERSIONS = 5
_BADGES = {
    "success": "j-badge-good",
    "warning": "j-badge-warm",
    "danger": "",
    "info": "j-badge-good",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A step that may be taken from here; `is_asking`: it leads to a page that asks first."""

    step: str
    label: Any
    icon: str
    style: str = "j-button-plain"
    is_asking: bool = False


STEPS: dict[str, Button] = {
    "start": Button(
        step="start", label=gettext_lazy("Start"), icon="play_arrow", style="", is_asking=False
    ),
    "resume": Button(step="start", label=gettext_lazy("Go on"), icon="play_arrow", style=""),
    "ask_approval": Button(
        step="ask_approval", label=gettext_lazy("Ask for approval"), icon="how_to_reg", style=""
    ),
    "approve": Button(
        step="approve", label=gettext_lazy("Approve and start"), icon="check", style=""
    ),
    "refuse": Button(step="refuse", label=gettext_lazy("Turn down"), icon="block"),
    "withdraw": Button(step="refuse", label=gettext_lazy("Take the request back"), icon="undo"),
    "pause": Button(step="pause", label=gettext_lazy("Pause"), icon="pause"),
    "end": Button(step="end", label=gettext_lazy("End"), icon="stop", is_asking=True),
}


class Page:
    """Everything about one campaign at a moment, for somebody."""

    def __init__(self, campaign: Campaign, user: Any, at: datetime) -> None:
        self.campaign = campaign
        self.user = user
        self.at = at
        self.names = wording.Names()
        self.program = programs.current()
        self.content = editing.content(campaign)
        self.phase = phase_of(campaign, at)

    # ---- the rule -------------------------------------------------------------------------------
    @property
    def badge(self) -> str:
        """The class of the state's badge."""
        return _BADGES.get(PHASE_LABELS[self.phase.value], "")

    @cached_property
    def sentence(self) -> str:
        """The rule in words."""
        return wording.sentence(self.content, self.names)

    @property
    def trigger(self) -> str:
        """What sets it off, in words."""
        return trigger_words(self.campaign.trigger)

    @property
    def window(self) -> str:
        """From when to when."""
        return wording.window_words(self.campaign.starts_at, self.campaign.ends_at) or _("always")

    @property
    def conditions(self) -> list[str]:
        """Every condition in words."""
        return [
            wording.condition_words(name, value, self.names)
            for name, value in self.campaign.conditions.items()
        ]

    @property
    def effect(self) -> str:
        """What it gives, in words."""
        return wording.effect_words(self.campaign.effect, self.names)

    @property
    def limits(self) -> str:
        """Its limits in words."""
        return wording.limit_words(self.campaign.limits, self.campaign.effect)

    @property
    def combination(self) -> str:
        """How it gets along with others, where that is not the usual."""
        return wording.combination_words(self.content["combine"])

    @property
    def partner(self) -> str:
        """Who bears a part of the cost."""
        return wording.partner_words(self.campaign.partner, self.campaign.partner_share)

    @property
    def as_json(self) -> str:
        """The content as the API says it."""
        return json.dumps(self.content, ensure_ascii=False, indent=2)

    # ---- what may be done -----------------------------------------------------------------------
    @property
    def may_edit(self) -> bool:
        """Whether this person may change the rule."""
        is_over = self.campaign.state == Campaign.State.ENDED
        return not is_over and self.user.has_perm("campaigns.change_campaign")

    @cached_property
    def buttons(self) -> list[Button]:
        """The steps from here that this person may take."""
        names = self._decisions() if is_waiting(self.campaign) else self._steps()
        return [STEPS[name] for name in names]

    def _steps(self) -> list[str]:
        if not self.user.has_perm("campaigns.activate_campaign"):
            return []
        state = self.campaign.state
        if state == Campaign.State.ENDED:
            return []
        if state == Campaign.State.ACTIVE:
            return ["end"] if self.phase == Phase.ENDED else ["pause", "end"]
        needs_approval = self.program.campaigns_need_approval and not self.campaign.approved_by
        first = "resume" if state == Campaign.State.PAUSED else "start"
        return ["ask_approval" if needs_approval else first, "end"]

    def _decisions(self) -> list[str]:
        is_own = self.campaign.requested_by == self.user.get_username()
        if is_own:
            return ["withdraw"]
        return ["approve", "refuse"] if self.user.has_perm("campaigns.approve_campaign") else []

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """What the lint finds, as long as that can still be changed; which findings block a start, and are not accepted."""
        if self.phase == Phase.ENDED:
            return []
        accepted = set(self.campaign.accepted_findings)
        return [
            {
                **each,
                "is_blocking": each["severity"] == linting.BLOCKING,
                "is_accepted": each["code"] in accepted,
                "is_open": each["severity"] == linting.BLOCKING and each["code"] not in accepted,
            }
            for each in linting.findings(self.campaign, self.at)
        ]

    @property
    def to_accept(self) -> dict[str, list[str]]:
        """The texts of findings that have to be fixed or accepted before it runs, by code."""
        if self.campaign.state == Campaign.State.ACTIVE:
            return {}
        found: dict[str, list[str]] = {}
        for each in self.findings:
            if each["is_open"]:
                found.setdefault(each["code"], []).append(each["text"])
        return found

    @property
    def asks_to_accept(self) -> bool:
        """Whether findings have to be accepted with the next step of this person."""
        steps = {each.step for each in self.buttons}
        return bool(self.to_accept) and bool(steps & {"start", "ask_approval", "approve"})

    @property
    def other_findings(self) -> list[dict[str, Any]]:
        """The findings that are not asked about beside the button."""
        asked = self.to_accept if self.asks_to_accept else {}
        return [each for each in self.findings if each["code"] not in asked or not each["is_open"]]

    # ---- what it gave ---------------------------------------------------------------------------
    @cached_property
    def outcome(self) -> award_queries.Outcome:
        """What it gave, by day."""
        return award_queries.outcome(campaign=self.campaign)

    @property
    def cost(self) -> Decimal:
        """What the points are worth in money."""
        return loyalty_queries.value_of(max(0, self.outcome.points), self.program)

    @property
    def own_cost(self) -> Decimal | None:
        """What is left of it without the partner's share; None without a partner."""
        share = self.campaign.partner_share
        return None if share is None else (self.cost * (1 - share)).quantize(Decimal("0.01"))

    @property
    def budget(self) -> Any:
        """Its budget; None without."""
        has_budget = self.campaign.limits.get("budget_points") is not None
        return getattr(self.campaign, "budget", None) if has_budget else None

    @property
    def chart(self) -> dict[str, str] | None:
        """Points by day, from the first to the last day on which it gave any; None below two days."""
        days = self.outcome.days
        if len(days) < 2:
            return None
        by_day = {each.day: each for each in days}
        span = (days[-1].day - days[0].day).days
        row = [days[0].day + timedelta(days=n) for n in range(span + 1)]
        pattern = pgettext("date format", "M j")
        series = {_("Points"): [by_day[day].points if day in by_day else 0 for day in row]}
        if self.outcome.cut:
            cut = [by_day[day].cut if day in by_day else 0 for day in row]
            series[_("Cut by limits")] = cut
        labels = [formats.date_format(day, pattern) for day in row]
        return bars(labels=labels, series=series)

    @cached_property
    def awards(self) -> list[CampaignAward]:
        """The latest awards."""
        return list(award_queries.latest(campaign=self.campaign, most=AWARDS))

    @cached_property
    def versions(self) -> list[CampaignVersion]:
        """The latest versions."""
        return list(self.campaign.versions.order_by("-number")[:VERSIONS])

    # ---- addresses ------------------------------------------------------------------------------
    @property
    def edit(self) -> str:
        """Where it is edited."""
        address = reverse("admin:campaigns_campaign_change", args=[self.campaign.pk])
        return f"{address}?edit=1"

    @property
    def replay(self) -> str:
        """Where it is run over the orders of the past; empty for a campaign that looks at no orders."""
        if self.campaign.trigger != ORDER:
            return ""
        return reverse("admin:campaigns_campaign_replay", args=[self.campaign.pk])

    @property
    def copy(self) -> str:
        """Where a new one is made from it."""
        return f"{reverse('admin:campaigns_campaign_add')}?from={self.campaign.pk}"

    @property
    def all_awards(self) -> str:
        """Where all its awards are listed."""
        address = reverse("admin:campaigns_campaignaward_changelist")
        return f"{address}?campaign__id__exact={self.campaign.pk}"
