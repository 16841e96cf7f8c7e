"""Forms of the mall."""

from django import forms


class MallForm(forms.Form):
    """What a look at the mall asks for, all of it optional and in the address."""

    show = forms.CharField(required=False, max_length=50)
    q = forms.CharField(required=False, max_length=50)
    page = forms.IntegerField(required=False, min_value=1, max_value=10_000)


class PageForm(forms.Form):
    """Which page of a list is asked for."""

    page = forms.IntegerField(required=False, min_value=1, max_value=10_000)


class RedeemForm(forms.Form):
    """The one-time key of a confirmation: however often it is sent, there is one redemption."""

    key = forms.UUIDField()
