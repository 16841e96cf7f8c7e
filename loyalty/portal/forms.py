"""Forms of a member's points."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty.ledger import MAX_POINTS


class GiveForm(forms.Form):
    """Whom to give how much; the key, made with the form, makes sending it twice one gift."""

    receiver = forms.CharField(
        label=_("Who gets them"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off"}),
        error_messages={"required": _("Enter the phone number or member number.")},
    )
    points = forms.IntegerField(
        label=_("How many points"),
        min_value=1,
        max_value=MAX_POINTS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": _("Enter how many points."),
            "invalid": _("Enter a whole number of points."),
            "min_value": _("Enter a whole number of points above zero."),
            "max_value": _("That number is too large."),
        },
    )
    message = forms.CharField(
        label=_("A short message (optional)"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": _("At most 100 characters.")},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if self.is_bound and name != "key" and self[name].errors:
                field.widget.attrs |= {
                    "aria-invalid": "true",
                    "aria-describedby": f"id_{name}-error",
                }
