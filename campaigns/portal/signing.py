"""The sign-in calendar: a tap a day, and make-up cards for missed ones."""

import re
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from campaigns import checkins
from campaigns.calendars import Calendar
from campaigns.checkins import SignedIn
from campaigns.portal import words
from campaigns.wording import Names
from loyalty import queries as loyalty_queries
from loyalty.portal.access import ProgramRequest
from members.errors import InvalidInput, Refusal
from members.portal.access import member_required

MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)
TILE = "signin-tile"


@member_required
def calendar(request: ProgramRequest) -> HttpResponse:
    """The month with what was signed; a POST signs today."""
    if request.method == "POST":
        return _sign(request)
    return render(request, "portal/signin.html", _context(request))


@require_POST
@member_required
def make_up(request: ProgramRequest) -> HttpResponse:
    """Sign a missed day with a card."""
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        raise Http404 from None
    try:
        done = checkins.make_up(member=request.member.number, day=day, now=timezone.now())
    except (Refusal, InvalidInput) as problem:
        return _answered(request, None, str(problem))
    return _answered(request, done, "")


def _sign(request: ProgramRequest) -> HttpResponse:
    now = timezone.now()
    try:
        done = checkins.sign_in(member=request.member.number, at=now, now=now)
    except (Refusal, InvalidInput) as problem:
        return _answered(request, None, str(problem))
    return _answered(request, done, "")


def _answered(request: ProgramRequest, done: SignedIn | None, problem: str) -> HttpResponse:
    """The part of the page that shows it, where the page asked for a part; else the page, by a redirect."""
    said = "" if done is None else _said(done)
    if request.htmx:  # type: ignore[attr-defined]
        context = {
            **_context(request),
            "said": said,
            "problem": problem,
            "gained": done.points if done is not None and done.is_new else 0,
            "figures": loyalty_queries.figures(
                member=request.member, at=timezone.now(), program=request.program
            ),
        }
        is_tile = request.htmx.target == TILE  # type: ignore[attr-defined]
        part = "portal/_signin_tile.html" if is_tile else "portal/_signin.html"
        return render(request, part, context)
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, said)
    return redirect("campaigns:check_in")


def _said(done: SignedIn) -> str:
    if not done.is_new:
        return _("You have already signed in today.")
    return ngettext(
        "Signed in: +%(points)s points, %(days)d day in a row.",
        "Signed in: +%(points)s points, %(days)d days in a row.",
        done.standing,
    ) % {"points": f"{done.points:,}", "days": done.standing}


def _context(request: ProgramRequest) -> dict[str, object]:
    shown = Calendar(member=request.member, at=timezone.now(), program=request.program)
    month = shown.month(_month(request.GET.get("month", ""), shown))
    return {
        "calendar": shown,
        "month": month,
        "milestones": words.milestones(shown, Names()),
        "member": request.member,
    }


def _month(said: str, shown: Calendar) -> date:
    """The month that is asked for, from the one in which the member joined to this one."""
    this_month = shown.today.replace(day=1)
    if not said:
        return this_month
    match = MONTH.fullmatch(said)
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise Http404
    first = date(int(match[1]), int(match[2]), 1)
    if not shown.first_month <= first <= this_month:
        raise Http404
    return first
