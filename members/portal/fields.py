"""The phone number as people type it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members import phones


class PhoneField(forms.CharField):
    """138 0013 8000, +86 138…, full-width digits: all become E.164."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"type": "tel", "inputmode": "tel", "autocomplete": "tel", "autofocus": True}
        kwargs.setdefault("widget", forms.TextInput(attrs=attributes))
        kwargs.setdefault("label", _("Phone number"))
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("error_messages", {"required": _("Please enter your phone number.")})
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return phones.normalise(text)
        except ValueError as problem:
            raise forms.ValidationError(str(problem), code="invalid_phone") from None
