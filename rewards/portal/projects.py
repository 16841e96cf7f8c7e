"""Donation projects: what they raised, for everybody to see, and giving to one."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from loyalty import donations
from loyalty import queries as loyalty_queries
from loyalty.donations import DonationRequest
from loyalty.models import Donation
from loyalty.portal.access import ProgramRequest
from members.errors import InvalidInput, NotFound, Refusal
from members.models import Member
from members.portal import access
from members.portal.access import member_required
from rewards import project_queries
from rewards.models import DonationProject
from rewards.portal.donate_form import DonateForm
from rewards.project_queries import Totals

# Everybody may look, so what projects raised is counted every so many seconds at most.
COUNTED_EVERY = 15
COUNTED = "rewards.projects.totals"
MINE = 20
#: Amounts to choose from, as many as the member has the points for.
AMOUNTS = (50, 100, 200, 500, 1_000, 2_000, 5_000)
MOST_AMOUNTS = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """A project with what it raised until now."""

    project: DonationProject
    totals: Totals
    is_open: bool
    is_coming: bool

    @property
    def is_reached(self) -> bool:
        """Whether the goal was reached."""
        goal = self.project.goal_points
        return goal is not None and self.totals.points >= goal

    @property
    def in_bar(self) -> int:
        """What the bar shows: the goal at most."""
        return min(self.totals.points, self.project.goal_points or 0)

    @property
    def percent(self) -> int:
        """How much of the goal was raised, in whole percent."""
        share = self.totals.share_of(self.project.goal_points) or Decimal(0)
        return int(share * 100)


# ---- for everybody ----------------------------------------------------------------------------------


@never_cache
def projects(request: HttpRequest) -> HttpResponse:
    """All projects: those that take donations, those to come, then those that are over."""
    at = timezone.now()
    found = [_shown(each, at) for each in project_queries.projects().filter(active=True)]
    member = _member(request)
    context = {
        "open": [each for each in found if each.is_open],
        "coming": [each for each in found if each.is_coming],
        "over": [each for each in found if not each.is_open and not each.is_coming],
        "given": project_queries.given_by(member=member, most=MINE) if member else [],
    }
    return render(request, "portal/projects.html", context | _frame(member))


@never_cache
def project(request: HttpRequest, project: str) -> HttpResponse:
    """One project with its running total."""
    found = _found(project)
    member = _member(request)
    given = project_queries.given_by(member=member, most=MINE) if member else []
    context = {
        "shown": _shown(found, timezone.now()),
        "project": found,
        "given": [each for each in given if each.code == found.code],
    }
    return render(request, "portal/project.html", context | _frame(member))


def _member(request: HttpRequest) -> Member | None:
    member = access.member_of(request)
    request.member = member  # type: ignore[attr-defined]
    return member


def _frame(member: Member | None) -> dict[str, Any]:
    """Members see it among their own pages, everybody else by itself."""
    layout = "portal/base.html" if member else "portal/public.html"
    return {"layout": layout, "is_member": member is not None}


def _found(code: str) -> DonationProject:
    try:
        return project_queries.project(code)
    except NotFound:
        raise Http404 from None


def _shown(found: DonationProject, at: datetime) -> Shown:
    is_coming = found.active and found.starts_at is not None and at < found.starts_at
    is_open = project_queries.is_open(found, at)
    return Shown(found, _totals().get(found.pk, Totals()), is_open, is_coming)


def _totals() -> dict[int, Totals]:
    counted: dict[int, Totals] | None = cache.get(COUNTED)
    if counted is None:
        counted = project_queries.totals(list(project_queries.projects()))
        cache.set(COUNTED, counted, COUNTED_EVERY)
    return counted


# ---- giving -----------------------------------------------------------------------------------------


@member_required
def donate(request: ProgramRequest, project: str) -> HttpResponse:
    """Ask how much, show what would be left, and give when that is confirmed."""
    found = _found(project)
    said = DonateForm.sent(request.POST) if request.method == "POST" else None
    form = DonateForm(said, initial={"key": uuid.uuid4()})
    figures = loyalty_queries.figures(
        member=request.member, at=timezone.now(), program=request.program
    )
    context = {"form": form, "project": found, "figures": figures}
    if said is not None and form.is_valid() and "back" not in said:
        points = form.cleaned_data["points"]
        if "confirmed" in said:
            donation = _given(request, found, form)
            if donation is not None:
                return redirect("rewards:donated", donation_id=donation.pk)
        elif points > figures.active:
            form.refuse_more_than(figures.active)
        else:
            context |= {"points": points, "left": figures.active - points}
            return render(request, "portal/donate_confirm.html", context)
    context |= {
        "shown": _shown(found, timezone.now()),
        "amounts": [amount for amount in AMOUNTS if amount <= figures.active][-MOST_AMOUNTS:],
        "is_frozen": request.member.status == Member.Status.FROZEN,
        "is_closed": request.member.status == Member.Status.CLOSED,
    }
    return render(request, "portal/donate.html", context)


def _given(request: ProgramRequest, found: DonationProject, form: DonateForm) -> Donation | None:
    """The donation; None where it is refused, which stands on the form then."""
    asked = DonationRequest(
        member=request.member.number,
        points=form.cleaned_data["points"],
        project=found.code,
        reference=f"portal:{form.cleaned_data['key']}",
    )
    try:
        done = donations.donate(request=asked, at=timezone.now())
    except (Refusal, InvalidInput) as problem:
        form.add_error(None, str(problem))
        return None
    cache.delete(COUNTED)
    return done.donation


@member_required
def donated(request: ProgramRequest, donation_id: int) -> HttpResponse:
    """Thanks for a donation, and what the project has by now."""
    own = Donation.objects.filter(member=request.member)
    donation = get_object_or_404(own, pk=donation_id)
    found = _found(donation.project)
    at = timezone.now()
    points, times = project_queries.given_to(member=request.member, project=found)
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    context = {
        "donation": donation,
        "project": found,
        "shown": _shown(found, at),
        "given": points,
        "times": times,
        "figures": figures,
    }
    return render(request, "portal/donated.html", context)
