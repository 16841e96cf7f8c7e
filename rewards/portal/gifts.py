"""Giving a voucher to another member: whom, a look at it, and confirm."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.portal.access import ProgramRequest
from members.errors import InvalidInput, NotFound, ReferenceReused, Refusal
from members.models import Member
from members.portal import receivers
from members.portal.access import member_required
from rewards import queries, voucher_gifts, voucher_rules
from rewards.models import Voucher
from rewards.portal import vouchers
from rewards.voucher_gifts import GiftRequest


class GiftForm(forms.Form):
    """Whom to give it; the key, made with the form, makes sending it twice one gift."""

    receiver = forms.CharField(
        label=gettext_lazy("Who gets it"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off"}),
        error_messages={"required": gettext_lazy("Enter the phone number or member number.")},
    )
    message = forms.CharField(
        label=gettext_lazy("A short message (optional)"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": gettext_lazy("At most 100 characters.")},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


@member_required
def give(request: ProgramRequest, code: str) -> HttpResponse:
    """Ask whom, show who that is, and give when that is confirmed."""
    if _is_given(request):
        return redirect("rewards:vouchers")
    own = vouchers.own_or_answer(request, code)
    if isinstance(own, HttpResponse):
        return own
    form = GiftForm(
        receivers.with_key(request.POST) if request.method == "POST" else None,
        initial={"key": uuid.uuid4()},
    )
    receiver = None
    if request.method == "POST" and form.is_valid() and receivers.may_look(request, form):
        try:
            receiver = receivers.named(form.cleaned_data["receiver"])
            if "confirmed" in form.data:
                return _given(request, own, receiver, form)
            voucher_gifts.refuse_unfit(voucher=own, receiver=receiver, at=timezone.now())
        except (Refusal, InvalidInput, NotFound) as problem:
            receiver = None
            _say(form, problem)
    return _shown(request, own, form, None if "back" in form.data else receiver)


def _is_given(request: ProgramRequest) -> bool:
    """Whether this very form came a second time, after it had given the voucher."""
    reference = f"portal:{request.POST.get('key', '')}"[:100].replace("\0", "")
    given = voucher_gifts.gifts_of(request.member).filter(reference=reference)
    return request.method == "POST" and given.exists()


def _given(
    request: ProgramRequest, own: Voucher, receiver: Member, form: GiftForm
) -> HttpResponse:
    gift = GiftRequest(
        code=own.code,
        to=receiver.number,
        giver=request.member.number,
        reference=f"portal:{form.cleaned_data['key']}",
        message=form.cleaned_data["message"],
    )
    voucher_gifts.give(request=gift, by="", at=timezone.now())
    messages.success(request, _("%(name)s now has the voucher.") % {"name": receiver.masked_name})
    return redirect("rewards:vouchers")


def _say(form: GiftForm, problem: Refusal | InvalidInput | NotFound) -> None:
    """Put what stands against it on the field it is about."""
    if isinstance(problem, NotFound):
        form.add_error("receiver", _("No member has this phone number or member number."))
    elif isinstance(problem, ReferenceReused):
        form.add_error(None, _("This voucher has already been given."))
    elif isinstance(problem, InvalidInput):
        form.add_error(None, problem.detail)
    elif problem.data.get("side") == "to":
        form.add_error("receiver", _("This member cannot receive vouchers at the moment."))
    elif problem.data.get("reason") == "self":
        form.add_error("receiver", str(problem))
    else:
        form.add_error(None, str(problem))


def _shown(
    request: ProgramRequest, own: Voucher, form: GiftForm, receiver: Member | None
) -> HttpResponse:
    is_open = voucher_rules.state_of(own, timezone.now()) in voucher_rules.OPEN
    context: dict[str, Any] = {
        "form": form,
        "voucher": own,
        "reward": own.reward,
        "digest": queries.picture_digests([own.reward_id]).get(own.reward_id, ""),
        "receiver": receiver,
        "can_give": is_open and own.reward.is_giftable and request.member.status == "active",
    }
    page = "portal/voucher_give_confirm.html" if receiver else "portal/voucher_give.html"
    return render(request, page, context)
