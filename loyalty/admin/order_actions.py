"""What staff can do with an order: tell how far it has come, cancel it, refund it."""

from typing import Any

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

from loyalty import order_awards, order_steps, programs
from loyalty.admin.refund_form import RefundForm
from loyalty.models import Order
from members.admin.base import ReadOnlyAdmin
from members.errors import Refusal
from members.models import Member

Status = Order.Status
#: The action of each step.
STEPS = {"pay": Status.PAID, "ship": Status.SHIPPED, "complete": Status.COMPLETED}
TITLES = {
    Status.PAID: _("Mark order %(number)s as paid?"),
    Status.SHIPPED: _("Mark order %(number)s as shipped?"),
    Status.COMPLETED: _("Mark order %(number)s as completed?"),
    Status.CANCELLED: _("Cancel order %(number)s?"),
}


class OrderActions(ReadOnlyAdmin):
    """The buttons of an order's page; each leads to a page that says what will happen and asks."""

    actions_detail = ("pay", "ship", "complete", "refund", "cancel")

    def has_advance_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("loyalty.change_order")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Those that would change something."""
        order = Order.objects.filter(pk=object_id).first()
        if order is None:
            return []
        possible = order_steps.possible(order=order, steps=list(order.steps.all()))
        names = {name for name, status in STEPS.items() if status in possible}
        names |= {"cancel"} if possible else set()
        names |= {"refund"} if order.refunded_amount < order.amount else set()
        buttons = super().get_actions_detail(request, object_id)
        return [each for each in buttons if each.action_name.rpartition("_")[2] in names]

    @action(description=_("Mark as paid"), permissions=["advance"], icon="payments")
    def pay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, Status.PAID)

    @action(description=_("Mark as shipped"), permissions=["advance"], icon="local_shipping")
    def ship(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, Status.SHIPPED)

    @action(description=_("Mark as completed"), permissions=["advance"], icon="task_alt")
    def complete(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, Status.COMPLETED)

    @action(
        description=_("Cancel the order"),
        permissions=["advance"],
        icon="undo",
        variant=ActionVariant.DANGER,
    )
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._step(request, object_id, Status.CANCELLED)

    @action(description=_("Refund"), permissions=["advance"], icon="currency_exchange")
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = RefundForm(order, request.POST if request.method == "POST" else None)
        if form.is_valid() and form.refunded is not None:
            self.log_change(request, order, gettext("Refunded."))
            made = form.refunded.refund
            said = gettext("Refunded ¥%(amount)s: %(points)s points were taken back.")
            words = {"amount": f"{made.amount:,.2f}", "points": f"{made.points_reversed:,}"}
            messages.success(request, said % words)
            return self._back(order)
        context = {
            **self._context(request, order),
            "title": gettext("Refund order %(number)s") % {"number": order.number},
            "form": form,
            "refundable": order.amount - order.refunded_amount,
        }
        return TemplateResponse(request, "admin/loyalty/order/refund.html", context)

    # ---- asking and doing -----------------------------------------------------------------------
    def _step(self, request: HttpRequest, object_id: str, status: Status) -> HttpResponse:
        order = get_object_or_404(self.get_queryset(request), pk=object_id)
        problem = ""
        if request.method == "POST":
            problem = self._advance(request, order, status)
            if not problem:
                return self._back(order)
        context = {
            **self._context(request, order),
            "title": TITLES[status] % {"number": order.number},
            "label": status.label,
            "problem": problem,
            "earns": _will_earn(order, status),
            "is_cancelling": status == Status.CANCELLED,
            "cancellation": order_steps.cancellation(order=order),
        }
        return TemplateResponse(request, "admin/loyalty/order/step.html", context)

    def _advance(self, request: HttpRequest, order: Order, status: Status) -> str:
        """Call the verb; returns what it refuses."""
        try:
            order_steps.advance(
                source=order.source,
                number=order.number,
                status=status,
                at=None,
                now=timezone.now(),
            )
        except Refusal as refusal:
            return str(refusal)
        self.log_change(request, order, str(status.label))
        said = gettext("Order %(number)s: %(status)s.")
        messages.success(request, said % {"number": order.number, "status": status.label})
        return ""

    def _context(self, request: HttpRequest, order: Order) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "order": order, "opts": self.opts}

    def _back(self, order: Order) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:loyalty_order_change", args=[order.pk]))


def _will_earn(order: Order, status: str) -> bool:
    """Whether the step gives the member the order's points."""
    member = order.member
    if member is None or member.status == Member.Status.CLOSED or order.awarded_at is not None:
        return False
    return order_awards.is_due(status, programs.current())
