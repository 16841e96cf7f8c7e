"""Signing in with a phone number and a code, and joining."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from members import logins, queries
from members.models import Member, User
from members.portal import checks, sms
from tests.portal import page

SENT: list[tuple[str, str]] = []
LOGIN = "/accounts/login"
CODE = "/accounts/login/code"
NOBODY = "+8613900000000"


def keep(phone: str, code: str) -> None:
    """An SMS gateway that remembers."""
    SENT.append((phone, code))


@pytest.fixture(autouse=True)
def gateway(settings, noon: datetime) -> Iterator[time_machine.Traveller]:
    settings.SMS_GATEWAY = f"{__name__}.keep"
    SENT.clear()
    cache.clear()
    with time_machine.travel(noon, tick=False) as clock:
        yield clock


def _ask(client: Client, phone: str) -> str:
    """Ask for a code and return it."""
    response = client.post(LOGIN, {"phone": phone})
    assert response.status_code == 302, response.content.decode()
    assert response["Location"] == CODE
    return SENT[-1][1]


class TestSignIn:
    def test_opens_the_home_of_a_member_made_by_a_till(self, client, ada: Member):
        response = client.post(CODE, {"code": _ask(client, "13800000001")})

        assert response["Location"] == "/"
        ada.refresh_from_db()
        assert ada.user is not None
        assert ada.user.username == ada.number
        assert not ada.user.has_usable_password()
        assert "Ada" in client.get("/").content.decode()

    @pytest.mark.parametrize(
        "typed", ["138 0000 0001", "+86 138-0000-0001", "１３８００００００01", "008613800000001"]
    )
    def test_understands_a_number_as_people_type_it(self, client, ada: Member, typed: str):
        _ask(client, typed)

        assert [phone for phone, _ in SENT] == [ada.phone]
        assert re.fullmatch("[0-9]{6}", SENT[0][1])

    def test_says_what_is_wrong_with_a_number(self, client, db):
        response = client.post(LOGIN, {"phone": "12345"})

        assert response.status_code == 200
        assert 'class="error"' in response.content.decode()
        assert SENT == []

    def test_goes_on_to_the_page_that_was_asked_for(self, client, ada: Member):
        asked = client.get("/points")
        assert asked["Location"] == f"{LOGIN}?next=/points"

        client.post(asked["Location"], {"phone": ada.phone, "next": "/points"})
        code = SENT[-1][1]
        response = client.post(CODE, {"code": code, "next": "/points"})

        assert response["Location"] == "/points"

    def test_a_wrong_code_does_not_begin_the_wait_anew(self, client, ada: Member, gateway):
        _ask(client, "13800000001")
        assert 'data-wait="60"' in page(client, CODE)
        gateway.shift(timedelta(seconds=25))
        wrong = client.post(CODE, {"code": "000000"}).content.decode()
        assert 'data-wait="35"' in wrong

        gateway.shift(timedelta(seconds=50))
        assert 'data-wait="0"' in page(client, CODE)
        client.post(CODE, {"action": "resend"})
        assert 'data-wait="60"' in page(client, CODE)

    def test_never_leaves_the_house(self, client, ada: Member):
        code = _ask(client, "13800000001")

        response = client.post(CODE, {"code": code, "next": "https://evil.example/"})

        assert response["Location"] == "/"

    def test_looks_the_same_for_known_and_unknown_numbers(self, ada: Member):
        pages = []
        for phone in ("13800000001", "13900000001"):
            visitor = Client()
            _ask(visitor, phone)
            text = page(visitor, CODE)
            pages.append(re.sub(r'value="[A-Za-z0-9]{64}"|\+86[0-9*]+', "", text))

        assert pages[0] == pages[1]
        assert [phone for phone, _ in SENT] == ["+8613800000001", "+8613900000001"]

    def test_a_text_message_never_opens_the_console(self, client, ada: Member, owner: User):
        Member.objects.filter(pk=ada.pk).update(user=owner)

        response = client.post(LOGIN, {"phone": ada.phone})

        assert response["Location"] == CODE
        assert SENT == []
        assert logins.of_phone(phone="+8613800000001") is None

    def test_a_member_number_that_is_a_staff_name_opens_nothing(self, client, ada: Member):
        User.objects.create_user(username=ada.number, is_staff=True)

        assert logins.of_phone(phone="+8613800000001") is None


class TestCode:
    def test_refuses_a_wrong_one_in_words(self, client, ada: Member):
        code = _ask(client, "13800000001")

        response = client.post(CODE, {"code": "000000" if code != "000000" else "111111"})

        assert response.status_code == 200
        assert "data-invalid" in response.content.decode()
        assert "_auth_user_id" not in client.session

    def test_is_read_with_full_width_digits_and_blanks(self, client, ada: Member):
        code = _ask(client, "13800000001")
        wide = code.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})

        assert client.post(CODE, {"code": f"{wide[:3]} {wide[3:]}"})["Location"] == "/"

    def test_is_void_after_five_wrong_tries(self, client, ada: Member):
        code = _ask(client, "13800000001")
        wrong = "000000" if code != "000000" else "111111"
        for _ in range(4):
            assert client.post(CODE, {"code": wrong}).status_code == 200

        fifth = client.post(CODE, {"code": wrong}, follow=True)

        assert fifth.redirect_chain == [(LOGIN, 302)]
        assert "note--danger" in fifth.content.decode()
        assert client.post(CODE, {"code": code})["Location"] == LOGIN
        assert "_auth_user_id" not in client.session

    def test_expires_after_five_minutes(self, client, ada: Member, gateway):
        code = _ask(client, "13800000001")
        gateway.shift(timedelta(seconds=301))

        late = client.post(CODE, {"code": code}, follow=True)

        assert late.redirect_chain == [(LOGIN, 302)]
        assert "note--warm" in late.content.decode()
        assert "_auth_user_id" not in client.session

    def test_is_sent_anew_with_another_one(self, client, ada: Member):
        first = _ask(client, "13800000001")

        client.post(CODE, {"action": "resend"})

        assert len(SENT) == 2
        if SENT[1][1] != first:
            assert client.post(CODE, {"code": first}).status_code == 200
        assert client.post(CODE, {"code": SENT[1][1]})["Location"] == "/"

    def test_lets_the_visitor_go_back_for_another_number(self, client, ada: Member):
        _ask(client, "13800000002")

        client.post("/accounts/logout", {"next": LOGIN})

        assert client.get(LOGIN).status_code == 200

    def test_does_not_open_a_login_that_was_switched_off(self, client, ada: Member):
        code = _ask(client, "13800000001")
        User.objects.filter(member=ada).update(is_active=False)

        response = client.post(CODE, {"code": code}, follow=True)

        assert "note--danger" in response.content.decode()
        assert "_auth_user_id" not in client.session

    def test_page_is_made_for_the_keyboard_of_a_phone(self, client, ada: Member):
        _ask(client, "13800000001")

        text = page(client, CODE)

        assert 'autocomplete="one-time-code"' in text
        assert "+86138****0001" in text
        assert "13800000001" not in text


class TestLimits:
    def test_one_number_is_not_bombed(self, ada: Member, settings):
        settings.ACCOUNT_RATE_LIMITS = {"request_login_code": "3/m/key,60/h/ip"}
        for _ in range(3):
            _ask(Client(), "13800000001")

        fourth = Client().post(LOGIN, {"phone": "13800000001"})

        assert fourth.status_code == 200
        assert 'class="error"' in fourth.content.decode()
        assert len(SENT) == 3

    def test_sending_again_counts_too(self, client, ada: Member, settings):
        settings.ACCOUNT_RATE_LIMITS = {"request_login_code": "1/m/key"}
        _ask(client, "13800000001")

        response = client.post(CODE, {"action": "resend"}, follow=True)

        assert "note--danger" in response.content.decode()
        assert len(SENT) == 1


class TestJoin:
    def test_enrols_after_the_code_with_both_answers(self, client, db):
        response = client.post(CODE, {"code": _ask(client, NOBODY)}, follow=True)
        assert response.redirect_chain[-1] == ("/join", 302)
        assert not Member.objects.exists()

        client.post("/join", {"terms": "on"})

        member = queries.by_phone(NOBODY)
        assert queries.consents_of(member) == {"terms": True, "marketing_sms": False}
        assert member.channel == "portal"
        assert member.user is not None
        assert member.user.username == member.number
        assert client.get("/me").status_code == 200

    def test_needs_the_terms_and_enrols_nobody_without(self, client, db):
        client.post(CODE, {"code": _ask(client, NOBODY)})

        response = client.post("/join", {"marketing": "on"})

        assert 'class="error"' in response.content.decode()
        assert not Member.objects.exists()

    def test_ticks_nothing_in_advance(self, client, db):
        client.post(CODE, {"code": _ask(client, NOBODY)})

        assert "checked" not in page(client, "/join")

    def test_comes_before_every_other_page(self, client, db):
        client.post(CODE, {"code": _ask(client, NOBODY)})

        assert client.get("/")["Location"] == "/join"
        assert client.get("/points")["Location"] == "/join"

    def test_links_a_member_that_a_till_made_meanwhile(self, client, db, noon):
        from members import enrolment

        client.post(CODE, {"code": _ask(client, NOBODY)})
        at_till = enrolment.enrol(newcomer=enrolment.Newcomer(phone=NOBODY, name="Zhou"), at=noon)

        client.post("/join", {"terms": "on"})

        at_till.refresh_from_db()
        assert at_till.user is not None
        assert Member.objects.count() == 1

    def test_is_not_for_members(self, client, ada: Member):
        client.post(CODE, {"code": _ask(client, "13800000001")})

        assert client.get("/join")["Location"] == "/"


class TestSignOut:
    def test_asks_first_and_then_closes_the_session(self, client, ada: Member):
        client.post(CODE, {"code": _ask(client, "13800000001")})

        assert client.get("/accounts/logout").status_code == 200
        assert "_auth_user_id" in client.session
        assert client.post("/accounts/logout")["Location"] == "/"
        assert "_auth_user_id" not in client.session


class TestPasswordPages:
    @pytest.mark.parametrize(
        "path", ["signup/", "password/reset/", "password/change/", "email/", "phone/change/"]
    )
    def test_of_allauth_do_not_exist(self, client, db, path: str):
        assert client.get(f"/accounts/{path}").status_code == 404


class TestDelivery:
    def test_writes_the_code_to_the_log_of_the_demo(self, settings, caplog):
        settings.SMS_GATEWAY, settings.DEBUG = "", True
        caplog.set_level("INFO", logger="jifen.sms")

        sms.send_code(phone="+8613812348026", code="123456")

        assert caplog.messages == ["验证码 123456 → +86138****8026"]

    def test_never_writes_it_outside_the_demo(self, settings, caplog):
        settings.SMS_GATEWAY, settings.DEBUG = "", False

        sms.send_code(phone="+8613812348026", code="123456")

        assert "123456" not in caplog.text
        assert "SMS_GATEWAY" in caplog.text

    def test_a_check_explains_a_missing_gateway(self, settings):
        settings.DEBUG, settings.SMS_GATEWAY = False, ""
        assert [message.id for message in checks.sms_gateway(None)] == ["members.W001"]

        settings.SMS_GATEWAY = "shop.sms.send"
        assert checks.sms_gateway(None) == []


def test_the_sign_in_page_works_in_both_languages(client, db):
    assert "获取验证码" in page(client, LOGIN)
    assert "Get a code" in page(client, LOGIN, language="en")
    assert reverse("account_login") == LOGIN
