"""The member's own page, the member code and the display."""

import re

import pytest

from members.models import Member
from members.portal import qr
from tests.portal import page, sign_in


class TestMe:
    def test_shows_who_and_which_tier(self, client, ada: Member):
        text = page(sign_in(client, ada), "/me")

        assert "Ada" in text
        assert "+86138****0001" in text
        assert "13800000001" not in text

    def test_is_complete_in_english(self, client, ada: Member):
        text = page(sign_in(client, ada), "/me", language="en")

        assert "Points history" in text
        # The tier's name is the merchant's, and a language is called in its own words.
        assert set(re.findall(r"[\u4e00-\u9fff]+", text)) <= {"普通", "简体中文", "积分计划"}


class TestDisplay:
    def test_keeps_theme_and_size_in_cookies(self, client, ada: Member):
        sign_in(client, ada)

        response = client.post("/me/display", {"theme": "dark", "next": "/me"})
        client.post("/me/display", {"size": "large", "next": "/me"})

        assert response["Location"] == "/me"
        assert '<html lang="zh-hans" data-theme="dark" data-size="large">' in page(client, "/me")

    def test_ignores_what_is_no_choice(self, client, db):
        response = client.post("/me/display", {"theme": '"><script>', "next": "//evil.example"})

        assert "theme" not in response.cookies
        assert response["Location"] == "/"

    def test_ignores_a_cookie_that_is_no_choice(self, client, db):
        client.cookies["theme"] = "pink"

        assert "data-theme" not in page(client, "/")


class TestMemberCode:
    def test_holds_the_number_and_no_phone(self, client, ada: Member):
        text = page(sign_in(client, ada), "/me/code")

        assert ada.number in text
        assert 'role="img"' in text
        assert "0000001" not in text

    def test_drawing_is_as_large_as_the_code(self):
        drawing = qr.drawing("123456789012", label="<b>")

        assert 'viewBox="0 0 21 21"' in drawing
        assert "&lt;b&gt;" in drawing


@pytest.mark.parametrize("path", ["/me", "/me/code"])
def test_visitors_sign_in_first(client, db, path: str):
    assert client.get(path)["Location"] == f"/accounts/login?next={path}"


def test_staff_have_no_member_page(client, owner):
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get("/me")["Location"] == "/"
    assert client.get("/").status_code == 200
