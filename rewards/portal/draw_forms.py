"""Forms of draws."""

from django import forms


class GoForm(forms.Form):
    """The one-time key of a go: however often it is sent, there is one."""

    key = forms.UUIDField()
