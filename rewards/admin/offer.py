from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from members.admin.base import VerbAdmin, VerbForm
from rewards import offers
from rewards.models import Offer

STATES = {
    "off": pgettext_lazy("offer", "Switched off"),
    "coming": pgettext_lazy("offer", "To come"),
    "running": pgettext_lazy("offer", "Running"),
    "gone": pgettext_lazy("offer", "All gone"),
    "over": pgettext_lazy("offer", "Over"),
}


class OfferForm(VerbForm):
    class Meta:
        model = Offer
        fields = "__all__"
        help_texts = {
            "points": _("Not above the price of the reward."),
            "per_member": _("Empty: as the reward has it."),
            "starts_at": _("A reward has one offer at a time."),
            "ends_at": _("From this moment on the usual price counts again."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("stock"):
            # The pieces move while the form is open: only a figure that was typed over is saved.
            field.show_hidden_initial = True


@admin.register(Offer)
class OfferAdmin(VerbAdmin):
    """积分秒杀, 清仓, 兑换节: rewards for another price during a window."""

    form = OfferForm
    list_display = ("name", "of_reward", "kind", "price", "left", "begins", "ends", "state")
    list_filter = (("kind", ChoicesDropdownFilter), ("reward", RelatedDropdownFilter))
    list_filter_submit = True
    list_select_related = ("reward",)
    search_fields = ("name", "code", "reward__name")
    ordering = ("-starts_at", "-id")
    sortable_by = ()
    fixed_fields = ("reward", "code")
    fieldsets = (
        (None, {"fields": ("reward", ("name", "code"), ("kind", "active"))}),
        (
            _("Price and pieces"),
            {"fields": (("points", "cash"), ("stock", "per_member"))},
        ),
        (_("When"), {"fields": (("starts_at", "ends_at"),)}),
    )

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Offer:
        said = {**values, "reward": values["reward"].code}
        return offers.create(changes=said, at=timezone.now(), by=request.user.get_username())

    def change(self, request: HttpRequest, row: Offer, values: Mapping[str, Any]) -> Offer:
        by = request.user.get_username()
        return offers.change(offer=row, changes=values, at=timezone.now(), by=by)

    @display(description=_("reward"))
    def of_reward(self, offer: Offer) -> str:
        return offer.reward.name

    @display(description=_("price in points"))
    def price(self, offer: Offer) -> str:
        return f"{offer.reward.points:,} → {offer.points:,}"

    @display(description=_("pieces left"))
    def left(self, offer: Offer) -> str:
        return "—" if offer.stock is None else f"{offer.stock:,}"

    @display(description=_("begins at"))
    def begins(self, offer: Offer) -> str:
        return date_format(timezone.localtime(offer.starts_at), "DATETIME_FORMAT")

    @display(description=_("ends at"))
    def ends(self, offer: Offer) -> str:
        return date_format(timezone.localtime(offer.ends_at), "DATETIME_FORMAT")

    @display(
        description=_("state"),
        label={"off": "", "coming": "info", "running": "success", "gone": "warning", "over": ""},
    )
    def state(self, offer: Offer) -> tuple[str, str]:
        state = _state_of(offer)
        return state, str(STATES[state])


def _state_of(offer: Offer) -> str:
    at = timezone.now()
    if not offer.active:
        return "off"
    if offer.ends_at <= at:
        return "over"
    if at < offer.starts_at:
        return "coming"
    return "gone" if offer.stock == 0 else "running"
