"""Bringing friends: the link, how far each friend has come; and the page that the link leads to."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from campaigns import friends as circles
from campaigns.offers import Offers
from campaigns.portal import words
from campaigns.wording import Names, condition_words
from loyalty.models import Program
from loyalty.portal.access import ProgramRequest
from members.portal import access, invitations, qr


@access.member_required
def friends(request: ProgramRequest) -> HttpResponse:
    """The member's link and friends."""
    mine = Offers(member=request.member, at=timezone.now(), program=request.program)
    offers = circles.referral_offers(mine)
    code = request.member.referral_code
    link = request.build_absolute_uri(reverse("campaigns:invite", args=[code]))
    context = {
        "member": request.member,
        "link": link,
        "qr": qr.drawing(link, label=_("Invitation with the code %(code)s") % {"code": code}),
        "circle": circles.circle(mine),
        "gets": promised_to_referrer(mine),
        "friend_gets": circles.promised(
            [each.campaign for each in offers if circles.pays_referee(each.campaign)]
        ),
        "rules": _rules(mine, request.program),
        "is_running": bool(offers),
    }
    return render(request, "portal/friends.html", context)


def promised_to_referrer(mine: Offers) -> int:
    """The points for each friend; 0 where no campaign pays for friends."""
    return circles.promised(
        [
            each.campaign
            for each in circles.referral_offers(mine)
            if circles.pays_referrer(each.campaign)
        ]
    )


def _rules(mine: Offers, program: Program) -> list[str]:
    """What has to happen for the points, rule by rule."""
    names, said = Names(), []
    for offer in circles.referral_offers(mine):
        conditions = [
            condition_words(name, value, names)
            for name, value in offer.campaign.conditions.items()
            if value not in (None, False, [], {}, "")
        ]
        days = offer.campaign.effect.get("pending_days", program.pending_days)
        said += [_demand(conditions), _standing(int(days or 0)), words.limits(offer.campaign)]
    return [each for each in dict.fromkeys(said) if each]


def _demand(conditions: list[str]) -> str:
    if not conditions:
        return _("Your friend joins with your link or code and places a first order.")
    return _("Your friend joins with your link or code and places %(order)s.") % {
        "order": _(", ").join(conditions)
    }


def _standing(days: int) -> str:
    if not days:
        return _("The points come with the order; a full refund takes them back from both of you.")
    return ngettext(
        "The points become usable %(days)d day after the order; a full refund takes them "
        "back from both of you.",
        "The points become usable %(days)d days after the order; a full refund takes them "
        "back from both of you.",
        days,
    ) % {"days": days}


@never_cache
def invite(request: HttpRequest, referral: str) -> HttpResponse:
    """Where an invitation leads: its referral code is kept until its reader joins. It answers alike whatever the code."""
    if access.member_of(request) is not None:
        return redirect("home")
    invitations.keep(request, referral)
    context = {"promised": circles.promised(circles.invitation(timezone.now()))}
    return render(request, "portal/invite.html", context)
