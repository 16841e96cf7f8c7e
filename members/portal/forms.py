"""Forms of sign-in and joining."""

import unicodedata
from typing import Any

from allauth.account.forms import ConfirmLoginCodeForm, RequestLoginCodeForm
from django import forms
from django.utils.translation import gettext_lazy as _

from members import logins


class PhoneForm(RequestLoginCodeForm):
    """Ask for a code; every number is answered alike, a member's or not."""

    def clean_phone(self) -> str:
        try:
            phone: str = super().clean_phone()
        except forms.ValidationError as problem:
            if problem.code != "too_many_login_attempts":
                raise
            message = _("You have asked for too many codes. Please wait a minute and try again.")
            raise forms.ValidationError(message, code="too_often") from None
        self._user = logins.of_phone(phone=phone)
        return phone


class CodeForm(ConfirmLoginCodeForm):
    """The six digits from the text message."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Sign-in code")
        field.error_messages["required"] = _("Please enter the six digits we sent you.")
        field.widget.attrs = {
            "inputmode": "numeric",
            "autocomplete": "one-time-code",
            "maxlength": "12",
            "autofocus": True,
        }

    def clean_code(self) -> str:
        # People type the digits of their own keyboard: full-width ones are digits too.
        self.cleaned_data["code"] = unicodedata.normalize("NFKC", self.cleaned_data["code"])
        code: str = super().clean_code()
        return code


class JoinForm(forms.Form):
    """The two consents, asked apart and never ticked in advance; and who brought the newcomer, if somebody did."""

    terms = forms.BooleanField(
        error_messages={"required": _("Please agree to the terms to become a member.")}
    )
    marketing = forms.BooleanField(required=False)
    referral_code = forms.CharField(
        label=_("Referral code (optional)"),
        max_length=50,
        required=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )
