"""How a visitor wants to see the portal; kept in two cookies, never in the database."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

THEMES = {"": _("Same as the device"), "light": _("Light"), "dark": _("Dark")}
SIZES = {"": _("Standard"), "large": _("Large type")}
A_YEAR = 365 * 24 * 60 * 60


@dataclass(frozen=True)
class Display:
    """What goes on `<html>`: `theme` is empty, light or dark, `size` empty or large."""

    theme: str
    size: str


def of(request: HttpRequest) -> Display:
    """The visitor's choice; whatever else stands in a cookie counts as none."""
    theme = request.COOKIES.get("theme", "")
    size = request.COOKIES.get("size", "")
    return Display(theme if theme in THEMES else "", size if size in SIZES else "")
