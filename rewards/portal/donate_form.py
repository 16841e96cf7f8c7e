"""The form of a donation."""

import uuid
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from loyalty.ledger import MAX_POINTS


class DonateForm(forms.Form):
    """How many points; the key, made with the form, makes sending it twice one donation."""

    points = forms.IntegerField(
        label=pgettext_lazy("donation", "How many points"),
        min_value=1,
        max_value=MAX_POINTS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": pgettext_lazy("donation", "Enter how many points."),
            "invalid": _("Enter a whole number of points."),
            "min_value": _("Enter a whole number of points above zero."),
            "max_value": _("That number is too large."),
        },
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and self["points"].errors:
            self._mark()

    @staticmethod
    def sent(said: QueryDict) -> QueryDict:
        """What was sent: an amount that was chosen counts, and a key that is none is made anew."""
        said = said.copy()
        if "chosen" in said:
            said["points"] = str(said["chosen"])
        try:
            uuid.UUID(said.get("key", ""))
        except ValueError:
            said["key"] = str(uuid.uuid4())
            said.pop("confirmed", None)
        return said

    def refuse_more_than(self, available: int) -> None:
        """Say on the field that there are only so many points."""
        words = ngettext(
            "You have %(available)s point.", "You have %(available)s points.", available
        )
        self.add_error("points", words % {"available": f"{available:,}"})
        self._mark()

    def _mark(self) -> None:
        self.fields["points"].widget.attrs |= {
            "aria-invalid": "true",
            "aria-describedby": "id_points-error",
        }
