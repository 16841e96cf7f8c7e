"""The rules of transfers in the program's form: one field each, changed as a whole."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from loyalty.ledger import MAX_POINTS
from loyalty.models import Program
from members.admin.base import VerbForm

PARTS = ("enabled", "min", "per_transfer", "per_day", "fee")
NAMES = tuple(f"transfer_{part}" for part in PARTS)
FIELDSET = (
    _("Giving points to each other"),
    {"fields": ("transfer_enabled", NAMES[1:])},
)


def _points(label: Any, help_text: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=0,
        max_value=MAX_POINTS,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class TransferSettingsForm(VerbForm):
    transfer_enabled = forms.BooleanField(
        label=_("Members may give points to each other"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
    transfer_min = _points(_("At least at once"), _("Empty: from 1 point."))
    transfer_per_transfer = _points(_("At most at once"), _("Empty: unlimited."))
    transfer_per_day = _points(_("At most a day"), _("By one member. Empty: unlimited."))
    transfer_fee = _points(_("Fee each time"), _("In points, on top of what is given."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = self.instance.transfer
        self.initial.update({f"transfer_{part}": said.get(part) for part in PARTS})

    def _to_save(self) -> list[str]:
        names = super()._to_save()
        if any(name in names for name in NAMES):
            names = [name for name in names if name not in NAMES] + list(NAMES)
        return names


class TransferSettingsShown:
    """The same for those who may only look."""

    @display(description=_("Members may give points to each other"), boolean=True)
    def transfer_enabled(self, program: Program) -> bool:
        return bool(program.transfer.get("enabled"))

    @display(description=_("At least at once"), empty_value="—")
    def transfer_min(self, program: Program) -> Any:
        return program.transfer.get("min")

    @display(description=_("At most at once"), empty_value="—")
    def transfer_per_transfer(self, program: Program) -> Any:
        return program.transfer.get("per_transfer")

    @display(description=_("At most a day"), empty_value="—")
    def transfer_per_day(self, program: Program) -> Any:
        return program.transfer.get("per_day")

    @display(description=_("Fee each time"))
    def transfer_fee(self, program: Program) -> Any:
        return program.transfer.get("fee") or 0


def together(values: Mapping[str, Any]) -> dict[str, Any]:
    """The form's values with the rules of transfers as the one setting that they are."""
    changes = dict(values)
    if NAMES[0] in changes:
        changes["transfer"] = {part: changes.pop(f"transfer_{part}") for part in PARTS}
    return changes
