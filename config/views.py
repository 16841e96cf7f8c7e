"""The pages that need every app: the first page, the answers to errors, and whether we are well."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache

from campaigns.portal import offers as campaign_offers
from loyalty import queries as loyalty_queries
from loyalty import tiers
from loyalty.models import Program
from members import logins
from members import queries as member_queries
from members.models import Member
from members.portal import access
from rewards import queries as reward_queries
from rewards import showcase
from rewards.portal import shelves

logger = logging.getLogger(__name__)

RECENT = 3
ON_SHOW = 6
#: The greeting that holds until an hour of the day.
GREETINGS: tuple[tuple[int, Callable[[], str]], ...] = (
    (5, lambda: pgettext("late at night", "Hello")),
    (11, lambda: _("Good morning")),
    (13, lambda: _("Good day")),
    (18, lambda: _("Good afternoon")),
    (24, lambda: _("Good evening")),
)


@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """A member's own first page; for everybody else, what the membership is."""
    member = access.member_of(request)
    if member is not None:
        request.member = member  # type: ignore[attr-defined]
        return render(request, "portal/home.html", _home_of(request, member, timezone.now()))
    if request.user.is_authenticated and logins.is_newcomer(request.user):
        return redirect("members:join")
    on_sale = reward_queries.on_sale(timezone.now())
    context = {
        "rewards": reward_queries.shown(on_sale.exclude(stock=0))[:ON_SHOW],
        "tiers": member_queries.tiers(),
    }
    return render(request, "portal/landing.html", context)


def _home_of(request: HttpRequest, member: Member, at: datetime) -> dict[str, object]:
    program: Program = request.program  # type: ignore[attr-defined]
    figures = loyalty_queries.figures(member=member, at=at, program=program)
    standing = tiers.standing(member=member, at=at, program=program)
    items = showcase.items_for(member=member, at=at, figures=figures)
    mine = [item for item in items if item.can_have]
    nearest = shelves.nearest(items)
    return {
        **campaign_offers.entrances(member=member, at=at, program=program),
        "member": member,
        "greeting": greeting(timezone.localtime(at)),
        "figures": figures,
        "standing": standing,
        "to_spend": tiers.money_to(needed=standing.needed or 0, program=program),
        "expiring": loyalty_queries.expiring(member=member, at=at),
        "drafts": reward_queries.open_drafts_of(member=member, at=at),
        "at": at,
        "nearest": nearest[0] if nearest else None,
        "mine": mine[:3],
        "mine_count": len(mine),
        "recent": loyalty_queries.entries_of(member=member).order_by("-at", "-sequence")[:RECENT],
    }


def greeting(now: datetime) -> str:
    """What one says at this hour."""
    return next(words() for until, words in GREETINGS if now.hour < until)


@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Whether the database answers: 200, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        logger.exception("The database does not answer.")
        return JsonResponse({"status": "database unreachable"}, status=503)
    return JsonResponse({"status": "ok"})


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for what went wrong here; asks nothing of the database, which may be the reason."""
    reference = secrets.token_hex(4).upper()
    logger.error("The error above was shown to the visitor as %s.", reference)
    return render(request, "500.html", {"program": None, "reference": reference}, status=500)
