"""The member's vouchers: the wallet, and one voucher to show."""

from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from loyalty.portal.access import ProgramRequest
from members.errors import NotFound
from members.models import Member
from members.portal.access import member_required
from rewards import (
    cancel_rules,
    guessing,
    queries,
    voucher_gifts,
    voucher_returns,
    voucher_rules,
    vouchers,
)
from rewards.models import Redemption, Voucher, VoucherGift
from rewards.portal import scan_codes, voucher_words
from rewards.portal.forms import PageForm
from rewards.voucher_errors import TooManyMisses

PAGE = 50
TABS = {
    "usable": pgettext_lazy("vouchers", "To use"),
    "used": pgettext_lazy("vouchers", "Used"),
    "over": pgettext_lazy("vouchers", "Expired"),
}


@member_required
def wallet(request: ProgramRequest) -> HttpResponse:
    """The member's vouchers, those that expire first on top."""
    at = timezone.now()
    tab = request.GET.get("show", "usable")
    if tab not in TABS:
        raise Http404
    form = PageForm(request.GET)
    page = (form.cleaned_data.get("page") if form.is_valid() else None) or 1
    begin = (page - 1) * PAGE
    found = list(_of_tab(queries.vouchers_of(request.member), tab, at)[begin : begin + PAGE + 1])
    given = _given(request.member)[:PAGE] if tab == "used" and page == 1 else []
    context = {
        "shown": voucher_words.shown(found[:PAGE], request.program, at),
        "given": given,
        "tab": tab,
        "tabs": TABS.items(),
        "next_page": page + 1 if len(found) > PAGE else None,
    }
    return render(request, "portal/vouchers.html", context)


def _given(member: Member) -> QuerySet[VoucherGift]:
    """What the member gave away, with what the address of the reward's picture needs."""
    given = voucher_gifts.gifts_of(member)
    return given.annotate(picture_digest=F("voucher__reward__picture__digest"))


def _of_tab(all_of_member: QuerySet[Voucher], tab: str, at: datetime) -> QuerySet[Voucher]:
    is_good = Q(expires_at=None) | Q(expires_at__gt=at)
    is_open = Q(state__in=[Voucher.State.ACTIVE, Voucher.State.INACTIVE])
    if tab == "used":
        return all_of_member.filter(state=Voucher.State.USED).order_by("-used_at", "-id")
    if tab == "over":
        over = (is_open & ~is_good) | Q(state=Voucher.State.VOID)
        return all_of_member.filter(over).order_by(F("expires_at").desc(nulls_last=True), "-id")
    return all_of_member.filter(is_open & is_good).order_by("expires_at", "id")


@member_required
def voucher(request: ProgramRequest, code: str) -> HttpResponse:
    """One voucher: its code to show at the till, or what became of it."""
    found = own_or_answer(request, code)
    if isinstance(found, HttpResponse):
        return found
    return render(request, "portal/voucher.html", _about(request, found))


@member_required
def show(request: ProgramRequest, code: str) -> HttpResponse:
    """The code alone, as large and bright as the screen allows."""
    found = own_or_answer(request, code)
    if isinstance(found, HttpResponse):
        return found
    return render(request, "portal/voucher_show.html", _about(request, found))


@member_required
def state(request: ProgramRequest, code: str) -> HttpResponse:
    """What a page that shows the code asks for now and then: whether it is still the same."""
    found = own_or_answer(request, code)
    if isinstance(found, HttpResponse):
        return found
    return JsonResponse({"state": voucher_rules.state_of(found, timezone.now())})


def own_or_answer(request: ProgramRequest, code: str) -> Voucher | HttpResponse:
    """The member's own voucher with this code, or the answer that whoever tries out codes gets; raises Http404."""
    at, subject = timezone.now(), f"member:{request.member.pk}"
    try:
        guessing.check(subject=subject, at=at)
        found = queries.voucher(code)
    except TooManyMisses as slowed:
        answer = render(request, "429.html", status=429)
        answer["Retry-After"] = str(slowed.data["retry_after"])
        return answer
    except NotFound:
        guessing.miss(subject=subject, at=at)
        raise Http404 from None
    if found.member_id != request.member.pk:
        # Somebody else's, or given away: no word about whether there is such a code.
        guessing.miss(subject=subject, at=at)
        raise Http404
    return found


def _about(request: ProgramRequest, found: Voucher) -> dict[str, Any]:
    at = timezone.now()
    (shown,) = voucher_words.shown([found], request.program, at)
    is_active = shown.state == Voucher.State.ACTIVE
    is_scanned = is_active and not shown.is_of_partner
    is_open = is_active or shown.state == Voucher.State.INACTIVE
    return {
        "shown": shown,
        "voucher": found,
        "reward": found.reward,
        "state": shown.state,
        "is_active": is_active,
        "code": found.code if shown.is_of_partner else vouchers.pretty(found.code),
        "qr": scan_codes.qr_of(found.code) if is_scanned else "",
        "bars": scan_codes.bars_of(found.code) if is_scanned else "",
        "over": voucher_words.taken_back(found),
        "parts": list(voucher_returns.shares_of(found)),
        # Of one that somebody else redeemed and gave away, points and cancelling are not the member's business.
        "redemption": found.redemption if found.redemption.member_id == found.member_id else None,
        "can_cancel": is_open
        and found.redemption.state == Redemption.State.ISSUED
        and not cancel_rules.is_for_staff_alone(found.reward, found.redemption.state),
        "can_give": is_open and found.reward.is_giftable,
    }
