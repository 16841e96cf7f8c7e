"""The referral code of an invitation, kept for the visitor until joining."""

from django.http import HttpRequest

from members import codes

KEY = "referral_code"
LONGEST = 50


def keep(request: HttpRequest, code: str) -> None:
    """Remember the code that a link brought; what cannot be one is not kept."""
    tidy = codes.tidy(code[:LONGEST])
    if tidy and tidy.isalnum() and tidy.isascii():
        request.session[KEY] = tidy


def kept(request: HttpRequest) -> str:
    """The code of the last invitation; empty without one."""
    return str(request.session.get(KEY, ""))


def forget(request: HttpRequest) -> None:
    """It has been used."""
    request.session.pop(KEY, None)
