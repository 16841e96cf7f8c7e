from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from members import tiering
from members.admin.base import VerbAdmin, VerbForm
from members.models import Tier


class TierForm(VerbForm):
    class Meta:
        model = Tier
        fields = "__all__"
        widgets = {"benefits": UnfoldAdminTextareaWidget}
        help_texts = {
            "benefits": _(
                'A list in JSON, each with code, kind and name: [{"code": "cake", "kind": "birthday_gift", '
                '"name": "Birthday cake", "reward": "cake", "period": "year"}]. With a reward or points it is given '
                "by itself, once a week, month, quarter, year or ever."
            ),
            "multiplier": _("What an order earns is multiplied by this."),
            "retain_threshold": _("Status points that keep it; empty: as many as reach it."),
            "downgrade": _(
                "What happens when too few status points count. It never falls because points were spent or expired; "
                "status points of a refund are taken back whatever is chosen here."
            ),
            "grace_days": _("Days in which a member can still earn what is missing."),
        }


@admin.register(Tier)
class TierAdmin(VerbAdmin):
    form = TierForm
    list_display = (
        "name",
        "rank",
        "shown_threshold",
        "shown_keeping",
        "shown_downgrade",
        "shown_grace",
        "shown_multiplier",
        "benefit_names",
    )
    ordering = ("rank",)
    sortable_by = ()
    fixed_fields = ("code",)
    fieldsets = (
        (None, {"fields": (("code", "name"), ("rank", "threshold"), "multiplier")}),
        (
            _("Keeping it"),
            {
                "fields": ("retain_threshold", ("downgrade", "grace_days")),
                "description": _(
                    "Members keep the tier they have until they are judged next: with their next order, refund "
                    "or review."
                ),
            },
        ),
        (_("Benefits"), {"fields": ("benefits",)}),
    )

    @display(description=_("threshold"))
    def shown_threshold(self, tier: Tier) -> str:
        return f"{tier.threshold:,}"

    @display(description=_("threshold to keep"))
    def shown_keeping(self, tier: Tier) -> str:
        return f"{tier.threshold if tier.retain_threshold is None else tier.retain_threshold:,}"

    @display(description=_("downgrade"))
    def shown_downgrade(self, tier: Tier) -> str:
        return tier.get_downgrade_display() if tier.threshold else "—"

    @display(description=_("grace days"))
    def shown_grace(self, tier: Tier) -> str:
        falls = tier.threshold and tier.downgrade != Tier.Downgrade.NONE
        return str(tier.grace_days) if falls else "—"

    @display(description=_("multiplier"))
    def shown_multiplier(self, tier: Tier) -> str:
        return f"× {tier.multiplier.normalize():f}"

    @display(description=_("benefits"))
    def benefit_names(self, tier: Tier) -> str:
        return gettext("、").join(benefit["name"] for benefit in tier.benefits) or "—"

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Tier:
        return tiering.create(changes=values)

    def change(self, request: HttpRequest, row: Tier, values: Mapping[str, Any]) -> Tier:
        return tiering.change(tier=row, changes=values)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> forms.Field:
        field: forms.Field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "multiplier":
            field.localize = False
        return field
