"""The stock of a reward, its variants and its offers: movements that add up to it, and what came in or was miscounted."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from members import validation
from members.errors import InvalidInput
from rewards import stock
from rewards.models import Offer, Reward, StockMovement, Variant
from rewards.stock import AnyShelf

RECEIVED, COUNTED = "received", "counted"
PAGE = 50
#: Few are left: a tenth of what there was, or a handful.
LOW_SHARE, LOW_PIECES = 10, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A stock with the sum of its movements."""

    key: str
    name: str
    row: AnyShelf
    moved: int

    @property
    def is_right(self) -> bool:
        """Whether the movements add up to the stock; an unlimited one counts as 0."""
        return self.moved == (self.row.stock or 0)


class StockForm(forms.Form):
    shelf = forms.ChoiceField(label=_("Stock of"), widget=UnfoldAdminSelectWidget)
    what = forms.ChoiceField(
        label=_("What happened"),
        choices=(
            (RECEIVED, pgettext_lazy("stock", "Pieces came in")),
            (COUNTED, pgettext_lazy("stock", "Counted: so many are there")),
        ),
        widget=UnfoldAdminSelectWidget,
    )
    pieces = forms.IntegerField(
        label=_("Pieces"),
        min_value=0,
        max_value=validation.LARGEST,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    note = forms.CharField(
        label=pgettext_lazy("stock", "Note"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )


def stock_badge(reward: Reward) -> SafeString:
    """What is left, and whether it is little."""
    context = {"stock": reward.stock, "is_low": is_low(reward)}
    return render_to_string("admin/rewards/reward/left.html", context)


def is_low(reward: Reward) -> bool:
    """Whether a stock that was filled is nearly gone."""
    if reward.stock is None:
        return False
    start = reward.stock_start or 0
    return reward.stock <= max(start // LOW_SHARE, min(LOW_PIECES, start // 2))


def shelves_of(reward: Reward) -> list[Shelf]:
    """The stock of the reward itself, of its variants and of its offers, in four queries."""
    moved = StockMovement.objects.filter(reward=reward).order_by()
    sums = {
        (variant, offer): pieces
        for variant, offer, pieces in moved.values_list("variant", "offer").annotate(Sum("pieces"))
    }
    shelves = [
        Shelf(key="reward", name=reward.name, row=reward, moved=sums.get((None, None), 0)),
    ]
    for variant in Variant.objects.filter(reward=reward).order_by("position", "id"):
        moved_of = sums.get((variant.pk, None), 0)
        key = f"variant-{variant.pk}"
        shelves.append(Shelf(key=key, name=variant.name, row=variant, moved=moved_of))
    for offer in Offer.objects.filter(reward=reward).order_by("-starts_at", "-id"):
        moved_of = sums.get((None, offer.pk), 0)
        key = f"offer-{offer.pk}"
        shelves.append(Shelf(key=key, name=offer.name, row=offer, moved=moved_of))
    return shelves


class StockPage:
    """The page of a reward's stock; part of the reward's screen."""

    def has_stock_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("rewards.view_reward"))

    @action(description=_("Stock and movements"), permissions=["stock"], icon="inventory_2")
    def stock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        reward = get_object_or_404(Reward, pk=object_id)
        shelves = shelves_of(reward)
        # The stock of a pool is its free codes.
        is_counted = reward.kind != Reward.Kind.PARTNER_CODE
        may_change = is_counted and request.user.has_perm("rewards.change_reward")
        form = StockForm(request.POST if request.method == "POST" and may_change else None)
        form.fields["shelf"].choices = [(each.key, each.name) for each in shelves]  # type: ignore[attr-defined]
        if form.is_bound and form.is_valid() and self._moved(request, shelves, form):
            return HttpResponseRedirect(reverse("admin:rewards_reward_stock", args=[reward.pk]))
        movements = StockMovement.objects.filter(reward=reward)
        movements = movements.select_related("variant", "offer", "redemption")
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": gettext("Stock of %(reward)s") % {"reward": reward.name},
            "reward": reward,
            "shelves": shelves,
            "movements": Paginator(movements.order_by("-at", "-id"), PAGE).get_page(
                request.GET.get("page")
            ),
            "form": form if may_change else None,
            "opts": self.opts,  # type: ignore[attr-defined]
            "media": self.media,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/rewards/reward/stock.html", context)

    def _moved(self, request: HttpRequest, shelves: list[Shelf], form: StockForm) -> bool:
        """Note what came in or was counted; what is refused stands at its field."""
        said = form.cleaned_data
        shelf = next(each for each in shelves if each.key == said["shelf"])
        noted = {
            "by": request.user.get_username(),
            "note": said["note"],
            "at": timezone.now(),
        }
        row: Any = shelf.row
        try:
            if said["what"] == RECEIVED:
                row = stock.receive(row=row, pieces=said["pieces"], **noted)
            else:
                row = stock.correct(row=row, stock=said["pieces"], **noted)
        except InvalidInput as problem:
            form.add_error("pieces", problem.detail)
            return False
        messages.success(
            request,
            gettext("Noted: %(left)s of %(name)s are there now.")
            % {"left": f"{row.stock:,}", "name": shelf.name},
        )
        return True
