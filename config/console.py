"""What the console is beyond the screens of models: sign-in, first page, the label of the demo."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.forms import AuthenticationForm

from config import figures

GUESSES = 5
PAUSE_SECONDS = 15 * 60


def environment(_request: HttpRequest) -> list[str] | None:
    """The label beside the title, so that nobody takes the demo for the real shop."""
    return [_("Demo"), "warning"] if settings.DEBUG else None


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add today, the last seven and the last thirty days to the console's first page."""
    user: Any = request.user
    return context | {
        "title": _("Today"),
        "overview": figures.overview(user, at=timezone.now()),
        "latest_orders": figures.latest_orders(user),
        "latest_redemptions": figures.latest_redemptions(user),
    }


class SignInForm(AuthenticationForm):
    """Staff sign-in; five wrong passwords for a name from one address are answered by a pause.

    A try is counted before the password is looked at, so that many at once do not slip through.
    """

    def clean(self) -> dict[str, Any]:
        tries = f"console-sign-in:{self._who()}"
        cache.add(tries, 0, PAUSE_SECONDS)
        try:
            count = cache.incr(tries)
        except ValueError:  # it ran out in this very moment
            count = 1
        if count <= GUESSES:
            # `incr` of some caches forgets when the value runs out.
            cache.touch(tries, PAUSE_SECONDS)
        if count > GUESSES:
            raise forms.ValidationError(
                _(
                    "Too many wrong passwords for this name. Wait 15 minutes and try again, "
                    "or ask the owner for a new password."
                ),
                code="paused",
            )
        cleaned: dict[str, Any] = super().clean()
        cache.delete(tries)
        return cleaned

    def _who(self) -> str:
        username = str(self.cleaned_data.get("username", "")).casefold()
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        return f"{username.encode().hex()}:{address}"
