"""What the tests of portal pages share: signing in without a code, and what every page must be."""

import re

from django.test import Client

from members import logins
from members.models import Member

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
NOT_STRICT = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:")
ELSEWHERE = re.compile(r"(?:src|href|action)=\"(?:https?:)?//")
LEFT_OVER = re.compile(r"{{|{%|%\(|None\b")


def sign_in(client: Client, member: Member) -> Client:
    """The same client with the member's session."""
    assert member.phone is not None
    login = logins.of_phone(phone=member.phone)
    assert login is not None
    client.force_login(login, backend=BACKEND)
    return client


def page(client: Client, path: str, *, status: int = 200, language: str = "zh-hans") -> str:
    """The text of a page that keeps what every page promises."""
    client.cookies["django_language"] = language
    response = client.get(path)
    assert response.status_code == status
    text = response.content.decode()
    assert f'<html lang="{language}"' in text
    for pattern in (NOT_STRICT, ELSEWHERE, LEFT_OVER):
        assert pattern.findall(text) == []
    return text
