"""Holds over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from loyalty.models import Entry, Hold
from members.models import Member
from tests.loyalty.builders import books, order, program
from tests.tills import Till, pointers

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def hold(of: Member, **changes: Any) -> dict[str, Any]:
    return {"member": of.number, "points": 300, "reference": "H-1", **changes}


def placed(till: Till, of: Member, **changes: Any) -> int:
    response = till.post("holds", hold(of, **changes))
    assert response.status_code == 201
    return int(response.json()["id"])


class TestHold:
    def test_sets_points_aside_and_can_be_read(self, till: Till, ada: Member):
        with time_machine.travel(NOW, tick=False):
            response = till.post("holds", hold(ada, expires_in=60))
            read = till.get(f"holds/{response.json()['id']}")

        answer = response.json()
        wallet = answer.pop("wallet")
        assert response.status_code == 201
        assert answer == {
            "id": Hold.objects.get().pk,
            "state": "held",
            "member": ada.number,
            "points": 300,
            "captured_points": 0,
            "value": "3.00",
            "reference": "H-1",
            "order": None,
            "at": "2026-11-21T12:00:00+08:00",
            "expires_at": "2026-11-21T12:01:00+08:00",
            "closed_at": None,
        }
        assert (wallet["active"], wallet["reserved"], wallet["value"]) == (700, 300, "7.00")
        assert read.json() == {**answer, "wallet": wallet}

    def test_is_worth_whole_cents_rounded_down(self, till: Till, ada: Member):
        program(point_value="0.0199")

        assert till.post("holds", hold(ada, points=5)).json()["value"] == "0.09"

    def test_keeps_half_an_hour_unless_told(self, till: Till, ada: Member):
        placed(till, ada)

        made = Hold.objects.get()
        assert made.expires_at - made.at == timedelta(minutes=30)

    def test_again_is_200_with_hold_and_wallet_as_they_are_now(self, till: Till, ada: Member):
        pk = placed(till, ada)
        till.post(f"holds/{pk}/capture", {"points": 100})

        again = till.post("holds", hold(ada, expires_in=1800))

        assert again.status_code == 200
        assert (again.json()["id"], again.json()["state"]) == (pk, "captured")
        assert again.json()["wallet"]["active"] == 900

    @pytest.mark.parametrize("change", [{"points": 301}, {"expires_in": 60}])
    def test_again_with_other_content_is_409(
        self, till: Till, ada: Member, change: dict[str, Any]
    ):
        placed(till, ada)

        response = till.post("holds", hold(ada, **change))

        assert (response.status_code, response.json()["code"]) == (409, "reference_reused")

    def test_of_more_than_there_is_is_422_and_leaves_the_reference_free(
        self, till: Till, ada: Member
    ):
        response = till.post("holds", hold(ada, points=1001))

        body = response.json()
        assert response.status_code == 422
        assert (body["code"], body["needed"], body["available"]) == (
            "insufficient_points",
            1001,
            1000,
        )
        placed(till, ada)

    @pytest.mark.parametrize(
        ("status", "code"), [("frozen", "wallet_frozen"), ("closed", "member_closed")]
    )
    def test_of_the_frozen_or_closed_is_422(self, till: Till, ada: Member, status: str, code: str):
        Member.objects.update(status=status)

        response = till.post("holds", hold(ada))

        assert (response.status_code, response.json()["code"]) == (422, code)
        assert not Hold.objects.exists()

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"member": None}, "/member"),
            ({"points": None}, "/points"),
            ({"points": 0}, "/points"),
            ({"points": -5}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": "300"}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 2**63}, "/points"),
            ({"expires_in": 0}, "/expires_in"),
            ({"expires_in": -1}, "/expires_in"),
            ({"expires_in": True}, "/expires_in"),
            ({"expires_in": 60.5}, "/expires_in"),
            ({"expires_in": "60"}, "/expires_in"),
            ({"expires_in": 2**63}, "/expires_in"),
            ({"reference": ""}, "/reference"),
            ({"reference": 5}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
        ],
    )
    def test_says_where_the_input_is_bad_and_holds_nothing(
        self, till: Till, ada: Member, change: dict[str, Any], pointer: str
    ):
        before = books()

        response = till.post("holds", hold(ada, **change))

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert not Hold.objects.exists()
        assert books() == before

    def test_of_an_unknown_member_is_404(self, till: Till, ada: Member):
        response = till.post("holds", hold(ada, member="nobody"))

        assert response.status_code == 404
        assert pointers(response) == {"/member": "not_found"}

    def test_that_is_not_there_is_404(self, till: Till):
        for number in ("1", "9" * 30, "x"):
            assert till.get(f"holds/{number}").status_code == 404
            assert till.post(f"holds/{number}/capture", {}).status_code == 404
            assert till.post(f"holds/{number}/release", {}).status_code == 404


class TestCapture:
    def test_takes_the_whole_when_points_are_left_out(self, till: Till, ada: Member):
        pk = placed(till, ada)

        response = till.post(f"holds/{pk}/capture", {})

        body = response.json()
        assert response.status_code == 200
        assert (body["state"], body["points"], body["captured_points"]) == ("captured", 300, 300)
        assert (body["wallet"]["active"], body["wallet"]["reserved"]) == (700, 0)
        assert body["wallet"]["spent"] == 300
        entry = till.get(f"members/{ada.number}/entries", kind="redeem").json()["results"][0]
        assert (entry["points"], entry["balance"], entry["reference"]) == (
            -300,
            700,
            f"hold/{pk}",
        )

    def test_of_a_part_releases_the_rest(self, till: Till, ada: Member):
        pk = placed(till, ada)

        body = till.post(f"holds/{pk}/capture", {"points": 120}).json()

        assert (body["state"], body["captured_points"]) == ("captured", 120)
        assert (body["wallet"]["active"], body["wallet"]["reserved"]) == (880, 0)

    def test_above_the_hold_is_422_and_the_hold_stays(self, till: Till, ada: Member):
        pk = placed(till, ada)

        response = till.post(f"holds/{pk}/capture", {"points": 301})

        body = response.json()
        assert response.status_code == 422
        assert (body["code"], body["needed"], body["available"]) == (
            "insufficient_points",
            301,
            300,
        )
        assert till.get(f"holds/{pk}").json()["state"] == "held"

    def test_again_is_422_with_the_final_state_and_the_same_key_is_replayed(
        self, till: Till, ada: Member
    ):
        pk = placed(till, ada)
        first = till.post(f"holds/{pk}/capture", {}, key="capture-1")

        again = till.post(f"holds/{pk}/capture", {})
        replayed = till.post(f"holds/{pk}/capture", {}, key="capture-1")

        assert (again.status_code, again.json()["code"]) == (422, "hold_closed")
        assert again.json()["state"] == "captured"
        assert (replayed.status_code, replayed.content) == (200, first.content)
        assert replayed["Idempotent-Replayed"] == "true"
        assert Entry.objects.filter(kind="redeem").count() == 1

    def test_at_the_moment_it_times_out_is_422_expired(self, till: Till, ada: Member):
        with time_machine.travel(NOW, tick=False):
            pk = placed(till, ada, expires_in=60)
        with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
            wallet = till.get(f"members/{ada.number}/wallet").json()
            read = till.get(f"holds/{pk}").json()
            late = till.post(f"holds/{pk}/capture", {})
            release = till.post(f"holds/{pk}/release", {})

        assert (wallet["active"], wallet["reserved"]) == (1000, 0)
        assert (read["state"], read["closed_at"]) == ("expired", "2026-11-21T12:01:00+08:00")
        for response in (late, release):
            assert (response.status_code, response.json()["code"]) == (422, "hold_closed")
            assert response.json()["state"] == "expired"

    def test_names_the_order_it_pays_for(self, till: Till, ada: Member):
        from loyalty import ordering

        ordering.place(order=order("A-1", "10.00", member=ada), at=NOW)
        pk = placed(till, ada)

        response = till.post(f"holds/{pk}/capture", {"order": "A-1"})

        assert (response.status_code, response.json()["order"]) == (200, "default/A-1")

    def test_for_an_unknown_order_is_404_and_the_hold_stays(self, till: Till, ada: Member):
        pk = placed(till, ada)

        response = till.post(f"holds/{pk}/capture", {"order": "default/A-9"})

        assert response.status_code == 404
        assert pointers(response) == {"/order": "not_found"}
        assert till.get(f"holds/{pk}").json()["state"] == "held"

    @pytest.mark.parametrize("points", [0, -1, True, 1.0, "1", 2**63])
    def test_of_bad_points_is_400(self, till: Till, ada: Member, points: Any):
        pk = placed(till, ada)

        response = till.post(f"holds/{pk}/capture", {"points": points})

        assert response.status_code == 400
        assert list(pointers(response)) == ["/points"]
        assert till.get(f"holds/{pk}").json()["state"] == "held"


class TestRelease:
    def test_frees_the_points_and_again_changes_nothing(self, till: Till, ada: Member):
        pk = placed(till, ada)

        first = till.post(f"holds/{pk}/release", {})
        again = till.post(f"holds/{pk}/release")

        for response in (first, again):
            assert response.status_code == 200
            assert response.json()["state"] == "released"
            assert response.json()["wallet"]["active"] == 1000
        assert till.post(f"holds/{pk}/capture", {}).json()["state"] == "released"

    def test_goes_on_for_the_frozen_while_capture_is_refused(self, till: Till, ada: Member):
        pk = placed(till, ada)
        Member.objects.update(status="frozen")

        assert till.post(f"holds/{pk}/capture", {}).json()["code"] == "wallet_frozen"
        assert till.post(f"holds/{pk}/release", {}).status_code == 200

    def test_of_what_was_captured_is_422(self, till: Till, ada: Member):
        pk = placed(till, ada)
        till.post(f"holds/{pk}/capture", {})

        response = till.post(f"holds/{pk}/release", {})

        assert (response.status_code, response.json()["state"]) == (422, "captured")
