"""Events over the API."""

from datetime import timedelta
from typing import Any

import pytest

from campaigns import editing
from campaigns.models import Act
from loyalty import closing
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.tills import Till, pointers


def event(of: Member, **changes: Any) -> dict[str, Any]:
    return {"member": of.number, "type": "review", "reference": "R-1", **changes}


class TestReport:
    def test_gives_points_and_says_why(self, till: Till, bob: Member):
        campaign("review", trigger="review", effect=bonus(30), event_data={"has_photo": True})
        client = {"ip": "10.0.0.1", "device": "phone"}

        response = till.post(
            "events",
            event(bob, at="2026-05-01T10:00:00+08:00", data={"has_photo": True}, client=client),
        )

        answer = response.json()
        wallet = answer.pop("wallet")
        assert response.status_code == 201
        assert answer == {
            "id": Act.objects.get().pk,
            "member": bob.number,
            "type": "review",
            "reference": "R-1",
            "at": "2026-05-01T10:00:00+08:00",
            "points": 30,
            "status_points": 0,
            "explanation": [
                {"rule": "review", "kind": "bonus", "points": 30, "title": "review", "version": 1}
            ],
        }
        assert (wallet["active"], wallet["earned"]) == (30, 30)
        assert Act.objects.get().client == client
        entry = till.get(f"members/{bob.number}/entries").json()["results"][0]
        assert (entry["title"], entry["reference"]) == ("Review written", "act/reported/R-1")

    def test_again_is_200_with_the_same_answer(self, till: Till, bob: Member):
        campaign("review", trigger="review", effect=bonus(30))
        first = till.post("events", event(bob)).json()
        till.post("events", event(bob, reference="R-2"))

        again = till.post("events", event(bob, data={}, at=None, client={"device": "other"}))

        assert again.status_code == 200
        assert again.json() == {**first, "wallet": again.json()["wallet"]}
        assert again.json()["wallet"]["active"] == 60

    def test_a_replay_is_the_same_to_the_byte(self, till: Till, bob: Member):
        campaign("review", trigger="review", effect=bonus(30))
        first = till.post("events", event(bob), key="k")

        again = till.post("events", event(bob), key="k")

        assert again.headers["Idempotent-Replayed"] == "true"
        assert (again.status_code, again.content) == (201, first.content)

    @pytest.mark.parametrize(
        "change", [{"type": "share"}, {"data": {"a": 1}}, {"at": "2026-05-01T10:00:00Z"}], ids=str
    )
    def test_again_with_other_content_is_409(
        self, till: Till, bob: Member, change: dict[str, Any]
    ):
        till.post("events", event(bob))

        response = till.post("events", event(bob, **change))

        assert (response.status_code, response.json()["code"]) == (409, "reference_reused")

    def test_equal_moments_are_the_same(self, till: Till, bob: Member):
        till.post("events", event(bob, at="2026-05-01T10:00:00+08:00"))

        assert till.post("events", event(bob, at="2026-05-01T02:00:00Z")).status_code == 200

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"type": None}, "/type"),
            ({"type": "order.paid"}, "/type"),
            ({"type": "birthday"}, "/type"),
            ({"type": "a b"}, "/type"),
            ({"type": 7}, "/type"),
            ({"reference": ""}, "/reference"),
            ({"reference": "r" * 101}, "/reference"),
            ({"at": "2026-05-01T10:00:00"}, "/at"),
            ({"at": "2999-05-01T10:00:00Z"}, "/at"),
            ({"data": []}, "/data"),
            ({"data": {"a": "x" * 10_000}}, "/data"),
            ({"data": "x"}, "/data"),
            ({"client": {"ip": "here"}}, "/client/ip"),
        ],
        ids=str,
    )
    def test_bad_input_is_400_and_uses_up_nothing(
        self, till: Till, bob: Member, change: dict[str, Any], pointer: str
    ):
        response = till.post("events", event(bob, **change))

        assert response.status_code == 400
        assert set(pointers(response)) == {pointer}
        assert till.post("events", event(bob)).status_code == 201

    def test_a_number_beyond_all_bounds_is_400(self, till: Till, bob: Member):
        body = event(bob, data=7).copy()
        body["data"] = {"nights": 1}
        text = str(body).replace("'", '"').replace('"nights": 1', '"nights": 1e400')

        assert pointers(till.post("events", text)) == {"/data": "invalid"}

    def test_an_unknown_member_is_404(self, till: Till, db: None):
        response = till.post("events", {"member": "1", "type": "x", "reference": "1"})

        assert response.status_code == 404

    def test_of_a_closed_member_is_422(self, till: Till, bob: Member):
        closing.close(closing=closing.Closing(member=bob.number), by="eve", at=NOON)

        response = till.post("events", event(bob))

        assert (response.status_code, response.json()["code"]) == (422, "member_closed")

    def test_needs_the_scope_earn(self, bob: Member):
        assert Till("read", "spend", "manage").post("events", event(bob)).status_code == 403
        assert Till("earn").post("events", event(bob)).status_code == 201


class TestExplanation:
    def test_says_every_campaign_with_what_it_saw(self, till: Till, bob: Member) -> None:
        for code, wanted in (("photo", True), ("plain", False)):
            words = {
                "code": code,
                "name": code,
                "state": "active",
                "trigger": "review",
                "effect": {"type": "bonus", "points": 30},
                "conditions": {"event_data": {"has_photo": wanted}},
            }
            editing.create(changes=words, by="owner", at=NOON - timedelta(days=400))
        said = {
            "member": bob.number,
            "type": "review",
            "reference": "r",
            "data": {"has_photo": True},
        }
        made = till.post("events", said).json()

        found = till.get(f"events/{made['id']}/explanation").json()

        assert (found["points"], found["explanation"]) == (30, made["explanation"])
        assert [(each["rule"], each["matched"]) for each in found["rules"]] == [
            ("photo", True),
            ("plain", False),
        ]
        assert found["rules"][0]["conditions"] == [
            {
                "name": "event_data",
                "expected": {"has_photo": True},
                "seen": {"has_photo": True},
                "met": True,
            }
        ]

    def test_answers_404_for_an_unknown_event(self, till: Till) -> None:
        assert till.get("events/1/explanation").status_code == 404
        assert till.get(f"events/{2**70}/explanation").status_code == 404
