from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from members.admin.base import VerbAdmin, VerbForm
from rewards import variants
from rewards.models import Variant


class VariantForm(VerbForm):
    class Meta:
        model = Variant
        fields = "__all__"
        help_texts = {
            "extra_points": _("0: it costs what the reward costs."),
            "begins_at": _(
                "For a session: from then on it can be neither redeemed nor cancelled."
            ),
            "position": _("The lowest stands first."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("stock"):
            # The stock moves while the form is open: only a figure that was typed over is saved.
            field.show_hidden_initial = True


@admin.register(Variant)
class VariantAdmin(VerbAdmin):
    """Sizes, colours and sessions, each with its stock or seats."""

    form = VariantForm
    list_display = ("name", "of_reward", "moment", "left", "on_top", "active")
    list_filter = (("reward", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("reward",)
    search_fields = ("name", "code", "reward__name")
    ordering = ("reward_id", "position", "id")
    sortable_by = ()
    fixed_fields = ("reward", "code")
    fieldsets = (
        (None, {"fields": ("reward", ("name", "code"), ("position", "active"))}),
        (_("Price and stock"), {"fields": (("stock", "extra_points"),)}),
        (_("Session"), {"fields": (("begins_at", "ends_at"), "place")}),
    )

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Variant:
        said = {name: value for name, value in values.items() if name != "reward"}
        return variants.create(
            reward=values["reward"],
            changes=said,
            at=timezone.now(),
            by=request.user.get_username(),
        )

    def change(self, request: HttpRequest, row: Variant, values: Mapping[str, Any]) -> Variant:
        by = request.user.get_username()
        return variants.change(variant=row, changes=values, at=timezone.now(), by=by)

    @display(description=_("reward"))
    def of_reward(self, variant: Variant) -> str:
        return variant.reward.name

    @display(description=_("begins at"))
    def moment(self, variant: Variant) -> str:
        if variant.begins_at is None:
            return "—"
        return date_format(timezone.localtime(variant.begins_at), "DATETIME_FORMAT")

    @display(description=_("left"))
    def left(self, variant: Variant) -> str:
        return str(_("unlimited")) if variant.stock is None else f"{variant.stock:,}"

    @display(description=_("points on top"))
    def on_top(self, variant: Variant) -> str:
        return f"+{variant.extra_points:,}" if variant.extra_points else "—"
