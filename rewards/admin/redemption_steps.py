"""What staff do with one redemption: take the money for a draft, hand it over, call it off."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from members.admin.base import ReadOnlyAdmin
from members.errors import InvalidInput, NotFound, Refusal
from rewards import drafts, fulfilment, redemption, voucher_rules
from rewards.fulfilment import Parcel
from rewards.models import Redemption, Reward

State = Redemption.State
PAYABLE, CANCELLABLE, FULFILLABLE = "pay", "cancel", "fulfil"


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=_("Why it is cancelled"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )


class ParcelForm(forms.Form):
    carrier = forms.CharField(
        label=_("carrier"), max_length=100, required=False, widget=UnfoldAdminTextInputWidget
    )
    tracking = forms.CharField(
        label=_("tracking number"),
        max_length=100,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Both may stay empty, as for what is handed over at the counter."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A question that is asked before something is done: its words, its form, the verb and what is said after."""

    name: str
    title: str
    text: str
    button: str
    form: type[forms.Form]
    work: Callable[[dict[str, Any]], Redemption]
    done: str
    is_danger: bool = False


def open_steps(found: Redemption) -> set[str]:
    """What can be done with a redemption now."""
    state = redemption.state_of(found, timezone.now())
    if state == State.RESERVED:
        return {PAYABLE, CANCELLABLE}
    if state == State.ISSUED:
        is_handed_over = voucher_rules.is_for_counters(found.reward)
        return {FULFILLABLE, CANCELLABLE} if is_handed_over else {CANCELLABLE}
    is_parcel = found.delivery == Reward.Delivery.SHIPPING
    return {FULFILLABLE} if state == State.FULFILLED and is_parcel else set()


class RedemptionSteps(ReadOnlyAdmin):
    """The three buttons of a redemption's page, each with a question before it."""

    actions_detail = ("pay", "fulfil", "cancel")

    def has_hand_over_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("rewards.fulfil_redemption")

    def has_undo_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("rewards.change_redemption")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The buttons of what can be done now."""
        rows = Redemption.objects.select_related("reward").prefetch_related("vouchers")
        found = rows.filter(pk=object_id).first()
        open_ones = open_steps(found) if found else set()
        actions = super().get_actions_detail(request, object_id)
        return [each for each in actions if str(each.action_name).rpartition("_")[2] in open_ones]

    @action(description=_("Money received"), permissions=["hand_over"], icon="payments")
    def pay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self._found(request, object_id)
        words = {"cash": f"{found.cash:,.2f}", "points": f"{found.points:,}"}
        step = Step(
            name=PAYABLE,
            title=gettext("Was the money received?"),
            text=gettext(
                "¥%(cash)s at the counter. The %(points)s points that are kept are spent then, and the voucher is issued."
            )
            % words,
            button=gettext("Yes, the money is here"),
            form=forms.Form,
            work=lambda _said: drafts.issue(number=found.number, at=timezone.now()),
            done=gettext("Paid and issued."),
        )
        return self._asked(request, found, step)

    @action(description=_("Handed over or sent"), permissions=["hand_over"], icon="local_shipping")
    def fulfil(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self._found(request, object_id)
        by = request.user.get_username()

        def work(said: dict[str, Any]) -> Redemption:
            parcel = Parcel(**said)
            return fulfilment.fulfil(number=found.number, parcel=parcel, by=by, at=timezone.now())

        step = Step(
            name=FULFILLABLE,
            title=gettext("Handed over or sent?"),
            text=gettext("It cannot be cancelled any more then; its vouchers are used."),
            button=gettext("Yes, it is with the member or on its way"),
            form=ParcelForm,
            work=work,
            done=gettext("Noted as handed over."),
        )
        return self._asked(request, found, step)

    @action(
        description=_("Cancel and return the points"),
        permissions=["undo"],
        icon="undo",
        variant=ActionVariant.DANGER,
    )
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self._found(request, object_id)
        by = request.user.get_username()
        step = Step(
            name=CANCELLABLE,
            title=gettext("Cancel redemption %(number)s?") % {"number": found.number},
            text=gettext(
                "%(points)s points go back to the lots they came from, with their old expiry. The voucher becomes void "
                "and the piece returns to stock."
            )
            % {"points": f"{found.points:,}"},
            button=gettext("Cancel and return the points"),
            form=CancelForm,
            work=lambda said: redemption.cancel(
                number=found.number, at=timezone.now(), by=by, reason=said["reason"]
            ),
            done=gettext("Cancelled: %(points)s points are back with %(member)s.")
            % {"points": f"{found.points:,}", "member": found.member},
            is_danger=True,
        )
        return self._asked(request, found, step)

    # ---- what they share ------------------------------------------------------------------------
    def _found(self, request: HttpRequest, object_id: str) -> Redemption:
        return get_object_or_404(self.get_queryset(request), pk=object_id)

    def _asked(self, request: HttpRequest, found: Redemption, step: Step) -> HttpResponse:
        known = {"carrier": found.carrier, "tracking": found.tracking}
        # A step without questions sends nothing: no answers are answers too.
        form = step.form(request.POST if request.method == "POST" else None, initial=known)
        if form.is_valid():
            self._do(request, found, step, form.cleaned_data)
            address = reverse("admin:rewards_redemption_change", args=[found.pk])
            return HttpResponseRedirect(address)
        context = {
            **self.admin_site.each_context(request),
            "title": step.title,
            "redemption": found,
            "step": step,
            "form": form,
            "is_open": step.name in open_steps(found),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/rewards/redemption/step.html", context)

    def _do(
        self, request: HttpRequest, found: Redemption, step: Step, said: dict[str, Any]
    ) -> None:
        try:
            step.work(said)
        except (Refusal, InvalidInput, NotFound) as refusal:
            messages.error(request, str(refusal))
            return
        self.log_change(request, found, step.done)
        messages.success(request, step.done)
