"""The member's vouchers: the wallet, and one voucher to show."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from loyalty.portal.access import ProgramRequest
from members.portal import qr
from members.portal.access import member_required
from rewards import queries, vouchers
from rewards.models import Voucher

SHOWN = 50
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
    found = list(_of_tab(queries.vouchers_of(request.member), tab, at)[:SHOWN])
    context = {
        "vouchers": [(one, vouchers.state_of(one, at)) for one in found],
        "tab": tab,
        "tabs": TABS.items(),
    }
    return render(request, "portal/vouchers.html", context)


def _of_tab(all_of_member: QuerySet[Voucher], tab: str, at: datetime) -> QuerySet[Voucher]:
    is_good = Q(expires_at=None) | Q(expires_at__gt=at)
    is_open = Q(state__in=[Voucher.State.ACTIVE, Voucher.State.INACTIVE])
    if tab == "used":
        return all_of_member.filter(state=Voucher.State.USED).order_by("-used_at", "-id")
    if tab == "over":
        over = (is_open & ~is_good) | Q(state=Voucher.State.VOID)
        return all_of_member.filter(over).order_by("-expires_at", "-id")
    return all_of_member.filter(is_open & is_good).order_by("expires_at", "id")


@member_required
def voucher(request: ProgramRequest, code: str) -> HttpResponse:
    """One voucher: its code to show at the till, or what became of it."""
    own = queries.vouchers_of(request.member).select_related("redemption", "reward", "used_store")
    found = get_object_or_404(own, lookup=vouchers.normalise(code))
    state = vouchers.state_of(found, timezone.now())
    label = _("Voucher code %(code)s") % {"code": vouchers.pretty(found.code)}
    context = {
        "voucher": found,
        "redemption": found.redemption,
        "reward": found.reward,
        "state": state,
        "code": vouchers.pretty(found.code),
        "qr": qr.drawing(found.code, label=label) if state == Voucher.State.ACTIVE else "",
        "can_cancel": state == Voucher.State.ACTIVE,
    }
    return render(request, "portal/voucher.html", context)
