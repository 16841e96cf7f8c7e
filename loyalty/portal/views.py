"""A member's points: history, one movement, the tier."""

import re

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from loyalty import paying_words, queries, step_wording, tiers
from loyalty.models import Entry
from loyalty.portal import lots, months
from loyalty.portal.access import ProgramRequest
from members import queries as member_queries
from members.portal.access import member_required

# The steps of a tier history that its page shows.
CHANGES = 20
PLACE = re.compile("[0-9]{1,18}")


@member_required
def history(request: ProgramRequest) -> HttpResponse:
    """Every movement with its reason, by month; `before` is the entry to go on from."""
    at = timezone.now()
    tab = request.GET.get("show", "all")
    entries = queries.entries_of(member=request.member)
    before = request.GET.get("before", "")
    if tab not in months.TABS or (before and not PLACE.fullmatch(before)):
        raise Http404
    after = get_object_or_404(entries, pk=before) if before else None
    page = months.page(entries=entries, tab=tab, after=after, zone=request.program.zone)
    figures = queries.figures(member=request.member, at=at, program=request.program)
    open_lots = queries.lots_of(member=request.member, at=at)
    context = {
        "page": page,
        "tab": tab,
        "tabs": [(name, label) for name, (label, _) in months.TABS.items()],
        "is_first": not before,
        "figures": figures,
        "schedule": lots.schedule(lots=open_lots, at=at),
        "payment": paying_words.in_one(paying_words.for_members(request.program)),
    }
    return render(request, "portal/history.html", context)


@member_required
def entry(request: ProgramRequest, entry_id: int) -> HttpResponse:
    """One movement, and the arithmetic behind it."""
    found = get_object_or_404(queries.entries_of(member=request.member), pk=entry_id)
    context = {
        "entry": found,
        "steps": step_wording.steps(found.explanation),
        "is_credit": found.points > 0,
        "is_expiry": found.kind == Entry.Kind.EXPIRE,
    }
    return render(request, "portal/entry.html", context)


@member_required
def tier(request: ProgramRequest) -> HttpResponse:
    """Where the member stands and what each tier gives."""
    standing = tiers.standing(member=request.member, at=timezone.now(), program=request.program)
    context = {
        "standing": standing,
        "to_spend": tiers.money_to(needed=standing.needed or 0, program=request.program),
        "tiers": member_queries.tiers(),
        "changes": member_queries.tier_changes(request.member)[:CHANGES],
    }
    return render(request, "portal/tier.html", context)
