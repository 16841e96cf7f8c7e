"""Joining, the member's own page, the member code and how pages are shown."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from members import enrolment, logins
from members.errors import InvalidInput, Refusal
from members.models import User
from members.portal import access, invitations, qr
from members.portal import display as displays
from members.portal.forms import JoinForm

# Which field of the form a problem is about; the others stand above it.
FIELDS = {"/referral_code": "referral_code"}


@never_cache
@login_required
def join(request: HttpRequest) -> HttpResponse:
    """The owner of a proved phone number agrees to the terms and becomes a member."""
    login = request.user
    if not isinstance(login, User) or not logins.is_newcomer(login):
        return redirect("home")
    code = request.GET.get("code") or invitations.kept(request)
    form = JoinForm(request.POST or None, initial={"referral_code": code[: invitations.LONGEST]})
    if form.is_valid():
        try:
            logins.join(newcomer=_newcomer(request, login, form), login=login, at=timezone.now())
        except InvalidInput as problem:
            form.add_error(FIELDS.get(problem.pointer), str(problem))
        except Refusal as problem:
            form.add_error(None, str(problem))
        else:
            invitations.forget(request)
            messages.success(request, _("Welcome. Your membership begins today."))
            return redirect("home")
    return render(request, "portal/join.html", {"form": form, "phone": logins.phone_of(login)})


def _newcomer(request: HttpRequest, login: User, form: JoinForm) -> enrolment.Newcomer:
    return enrolment.Newcomer(
        phone=logins.phone_of(login),
        channel="portal",
        referral_code=form.cleaned_data["referral_code"] or None,
        consents={
            "terms": form.cleaned_data["terms"],
            "marketing_sms": form.cleaned_data["marketing"],
        },
        ip=request.META.get("REMOTE_ADDR"),
        device=request.headers.get("User-Agent", "")[:200],
    )


@access.member_required
def me(request: access.MemberRequest) -> HttpResponse:
    """Who I am here, and how I want to see it."""
    return render(
        request,
        "portal/me.html",
        {
            "member": request.member,
            "display": displays.of(request),
            "themes": displays.THEMES.items(),
            "sizes": displays.SIZES.items(),
        },
    )


@access.member_required
def code(request: access.MemberRequest) -> HttpResponse:
    """The code that a till scans to know whom the purchase belongs to."""
    label = _("Member code %(number)s") % {"number": request.member.number}
    drawing = qr.drawing(request.member.number, label=label)
    return render(request, "portal/code.html", {"member": request.member, "qr": drawing})


@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Keep theme and size in cookies; what is not a choice leaves the cookie as it is."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = redirect(target)
    for name, choices in (("theme", displays.THEMES), ("size", displays.SIZES)):
        chosen = request.POST.get(name)
        if chosen in choices:
            response.set_cookie(
                name, chosen, max_age=displays.A_YEAR, samesite="Lax", secure=request.is_secure()
            )
    return response
