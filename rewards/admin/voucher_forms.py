"""The forms of the voucher desk and of voiding."""

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from members import queries as member_queries


class DeskForm(forms.Form):
    """One form for the scanner: a code is checked; an empty line uses the voucher that is shown."""

    code = forms.CharField(
        label=capfirst(_("voucher code")),
        max_length=100,
        required=False,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autofocus": True, "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_(
            "Type it or scan it. Enter checks; Enter once more uses the voucher that is shown."
        ),
    )
    store = forms.ChoiceField(
        label=capfirst(_("store")), required=False, widget=UnfoldAdminSelectWidget
    )
    at_once = forms.BooleanField(
        label=_("Use good vouchers at once, without asking"),
        required=False,
        widget=UnfoldBooleanWidget,
    )
    shown = forms.CharField(widget=forms.HiddenInput, required=False)
    # Made once with the form: sent twice by a double click, it is one use.
    reference = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stores = [(store.code, str(store.name)) for store in member_queries.stores()]
        self.fields["store"].choices = [("", gettext("No store")), *stores]  # type: ignore[attr-defined]


class VoidForm(forms.Form):
    reason = forms.CharField(
        label=capfirst(_("why it is void")),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The till and the member read it."),
    )
