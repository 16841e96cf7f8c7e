"""The rule for paying with points in the program's form: one field each, changed as a whole, and said in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget

from loyalty import paying_words
from loyalty.ledger import MAX_POINTS
from loyalty.models import Program
from members.admin.base import VerbForm

PARTS = ("max_share", "min", "step")
NAMES = tuple(f"pay_with_points_{part}" for part in PARTS)
FIELDSET = (
    _("Paying with points"),
    {"fields": ("payment_words", NAMES, ("earn_on_points_paid", "refund_first"))},
)
HUNDRED = 100
LABELS = {
    "max_share": _("At most of an order, in per cent"),
    "min": _("At least at once, in points"),
    "step": _("In steps of points"),
}


def _points(part: str, help_text: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=LABELS[part],
        help_text=help_text,
        required=False,
        min_value=1,
        max_value=MAX_POINTS,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class PaymentSettingsForm(VerbForm):
    pay_with_points_max_share = forms.DecimalField(
        label=LABELS["max_share"],
        help_text=_("100: a whole order. 0: points pay nothing."),
        min_value=0,
        max_value=HUNDRED,
        decimal_places=4,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    pay_with_points_min = _points("min", _("Empty: from 1 point."))
    pay_with_points_step = _points("step", _("Such as 100. Empty: any number of points."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = self.instance.pay_with_points
        shown = {**said, "max_share": _share(said)}
        self.initial.update({f"pay_with_points_{part}": shown.get(part) for part in PARTS})

    def _to_save(self) -> list[str]:
        names = super()._to_save()
        if any(name in names for name in NAMES):
            names = [name for name in names if name not in NAMES] + list(NAMES)
        return names


def _share(said: Mapping[str, Any]) -> str:
    """In per cent, without needless zeros."""
    return f"{(Decimal(str(said['max_share'])) * HUNDRED).normalize():f}"


class PaymentSettingsShown:
    """The rule in words, and its parts for those who may only look."""

    @display(description=_("As it is now"))
    def payment_words(self, program: Program) -> SafeString:
        lines = ((line,) for line in paying_words.for_merchants(program))
        return format_html_join("", "<p>{}</p>", lines)

    @display(description=LABELS["max_share"])
    def pay_with_points_max_share(self, program: Program) -> str:
        return _share(program.pay_with_points)

    @display(description=LABELS["min"], empty_value="—")
    def pay_with_points_min(self, program: Program) -> Any:
        return program.pay_with_points.get("min")

    @display(description=LABELS["step"], empty_value="—")
    def pay_with_points_step(self, program: Program) -> Any:
        return program.pay_with_points.get("step")


def together(values: Mapping[str, Any]) -> dict[str, Any]:
    """The form's values with the rule as the one setting that it is."""
    changes = dict(values)
    if NAMES[0] in changes:
        rule = {part: changes.pop(f"pay_with_points_{part}") for part in PARTS}
        share = rule["max_share"] / HUNDRED
        changes["pay_with_points"] = {**rule, "max_share": f"{share.normalize():f}"}
    return changes
