"""Forms of the mall."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members import phones, validation
from rewards.models import Reward
from rewards.portal import shelves

# The country code that people leave out.
HOME = "+86"


class MallForm(forms.Form):
    """What a look at the mall asks for, all of it optional and in the address; what makes no sense is not heard."""

    show = forms.CharField(required=False, max_length=50)
    q = forms.CharField(required=False, max_length=50)
    sort = forms.ChoiceField(required=False, choices=[(name, name) for name in shelves.ORDERS])
    kind = forms.ChoiceField(required=False, choices=Reward.Kind.choices)
    page = forms.IntegerField(required=False, min_value=1, max_value=10_000)

    def look(self) -> shelves.Look:
        """The look that the address describes, as far as it makes sense."""
        self.is_valid()
        said = self.cleaned_data
        return shelves.Look(
            show=said.get("show", ""),
            text=said.get("q", "").strip(),
            sort=said.get("sort") or "points",
            kind=said.get("kind", ""),
            page=said.get("page") or 1,
        )


class PageForm(forms.Form):
    """Which page of a list is asked for."""

    page = forms.IntegerField(required=False, min_value=1, max_value=10_000)


class RedeemForm(forms.Form):
    """What is confirmed, at which price (all points together); however often its key is sent, there is one redemption."""

    key = forms.UUIDField()
    quantity = forms.IntegerField(min_value=1, max_value=10_000)
    variant = forms.CharField(required=False, max_length=50)
    delivery = forms.CharField(required=False, max_length=10)
    price = forms.IntegerField(min_value=0, max_value=validation.LARGEST)


def _line(label: Any, hint: str, empty: Any = "", **field: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": hint})
    messages = {"required": empty, "max_length": _("This is too long; please shorten it.")}
    return forms.CharField(label=label, widget=widget, error_messages=messages, **field)


class AddressForm(forms.Form):
    """Where a gift is sent."""

    name = _line(_("Who receives it"), "name", _("Enter the recipient's name."), max_length=100)
    phone = _line(
        _("Phone"),
        "tel",
        _("Enter a phone number in case the courier needs to call."),
        max_length=40,
    )
    region = _line(
        _("Province, city, district (optional)"), "address-level1", max_length=100, required=False
    )
    address = _line(
        _("Street, number, flat"),
        "street-address",
        _("Enter the street, number and flat."),
        max_length=300,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"].widget.input_type = "tel"
        for name, field in self.fields.items():
            if self.is_bound and self[name].errors:
                field.widget.attrs |= {
                    "aria-invalid": "true",
                    "aria-describedby": f"id_{name}-error",
                }
        if not self.is_bound and self.initial.get("phone"):
            self.initial["phone"] = self.initial["phone"].removeprefix(HOME)

    def clean_phone(self) -> str:
        """The number in E.164."""
        try:
            return phones.normalise(self.cleaned_data["phone"])
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None
