"""Tasks and challenges, and the campaigns that run or are coming, each with "am I in?"."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from campaigns import effects, progress
from campaigns.calendars import Calendar
from campaigns.models import Campaign
from campaigns.offers import Offer, Offers
from campaigns.portal import friends, words
from campaigns.progress import Task
from campaigns.wording import Names, window_words
from loyalty.models import Program
from loyalty.portal.access import ProgramRequest
from members.models import Member
from members.portal.access import member_required

#: What awards of these kinds count is points.
IN_POINTS = (effects.MULTIPLIER, effects.BONUS, effects.PER_AMOUNT, effects.PER_UNIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A campaign as it is shown in a list."""

    offer: Offer
    campaign: Campaign
    text: str
    mark: str
    icon: str
    days_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A task as it is shown in a list."""

    task: Task
    campaign: Campaign
    text: str
    gain: str
    icon: str
    days_left: int | None

    @property
    def gain_is_points(self) -> bool:
        """Whether the gain is a bare number of points."""
        return bool(self.campaign.effect["type"] == effects.BONUS)


@member_required
def tasks(request: ProgramRequest) -> HttpResponse:
    """What there is to do: signing in, tasks, challenges, friends, campaigns."""
    at = timezone.now()
    mine = Offers(member=request.member, at=at, program=request.program)
    shown = Calendar(member=request.member, at=at, program=request.program)
    names = Names()
    context = {
        "member": request.member,
        "calendar": shown,
        "milestones": words.milestones(shown, names),
        "tasks": task_rows(mine, names),
        "cards": cards(mine.running, names, at),
        "coming": len(mine.coming),
        "promised": friends.promised_to_referrer(mine),
    }
    return render(request, "portal/tasks.html", context)


@member_required
def campaigns(request: ProgramRequest) -> HttpResponse:
    """What runs and what is coming."""
    at = timezone.now()
    mine = Offers(member=request.member, at=at, program=request.program)
    names = Names()
    context = {
        "running": cards(mine.running, names, at),
        "coming": cards(mine.coming, names, at),
    }
    return render(request, "portal/campaigns.html", context)


@member_required
def campaign(request: ProgramRequest, campaign: str) -> HttpResponse:
    """One campaign: what it gives, what it takes, whether I am in, what I have had of it."""
    at = timezone.now()
    mine = Offers(member=request.member, at=at, program=request.program)
    offer = mine.one(campaign)
    if offer is None:
        raise Http404
    names = Names()
    context = {
        "card": card(offer, names, at),
        "offer": offer,
        "campaign": offer.campaign,
        "answers": words.answers(offer, request.member.tier.name, names),
        "demands": words.demands(offer.campaign, names),
        "gain": words.gain(offer.campaign, names),
        "limits": words.limits(offer.campaign),
        "window": window_words(offer.campaign.starts_at, offer.campaign.ends_at),
        "gain_is_points": offer.campaign.effect["type"] in IN_POINTS,
        "had": sum(offer.given.values()),
        "task": next(
            (each for each in task_rows(mine, names) if each.campaign == offer.campaign), None
        ),
    }
    return render(request, "portal/campaign.html", context)


# ---- lists, here and on the first page ----------------------------------------------------------------
def cards(offers: list[Offer], names: Names, at: datetime) -> list[Card]:
    """Campaigns as cards; what has a page of its own (signing in, friends) or is a task is left out."""
    return [card(each, names, at) for each in offers if not progress.has_own_page(each.rule)]


def card(offer: Offer, names: Names, at: datetime) -> Card:
    """A campaign as a card."""
    return Card(
        offer=offer,
        campaign=offer.campaign,
        text=words.told(offer.campaign, names),
        mark=words.mark(offer.campaign),
        icon=words.icon_of(offer.campaign),
        days_left=words.days_left(offer.rule.ends_at, at),
    )


def task_rows(mine: Offers, names: Names) -> list[TaskRow]:
    """A member's tasks in words."""
    return [
        TaskRow(
            task=each,
            campaign=each.campaign,
            text=words.told(each.campaign, names),
            gain=words.gain(each.campaign, names),
            icon=words.icon_of(each.campaign),
            days_left=words.days_left(each.ends_at, mine.at),
        )
        for each in progress.tasks(mine)
    ]


def entrances(*, member: Member, at: datetime, program: Program) -> dict[str, object]:
    """What the first page shows of all this: today's sign-in, three tasks, one campaign."""
    mine = Offers(member=member, at=at, program=program)
    shown = Calendar(member=member, at=at, program=program)
    names = Names()
    rows = task_rows(mine, names)
    still_open = [each for each in rows if each.task.state == progress.OPEN]
    running = cards(mine.running, names, at)
    coming = cards(mine.coming, names, at)
    best = [each for each in running if each.offer.is_in] or coming or running
    return {
        "calendar": shown,
        "milestones": words.milestones(shown, names),
        "tasks": still_open[:3],
        "task_count": len(rows),
        "campaign_card": best[0] if best else None,
    }
