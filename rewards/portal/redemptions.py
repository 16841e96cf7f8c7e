"""What a member has redeemed: the list, one redemption with its steps, the moment after redeeming, and cancelling."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import F, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty import queries as loyalty_queries
from loyalty.portal.access import ProgramRequest
from members import validation
from members.errors import InvalidInput, Refusal
from members.portal.access import member_required
from rewards import cancel_rules, queries, redemption
from rewards.models import Redemption, Voucher
from rewards.portal import order_steps, voucher_words
from rewards.portal.forms import PageForm

PAGE = 20
OPEN = (Redemption.State.RESERVED, Redemption.State.ISSUED)
# What was bought to be read stays readable, unless it was given back.
READABLE = (Redemption.State.ISSUED, Redemption.State.USED, Redemption.State.FULFILLED)


@member_required
def listing(request: ProgramRequest) -> HttpResponse:
    """Everything the member has redeemed, the newest first."""
    form = PageForm(request.GET)
    page = (form.cleaned_data.get("page") if form.is_valid() else None) or 1
    begin = (page - 1) * PAGE
    own = _with_pictures(queries.redemptions_of(request.member).select_related("variant"))
    found = list(own.prefetch_related("vouchers")[begin : begin + PAGE + 1])
    at = timezone.now()
    context = {
        "rows": [(each, redemption.state_of(each, at)) for each in found[:PAGE]],
        "next_page": page + 1 if len(found) > PAGE else None,
        "page": page,
    }
    return render(request, "portal/redemptions.html", context)


@member_required
def order(request: ProgramRequest, number: str) -> HttpResponse:
    """One redemption: what it was, how far it is, and what can be done with it."""
    return render(request, "portal/redemption.html", _about(request, number))


@member_required
def done(request: ProgramRequest, number: str) -> HttpResponse:
    """Right after redeeming: it worked, and what to do next; later the order says it all."""
    context = _about(request, number)
    if context["state"] not in OPEN and context["state"] != Redemption.State.FULFILLED:
        return redirect("rewards:redemption", number=context["redemption"].number)
    at = timezone.now()
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    return render(request, "portal/done.html", context | {"figures": figures})


@member_required
def cancel(request: ProgramRequest, number: str) -> HttpResponse:
    """Ask once more, then give points and stock back."""
    context = _about(request, number)
    found: Redemption = context["redemption"]
    if request.method == "POST":
        try:
            redemption.cancel_own(number=found.number, at=timezone.now())
        except (Refusal, InvalidInput) as problem:
            context["problem"] = str(problem)
        else:
            messages.success(request, _("Cancelled. The points are back in your account."))
            return redirect("rewards:redemption", number=found.number)
    return render(request, "portal/cancel.html", context)


def _about(request: ProgramRequest, number: str) -> dict[str, Any]:
    at = timezone.now()
    found = own_redemption(request, number)
    issued = list(found.vouchers.all())
    state = redemption.state_of(found, at)
    return {
        "redemption": found,
        "reward": found.reward,
        "variant": found.variant,
        "state": state,
        "steps": order_steps.steps_of(redemption=found, vouchers=issued, state=state),
        "vouchers": _own_vouchers(request, issued, at),
        "can_cancel": _can_cancel(found, issued, state, at),
        "is_for_staff_alone": cancel_rules.is_for_staff_alone(found.reward, state),
        "has_content": state in READABLE
        and bool(found.reward.content or found.reward.content_url),
        "at": at,
    }


def _with_pictures(found: QuerySet[Redemption]) -> QuerySet[Redemption]:
    """With what the address of the reward's picture needs; its body is large."""
    return found.annotate(picture_digest=F("reward__picture__digest"))


def own_redemption(request: ProgramRequest, number: str) -> Redemption:
    """The member's own redemption with what its page tells; raises Http404 for anything else."""
    plain = number.strip().upper()
    found_all = queries.redemptions_of(request.member)
    own = _with_pictures(found_all.select_related("variant", "offer"))
    if validation.is_storable(plain):
        found = (
            own.prefetch_related("vouchers__used_store", "vouchers__reward", "vouchers__given_by")
            .filter(number=plain)
            .first()
        )
        if found is not None:
            return found
    raise Http404


def _own_vouchers(
    request: ProgramRequest, issued: list[Voucher], at: datetime
) -> list[voucher_words.Shown]:
    """Those that are still the member's: a voucher given away is somebody else's."""
    own = [each for each in issued if each.member_id == request.member.pk]
    return voucher_words.shown(own, request.program, at)


def _can_cancel(found: Redemption, issued: list[Voucher], state: str, at: datetime) -> bool:
    """Whether to offer it; whether it goes is for the verb to say."""
    has_begun = bool(found.variant and found.variant.begins_at and found.variant.begins_at <= at)
    is_over = any(each.state in (Voucher.State.USED, Voucher.State.VOID) for each in issued)
    is_open = state in OPEN and not cancel_rules.is_for_staff_alone(found.reward, state)
    return is_open and not has_begun and not is_over
