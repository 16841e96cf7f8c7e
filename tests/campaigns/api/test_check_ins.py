"""Signing in over the API."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from campaigns.models import Campaign, CheckIn
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.tills import Till, pointers


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture(autouse=True)
def small_shop(db: None) -> None:
    campaign("sign-in", trigger="check_in", effect=bonus(10))
    campaign("week", trigger="check_in", effect=bonus(50), event_data={"streak": {"every": 7}})


def sign(till: Till, member: Member, body: Any = None, **headers: str) -> Any:
    return till.post(f"members/{member.number}/check-ins", {} if body is None else body, **headers)


class TestSign:
    def test_gives_points_and_says_what_is_near(self, till: Till, bob: Member):
        response = sign(till, bob)

        answer = response.json()
        wallet = answer.pop("wallet")
        assert response.status_code == 201
        assert answer == {
            "day": "2026-11-21",
            "points": 10,
            "streak": 1,
            "next_milestone": {"days": 7, "points": 50, "left": 6, "counts": "streak"},
        }
        assert wallet["active"] == 10

    def test_of_a_week_gives_120(self, till: Till, bob: Member):
        for offset in range(6, -1, -1):
            response = sign(till, bob, {"at": (NOON - timedelta(days=offset)).isoformat()})
            assert response.status_code == 201

        answer = response.json()
        assert (answer["points"], answer["streak"]) == (60, 7)
        assert answer["next_milestone"]["left"] == 7
        assert answer["wallet"]["active"] == 120

    def test_of_a_signed_day_is_200_with_the_same_answer(self, till: Till, bob: Member):
        first = sign(till, bob).json()

        again = sign(till, bob, {"at": "2026-11-21T23:59:59+08:00"})

        assert again.status_code == 400  # it is still to come
        again = sign(till, bob, {"at": "2026-11-21T00:00:00+08:00"})
        assert again.status_code == 200
        assert again.json() == first
        assert CheckIn.objects.count() == 1

    def test_is_null_where_nothing_more_is_to_come(self, till: Till, bob: Member):
        Campaign.objects.filter(code="week").update(state="paused")

        assert sign(till, bob).json()["next_milestone"] is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"at": "2026-11-21T12:05:01+08:00"}, "future"),
            ({"at": "2026-11-21T12:00:00"}, "naive"),
            ({"at": "yesterday"}, "invalid"),
            ({"at": 5}, "invalid"),
        ],
    )
    def test_says_what_is_wrong_with_the_moment(
        self, till: Till, bob: Member, body: Any, code: str
    ):
        response = sign(till, bob, body)

        assert response.status_code == 400
        assert pointers(response) == {"/at": code}
        assert not CheckIn.objects.exists()

    def test_knows_no_stranger(self, till: Till):
        assert till.post("members/1/check-ins", {}).status_code == 404

    def test_refuses_the_closed(self, till: Till, bob: Member):
        Member.objects.update(status="closed")

        response = sign(till, bob)

        assert response.status_code == 422
        assert response.json()["code"] == "member_closed"

    def test_needs_the_scope(self, bob: Member):
        assert sign(Till("read", "spend", "manage"), bob).status_code == 403
