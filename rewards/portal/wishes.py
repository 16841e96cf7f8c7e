"""The member's wishes: hearts on rewards, and how far each wish is."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from loyalty import queries as loyalty_queries
from loyalty.portal.access import ProgramRequest
from members.errors import NotFound, Refusal
from members.portal.access import member_required
from rewards import queries, showcase
from rewards import wishes as wish_list


@member_required
def wishes(request: ProgramRequest) -> HttpResponse:
    """What the member wishes for: what can be had now first, then what lacks least."""
    at = timezone.now()
    figures = loyalty_queries.figures(member=request.member, at=at, program=request.program)
    items = showcase.items_for(member=request.member, at=at, figures=figures)
    wished = [item for item in items if item.is_wished]
    shown = {item.reward.pk for item in wished}
    context = {
        "figures": figures,
        "items": sorted(wished, key=lambda item: (not item.can_have, item.missing)),
        # Neither on sale nor announced.
        "gone": [
            wish.reward
            for wish in wish_list.wished_by(member=request.member)
            if wish.reward_id not in shown
        ],
        "at": at,
    }
    return render(request, "portal/wishes.html", context)


@require_POST
@member_required
def wish(request: ProgramRequest, code: str) -> HttpResponse:
    """Put a reward on the wish list."""
    try:
        wish_list.add(member=request.member, reward=code, at=timezone.now())
    except NotFound:
        raise Http404 from None
    except Refusal as problem:
        messages.error(request, str(problem))
        return redirect("rewards:reward", code=code)
    return _answer(
        request, code, said=_("Added to your wish list. We will tell you when you can get it.")
    )


@require_POST
@member_required
def unwish(request: ProgramRequest, code: str) -> HttpResponse:
    """Take a reward off the wish list."""
    try:
        wish_list.remove(member=request.member, reward=code)
    except NotFound:
        raise Http404 from None
    return _answer(request, code, said=_("Removed from your wish list."))


def _answer(request: ProgramRequest, code: str, *, said: str) -> HttpResponse:
    """The heart by itself where it is swapped, else the page it was on."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = ""
    is_card = request.POST.get("place") == "card"
    if request.headers.get("HX-Request"):
        context = {
            "reward": queries.reward(code),
            "is_wished": request.path.endswith("/wish"),
            "place": "card" if is_card else "",
            "next": target,
            "said": said,
        }
        return render(request, "portal/_heart.html", context)
    messages.success(request, said)
    if not target:
        return redirect("rewards:reward", code=code)
    # Back to the card itself, not to the top of the mall.
    return redirect(f"{target}#reward-{code}" if is_card else target)
