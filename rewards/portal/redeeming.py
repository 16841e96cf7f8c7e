"""Redeeming: look once more at what it takes, say where it goes, confirm."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty.portal.access import ProgramRequest
from members.errors import InvalidInput, NotFound, ReferenceReused, Refusal
from members.portal.access import member_required
from rewards import drafts, queries, redemption
from rewards.models import Redemption
from rewards.portal.choices import Choice
from rewards.portal.forms import AddressForm, RedeemForm
from rewards.portal.mall import Sight, look_at
from rewards.redemption_errors import PriceChanged

ADDRESS = "/address/"


@member_required
def redeem(request: ProgramRequest, code: str) -> HttpResponse:
    """Ask once more, then redeem; the form's key makes a double tap one redemption."""
    sight = look_at(request, code)
    asked = _Asked.of(request, sight)
    if request.method == "POST":
        if asked.is_valid():
            made = _redeemed(request, asked)
            if made is not None:
                return redirect("rewards:done", number=made.number)
            # What stood in the way may have changed what is shown.
            sight = look_at(request, code)
    elif sight.may_redeem and sight.choice and not sight.choice.is_complete:
        messages.warning(request, _("Choose one first; then you can redeem it."))
        return redirect("rewards:reward", code=sight.reward.code)
    return render(request, "portal/redeem.html", sight.context() | asked.context())


@dataclass(slots=True, kw_only=True)
class _Asked:
    """What was sent with the confirmation, and what is said about it."""

    code: str
    choice: Choice | None
    form: RedeemForm
    address: AddressForm | None
    key: uuid.UUID
    problem: str = ""
    changed: PriceChanged | None = None

    @classmethod
    def of(cls, request: ProgramRequest, sight: Sight) -> "_Asked":
        """Read the confirmation; the last address is offered again, and what was typed is kept."""
        sent = request.POST if request.method == "POST" else None
        form = RedeemForm(sent)
        address = None
        if sight.choice is not None and sight.choice.is_sent:
            last = queries.last_address_of(request.member) if sent is None else None
            address = AddressForm(sent, initial=last or _own_name_and_phone(request))
        key = form.cleaned_data.get("key") if form.is_bound and form.is_valid() else None
        return cls(
            code=sight.reward.code,
            choice=sight.choice,
            form=form,
            address=address,
            key=key or uuid.uuid4(),
        )

    def is_valid(self) -> bool:
        """Whether it can be redeemed as it was said; else the page says what is missing."""
        if not self.form.is_valid():
            self.problem = _("This page had expired. Nothing was redeemed; please confirm again.")
            return False
        return self.address is None or self.address.is_valid()

    def context(self) -> dict[str, Any]:
        """What the page shows of it."""
        return {
            "address": self.address,
            "key": self.key,
            "problem": self.problem,
            "changed": self.changed,
        }


def _own_name_and_phone(request: ProgramRequest) -> dict[str, str]:
    return {"name": request.member.name, "phone": request.member.phone or ""}


def _redeemed(request: ProgramRequest, asked: _Asked) -> Redemption | None:
    """What was redeemed; None where it was refused, with the reason in `asked`."""
    said = asked.form.cleaned_data
    wish = redemption.RedemptionRequest(
        member=request.member.number,
        reward=asked.code,
        quantity=said["quantity"],
        reference=f"portal:{said['key']}",
        variant=said["variant"] or None,
        delivery=said["delivery"] or None,
        address=asked.address.cleaned_data if asked.address else None,
        price=said["price"],
    )
    # What is partly paid in money waits until the counter has it.
    verb = drafts.reserve if asked.choice and asked.choice.cash else redemption.redeem
    try:
        return verb(request=wish, at=timezone.now()).redemption
    except ReferenceReused as problem:
        # A second tap on a page that has changed meanwhile: the first one counts.
        return queries.redemption_by_reference(
            member=request.member, reference=problem.data["reference"]
        )
    except PriceChanged as problem:
        asked.changed = problem
    except InvalidInput as problem:
        _say(asked, problem)
    except (Refusal, NotFound) as problem:
        asked.problem = str(problem)
    return None


def _say(asked: _Asked, problem: InvalidInput) -> None:
    """Put what is wrong on the field it is about."""
    name = problem.pointer.removeprefix(ADDRESS)
    if asked.address is not None and name in asked.address.fields:
        asked.address.add_error(name, problem.detail)
    else:
        asked.problem = problem.detail
