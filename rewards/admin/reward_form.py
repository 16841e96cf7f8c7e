"""The reward's form: which fields a kind has, prices by tier, and the picture."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldBooleanSwitchWidget,
)

from members import queries as member_queries
from members.admin.base import VerbForm
from rewards import pictures
from rewards.admin.price_fields import PricingField, TierPricesField
from rewards.models import Reward
from rewards.reward_checks import KINDS_WITH

EMPTY: dict[str, Any] = {
    "stores": [],
    "weekdays": [],
    "delivery": "",
    "content": "",
    "content_url": "",
}
CODES = ("draw", "project")
# The stock of a pool is its free codes.
SHOWN_FOR = {**KINDS_WITH, "stock": set(Reward.Kind) - {Reward.Kind.PARTNER_CODE}}
WEEKDAYS = list(enumerate(WEEKDAY_NAMES.values(), start=1))


def _tier_choices() -> list[tuple[str, str]]:
    return [(tier.code, tier.name) for tier in member_queries.tiers()]


def _store_choices() -> list[tuple[str, str]]:
    return [(store.code, f"{store.name} ({store.code})") for store in member_queries.stores()]


def _boxes(
    label: Any, choices: Any, help_text: Any, coerce: Callable[[str], Any] = str
) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        coerce=coerce,
        help_text=help_text,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


class RewardForm(VerbForm):
    tiers = _boxes(_("Only for tiers"), _tier_choices, _("None chosen: for everybody."))
    early_tiers = _boxes(
        _("Early access for tiers"), _tier_choices, _("They may have it before it is on sale.")
    )
    stores = forms.MultipleChoiceField(
        label=_("Good in stores"),
        choices=_store_choices,
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("None chosen: in all."),
    )
    weekdays = _boxes(
        _("Good on weekdays"),
        WEEKDAYS,
        _("None chosen: on every day."),
        int,
    )
    tier_prices = TierPricesField(
        label=_("Price by tier"), help_text=_("In points; empty: the price above.")
    )
    pricing = PricingField(
        label=_("Floating price"),
        help_text=_(
            "The price is multiplied by the factor of each line that holds. A price shown to a member stands for ten "
            "minutes. Leave it empty for a fixed price."
        ),
    )
    upload = forms.FileField(
        label=_("Picture"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text=_("JPEG, PNG or WebP, at most 5 MB. It is shown instead of the drawing."),
    )
    without_picture = forms.BooleanField(
        label=_("Remove the picture"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = Reward
        fields = "__all__"
        field_classes = {"content_url": partial(forms.URLField, assume_scheme="https")}
        help_texts = {
            "cash": _("What is paid in money besides the points; 0 for none."),
            "per_member": _("Empty: unlimited."),
            "valid_days": _("Empty: the voucher does not expire."),
            "valid_until": _("The earlier of the two ends counts."),
            "starts_at": _("Empty: from now on."),
            "ends_at": _("Empty: without an end."),
            "partner_share": _("0.5: the partner bears half of the cost."),
            "draw": _("Empty: for any draw."),
            "draft_minutes": _("How long points and pieces are kept until the money is received."),
            "content": _("Shown to those alone who have redeemed it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("stock"):
            # The stock moves while the form is open: only a figure that was typed over is saved.
            field.show_hidden_initial = True
        if (art := self.fields.get("art")) and self.instance._state.adding:
            choices = [("", _("As its kind is drawn")), *Reward.Art.choices]
            art.required, art.widget.choices, self.initial["art"] = False, choices, ""
        for name, kinds in SHOWN_FOR.items():
            if name in self.fields:
                widget: Any = self.fields[name].widget
                inner = getattr(widget, "widget", widget)  # of a choice among other rows
                inner.attrs["data-kinds"] = " ".join(sorted(kinds))

    def clean_upload(self) -> Any:
        upload = self.cleaned_data["upload"]
        if upload is not None and upload.size > pictures.MOST_MEGABYTES * 1024 * 1024:
            raise ValidationError(
                _("The picture is larger than %(most)d MB. Make it smaller, then try again."),
                params={"most": pictures.MOST_MEGABYTES},
            )
        return upload

    def changes(self) -> dict[str, Any]:
        """What a kind does not have is emptied, whatever stands in its hidden inputs."""
        values = super().changes()
        kind = self.cleaned_data["kind"]
        for name in [name for name, kinds in KINDS_WITH.items() if kind not in kinds]:
            values.pop(name, None)
            if self.instance.pk and getattr(self.instance, name) not in (None, "", []):
                values[name] = EMPTY.get(name)
        if kind not in SHOWN_FOR["stock"]:
            values.pop("stock", None)
        for name in CODES:
            if values.get(name) is not None:
                values[name] = values[name].code
        return values

    def _field_of(self, pointer: str) -> str | None:
        return "upload" if pointer == "/picture" else super()._field_of(pointer)
