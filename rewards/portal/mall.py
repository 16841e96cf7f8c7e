"""The mall: what points can buy, one reward, and redeeming it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty import queries as loyalty_queries
from loyalty.portal.access import ProgramRequest
from members import queries as member_queries
from members.errors import InvalidInput, NotFound, Refusal
from members.portal.access import member_required
from rewards import queries, redemption
from rewards.portal import shelves
from rewards.portal.forms import MallForm, RedeemForm
from rewards.queries import Offer


@member_required
def mall(request: ProgramRequest) -> HttpResponse:
    """What the member can get first, then what comes next."""
    at = timezone.now()
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    form = MallForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    shelf = shelves.arrange(
        offers=queries.offers_for(member=request.member, at=at, figures=figures),
        show=asked.get("show", ""),
        text=asked.get("q", "").strip(),
        page=asked.get("page") or 1,
    )
    context = {"figures": figures, "shelf": shelf, "text": asked.get("q", "").strip()}
    return render(request, "portal/mall.html", context)


@member_required
def reward(request: ProgramRequest, code: str) -> HttpResponse:
    """One reward with its rules and what would be left; the sheet at the end confirms."""
    return render(request, "portal/reward.html", _about(request, code))


@member_required
def redeem(request: ProgramRequest, code: str) -> HttpResponse:
    """Ask once more, then redeem; the form's key makes a double tap one redemption."""
    context = _about(request, code)
    if request.method == "POST":
        form = RedeemForm(request.POST)
        if form.is_valid():
            try:
                return _redeemed(request, code, form.cleaned_data["key"])
            except (Refusal, InvalidInput) as problem:
                context = _about(request, code) | {"problem": str(problem)}
        else:
            context["problem"] = _(
                "This page was too old. Nothing was redeemed; please confirm again."
            )
    return render(request, "portal/redeem.html", context)


def _redeemed(request: ProgramRequest, code: str, key: uuid.UUID) -> HttpResponse:
    wish = redemption.RedemptionRequest(
        member=request.member.number, reward=code, reference=f"portal:{key}"
    )
    done = redemption.redeem(request=wish, at=timezone.now())
    messages.success(request, _("Redeemed. Here is your voucher."))
    return redirect("rewards:voucher", code=done.redemption.vouchers.order_by("id")[0].code)


def _about(request: ProgramRequest, code: str) -> dict[str, Any]:
    at = timezone.now()
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    try:
        found = queries.reward(code)
    except NotFound:
        raise Http404 from None
    offers = queries.offers_for(member=request.member, at=at, figures=figures)
    offer: Offer | None = next((offer for offer in offers if offer.reward.pk == found.pk), None)
    return {
        "reward": found,
        "offer": offer,
        "figures": figures,
        "can_have": offer is not None and _may_spend(request) and shelves.can_have(offer),
        "is_left": offer is not None and shelves.is_left(offer),
        "left_over": figures.active - found.points,
        "tier_names": _tier_names(found.tiers),
        "key": uuid.uuid4(),
    }


def _may_spend(request: ProgramRequest) -> bool:
    return request.member.status == request.member.Status.ACTIVE


def _tier_names(codes: list[str]) -> list[str]:
    return [tier.name for tier in member_queries.tiers() if tier.code in codes] if codes else []
