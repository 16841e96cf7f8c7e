"""Giving points to another member: fill in, look at what it would do, confirm."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty import queries, transfers
from loyalty.models import Entry
from loyalty.portal.access import ProgramRequest
from loyalty.portal.forms import GiveForm
from loyalty.transfers import Preview, TransferRequest
from members.errors import InvalidInput, NotFound, ReferenceReused, Refusal
from members.models import Member
from members.portal import receivers
from members.portal.access import member_required

# Which field a refusal is about; the others stand above the form.
FIELDS = {
    "insufficient_points": "points",
    "limit_reached": "points",
    "out_of_range": "points",
}


@member_required
def give(request: ProgramRequest) -> HttpResponse:
    """Ask whom and how much, show what it would do, and give when that is confirmed."""
    rules = transfers.rules_of(request.program)
    if not rules.is_enabled:
        raise Http404
    form = GiveForm(
        receivers.with_key(request.POST) if request.method == "POST" else None,
        initial={"key": uuid.uuid4()},
    )
    preview = None
    if request.method == "POST" and form.is_valid() and receivers.may_look(request, form):
        try:
            wish = _wish(request.member, form)
            if "confirmed" in form.data:
                return _given(request, wish)
            if "back" not in form.data:
                preview = transfers.preview(request=wish, at=timezone.now())
        except (Refusal, InvalidInput, NotFound) as problem:
            _say(form, problem)
    return _shown(request, form, rules, preview)


def _wish(sender: Member, form: GiveForm) -> TransferRequest:
    said = form.cleaned_data
    return TransferRequest(
        sender=sender.number,
        receiver=receivers.named(said["receiver"]).number,
        points=said["points"],
        reference=f"portal:{said['key']}",
        message=said["message"],
    )


def _given(request: ProgramRequest, wish: TransferRequest) -> HttpResponse:
    done = transfers.transfer(request=wish, at=timezone.now())
    wallet = queries.wallet_of(member=request.member)
    entry = queries.entry_of(
        wallet=wallet.pk, kind=Entry.Kind.TRANSFER_OUT, reference=wish.reference
    )
    words = {"name": done.transfer.receiver.masked_name}
    messages.success(request, _("%(name)s now has the points.") % words)
    return redirect("loyalty:entry", entry_id=entry.pk)


def _say(form: GiveForm, problem: Refusal | InvalidInput | NotFound) -> None:
    """Put what stands against it on the field it is about."""
    if isinstance(problem, NotFound):
        form.add_error("receiver", _("No member has this phone number or member number."))
    elif isinstance(problem, ReferenceReused):
        form.add_error(None, _("These points have already been given. To give more, start again."))
    elif isinstance(problem, InvalidInput):
        form.add_error(FIELDS.get(problem.code), problem.detail)
    elif problem.data.get("side") == "to":
        form.add_error("receiver", _("This member cannot receive points at the moment."))
    elif problem.data.get("reason") == "self":
        form.add_error("receiver", str(problem))
    elif problem.data.get("reason") == "minimum":
        form.add_error("points", str(problem))
    else:
        form.add_error(FIELDS.get(problem.code), str(problem))


def _shown(
    request: ProgramRequest, form: GiveForm, rules: transfers.Rules, preview: Preview | None
) -> HttpResponse:
    figures = queries.figures(member=request.member, at=timezone.now(), program=request.program)
    context: dict[str, Any] = {
        "form": form,
        "rules": rules,
        "preview": preview,
        "figures": figures,
        "is_frozen": request.member.status == Member.Status.FROZEN,
        "is_closed": request.member.status == Member.Status.CLOSED,
    }
    page = "portal/give_confirm.html" if preview else "portal/give.html"
    return render(request, page, context)
