"""Draws: what can be won and how likely, having a go, what came of it, and the rounds that anyone checks."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from loyalty import queries as loyalty_queries
from loyalty.portal.access import ProgramRequest
from members import queries as member_queries
from members.errors import InvalidInput, NotFound, Refusal
from members.portal.access import member_required
from rewards import draw_checking, draw_queries, draws
from rewards.draw_recipe import Recomputed
from rewards.models import Draw, DrawPrize, DrawRound
from rewards.portal.draw_forms import GoForm

GOES_SHOWN = 20
GOES_OF_A_DRAW = 10
TICKETS_ON_A_PAGE = 100
# The animation belongs to the moment of winning, not to a look back at it.
FRESH = timedelta(minutes=1)
KEPT_CHECKS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class PrizeRow:
    """A prize as it is shown: its chance at the next ticket in per cent, and how many are left."""

    prize: DrawPrize
    percent: str
    is_left: bool


@member_required
def all_draws(request: ProgramRequest) -> HttpResponse:
    """The draws that run, and the member's latest goes."""
    at = timezone.now()
    found = list(draw_queries.running(at))
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    prizes = draw_queries.prizes_of_all(found)
    chances = draw_queries.chances_for(member=request.member, draws=found, figures=figures, at=at)
    context = {
        "cards": [(chance, _rows(prizes[chance.draw.pk])) for chance in chances],
        "goes": draw_queries.plays_of(request.member)[:GOES_SHOWN],
        "figures": figures,
    }
    return render(request, "portal/draws.html", context)


@member_required
def draw(request: ProgramRequest, draw_code: str) -> HttpResponse:
    """One draw; a POST is a go, and its key makes a double tap one go."""
    found = _draw(draw_code)
    context: dict[str, Any] = {}
    if request.method == "POST":
        form = GoForm(request.POST)
        if form.is_valid():
            try:
                return _gone(request, found, form.cleaned_data["key"])
            except (Refusal, InvalidInput) as problem:
                context["problem"] = str(problem)
        else:
            context["problem"] = _("This page had expired. Nothing was taken; please try again.")
    return render(request, "portal/draw.html", _about(request, found) | context)


def _gone(request: ProgramRequest, found: Draw, key: uuid.UUID) -> HttpResponse:
    asked = draws.PlayRequest(
        member=request.member.number, draw=found.code, reference=f"portal:{key}"
    )
    done = draws.play(request=asked, at=timezone.now())
    return redirect("rewards:draw_result", play_id=done.play.pk)


@member_required
def result(request: ProgramRequest, play_id: int) -> HttpResponse:
    """What a go of the member's own won."""
    found = get_object_or_404(draw_queries.plays_of(request.member), pk=play_id)
    context = _about(request, found.round.draw) | {
        "play": found,
        "vouchers": found.redemption.vouchers.order_by("id") if found.redemption else [],
        "is_fresh": timezone.now() - found.drawn_at < FRESH,
    }
    return render(request, "portal/draw_result.html", context)


def _about(request: ProgramRequest, found: Draw) -> dict[str, Any]:
    at = timezone.now()
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    (chance,) = draw_queries.chances_for(
        member=request.member, draws=[found], figures=figures, at=at
    )
    prizes = _rows(draw_queries.prizes_of(found))
    is_open = draw_queries.is_running(found, at) and any(row.is_left for row in prizes)
    may_spend = request.member.status == request.member.Status.ACTIVE
    of_draw = draw_queries.plays_of(request.member).filter(round__draw=found)
    return {
        "draw": found,
        "chance": chance,
        "prizes": prizes,
        "round": draw_queries.open_round(found),
        "last_round": draw_queries.rounds_of(found).exclude(closed_at=None).first(),
        "figures": figures,
        "is_open": is_open,
        "may_spend": may_spend,
        "can_go": is_open and may_spend and chance.can_go,
        "goes": of_draw[:GOES_OF_A_DRAW],
        "tier_names": _tier_names(found.tiers),
        "key": uuid.uuid4(),
    }


def _draw(code: str) -> Draw:
    try:
        return draw_queries.draw(code)
    except NotFound:
        raise Http404 from None


def _tier_names(codes: list[str]) -> list[str]:
    return [tier.name for tier in member_queries.tiers() if tier.code in codes] if codes else []


def _rows(prizes: list[DrawPrize]) -> list[PrizeRow]:
    odds = draw_queries.odds(prizes)
    return [
        PrizeRow(prize, percent(odds[prize.pk]), draw_queries.is_left(prize)) for prize in prizes
    ]


def percent(chance: Fraction) -> str:
    """A chance in per cent with two decimals, or as many as a small one needs to show two digits: "0.0025 %"."""
    decimals = 2
    while 0 < chance * 100 * 10**decimals < 10 and decimals < 12:
        decimals += 1
    text = f"{float(round(chance * 100, decimals)):.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.')}%"


# ---- rounds, for everybody ----------------------------------------------------------------------------
@require_GET
def draw_round(request: HttpRequest, round_code: str) -> HttpResponse:
    """A round as it is published, with the recipe, its tickets and what drawing them again comes to."""
    found = _round(round_code)
    tickets: Any = draw_queries.tickets_drawn(found) if found.closed_at else []
    page: Any = Paginator(tickets, TICKETS_ON_A_PAGE).get_page(request.GET.get("page"))
    prizes = draw_queries.published_prizes(found)
    weights = sum(each["weight"] for each in prizes)
    context = {
        "round": found,
        "draw": found.draw,
        "prizes": [
            {**each, "percent": percent(Fraction(each["weight"], weights))} for each in prizes
        ],
        "page": page,
        "names": {each["id"]: each["name"] for each in prizes},
        "check": _checked(found) if found.closed_at else None,
    }
    return render(request, "portal/draw_round.html", context)


@require_GET
def draw_round_data(request: HttpRequest, round_code: str) -> JsonResponse:
    """All that anyone needs to draw the round again, as a file."""
    found = _round(round_code)
    answer = JsonResponse(
        _iso(draw_checking.published(found)),
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )
    answer["Content-Disposition"] = f'attachment; filename="{found.code}.json"'
    return answer


def _iso(told: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in told.items()
    }


def _round(code: str) -> DrawRound:
    try:
        return draw_queries.round_of(code)
    except NotFound:
        raise Http404 from None


def _checked(found: DrawRound) -> Recomputed:
    """The server's own check of a closed round, which stays as it is: done once, kept for a day."""
    key = f"draw-round/{found.pk}/{found.seed_hash}"
    kept: Recomputed | None = cache.get(key)
    if kept is None:
        kept = draw_checking.verify_round(found)
        cache.set(key, kept, KEPT_CHECKS)
    return kept
