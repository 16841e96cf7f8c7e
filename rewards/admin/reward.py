from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from members import queries as member_queries
from members.admin.base import VerbAdmin, VerbForm
from rewards import catalogue
from rewards.models import Reward


def _tier_choices() -> list[tuple[str, str]]:
    return [(tier.code, tier.name) for tier in member_queries.tiers()]


class RewardForm(VerbForm):
    tiers = forms.MultipleChoiceField(
        label=_("Only for tiers"),
        choices=_tier_choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None chosen: for everybody."),
    )

    class Meta:
        model = Reward
        fields = "__all__"
        field_classes = {"content_url": partial(forms.URLField, assume_scheme="https")}
        help_texts = {
            "cash": _("What is paid in money besides the points; 0 for none."),
            "per_member": _("Empty: unlimited."),
            "valid_days": _("Empty: the voucher does not expire."),
            "starts_at": _("Empty: from now on."),
            "ends_at": _("Empty: without an end."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("stock"):
            # The stock moves while the form is open: only a figure that was typed over is saved.
            field.show_hidden_initial = True


@admin.register(Reward)
class RewardAdmin(VerbAdmin):
    form = RewardForm
    list_display = ("picture", "name", "kind", "price", "left", "window", "active")
    list_display_links = ("picture", "name")
    list_filter = (("kind", ChoicesDropdownFilter), "active")
    list_filter_submit = True
    search_fields = ("name", "code")
    ordering = ("points", "id")
    fixed_fields = ("code",)
    readonly_fields = ("drawn",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "code"),
                    ("kind", "category", "active"),
                    "summary",
                    ("art", "drawn"),
                )
            },
        ),
        (_("Price and stock"), {"fields": (("points", "cash"), ("stock", "cost"))}),
        (
            _("Who and when"),
            {"fields": (("per_member", "per_member_period"), "tiers", "starts_at", "ends_at")},
        ),
        (_("Voucher"), {"fields": ("valid_days", "terms")}),
    )

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Reward:
        return catalogue.create(changes=values, at=timezone.now(), by=request.user.get_username())

    def change(self, request: HttpRequest, row: Reward, values: Mapping[str, Any]) -> Reward:
        by = request.user.get_username()
        return catalogue.change(reward=row, changes=values, at=timezone.now(), by=by)

    @display(description="")
    def picture(self, reward: Reward) -> SafeString:
        return _drawing(reward.art, "small")

    @display(description=_("as members see it"))
    def drawn(self, reward: Reward) -> SafeString:
        return _drawing(reward.art or Reward.Art.CUP, "large")

    @display(description=_("price in points"), ordering="points")
    def price(self, reward: Reward) -> str:
        cash = f" + ¥{reward.cash:,.2f}" if reward.cash else ""
        return f"{reward.points:,}{cash}"

    @display(description=_("stock left"), ordering="stock")
    def left(self, reward: Reward) -> str:
        return str(_("unlimited")) if reward.stock is None else f"{reward.stock:,}"

    @display(description=_("on sale until"), ordering="ends_at", empty_value="—")
    def window(self, reward: Reward) -> Any:
        return reward.ends_at


def _drawing(art: str, size: str) -> SafeString:
    return render_to_string("admin/rewards/drawing.html", {"art": art, "size": size})
