"""Staff sign in with a password; guessing is answered by a pause."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from tests.conftest import NOON
from tests.console import staff

LOGIN = "/console/login/"


@pytest.fixture(autouse=True)
def nobody_has_tried(db: None) -> None:
    cache.clear()
    staff("owner")


def try_password(password: str, *, username: str = "owner", ip: str = "10.0.0.1") -> int:
    answer = Client(REMOTE_ADDR=ip).post(LOGIN, {"username": username, "password": password})
    return answer.status_code


class TestSignIn:
    def test_opens_the_console_and_not_the_portal(self):
        client = Client()
        page = client.get(LOGIN)
        data = {"username": "owner", "password": "owner", "next": page.context["next"]}
        answer = client.post(LOGIN, data)
        assert answer["Location"] == "/console/"
        assert b'name="next" value="/console/" form="login-form"' in page.content

    def test_five_wrong_passwords_are_answered_by_a_pause_of_fifteen_minutes(self):
        with time_machine.travel(NOON, tick=False) as clock:
            for _time in range(5):
                assert try_password("wrong") == 200
            assert try_password("owner") == 200, "the right password does not help any more"
            clock.shift(timedelta(minutes=15, microseconds=-1))
            assert try_password("owner") == 200
            clock.shift(timedelta(microseconds=2))
            assert try_password("owner") == 302

    def test_says_how_long_to_wait(self):
        for _time in range(6):
            answer = Client().post(LOGIN, {"username": "owner", "password": "wrong"})
        assert "15 分钟后再试" in answer.content.decode()

    def test_a_pause_is_for_one_name_from_one_address(self):
        staff("clerk")
        for _time in range(6):
            try_password("wrong")
        assert try_password("owner", ip="10.0.0.2") == 302
        assert try_password("clerk", username="clerk") == 302
        assert try_password("wrong", username="OWNER") == 200
        assert try_password("owner") == 200

    def test_signing_in_forgets_the_wrong_ones(self):
        for _round in range(3):
            for _time in range(4):
                assert try_password("wrong") == 200
            assert try_password("owner") == 302
