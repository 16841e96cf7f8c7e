"""Adjustments over the API."""

from typing import Any

import pytest

from loyalty.models import Adjustment, Entry
from members.models import Member
from tests.tills import Till, pointers


def adjustment(of: Member, **changes: Any) -> dict[str, Any]:
    return {
        "member": of.number,
        "points": 500,
        "reason": "goodwill",
        "reference": "AD-1",
        **changes,
    }


class TestAdjust:
    def test_is_posted_at_once_and_can_be_read(self, till: Till, bob: Member):
        response = till.post(
            "adjustments",
            adjustment(
                bob, note="called twice", message="Sorry!", expires_at="2999-01-01T00:00:00+08:00"
            ),
        )

        answer = response.json()
        made = Adjustment.objects.get()
        wallet = answer.pop("wallet")
        assert response.status_code == 201
        assert answer == {
            "id": made.pk,
            "state": "posted",
            "member": bob.number,
            "points": 500,
            "reference": "AD-1",
        }
        assert (wallet["active"], wallet["earned"]) == (500, 0)
        assert wallet["next_expiry"] == {"points": 500, "expires_at": "2999-01-01T00:00:00+08:00"}
        assert (made.note, made.message) == ("called twice", "Sorry!")
        assert made.requested_by.startswith("till (")
        assert till.get(f"adjustments/{made.pk}").json() == {**answer, "wallet": wallet}

    def test_again_is_200_with_the_wallet_as_it_is_now(self, till: Till, bob: Member):
        till.post("adjustments", adjustment(bob))
        till.post("adjustments", adjustment(bob, reference="AD-2", points=-100))

        again = till.post("adjustments", adjustment(bob, note="", message="", expires_at=None))

        assert again.status_code == 200
        assert again.json()["wallet"]["active"] == 400
        assert Entry.objects.count() == 2

    def test_again_with_other_content_is_409(self, till: Till, bob: Member):
        till.post("adjustments", adjustment(bob))

        response = till.post("adjustments", adjustment(bob, points=501))

        assert response.status_code == 409
        assert response.json()["code"] == "reference_reused"

    def test_never_makes_debt(self, till: Till, bob: Member):
        till.post("adjustments", adjustment(bob))

        response = till.post("adjustments", adjustment(bob, reference="AD-2", points=-501))

        body = response.json()
        assert response.status_code == 422
        assert (body["code"], body["needed"], body["available"]) == (
            "insufficient_points",
            501,
            500,
        )
        assert body["detail"] == "501 points are needed, but only 500 are available."

    def test_of_a_closed_member_is_422(self, till: Till, bob: Member):
        Member.objects.update(status="closed")

        response = till.post("adjustments", adjustment(bob))

        assert (response.status_code, response.json()["code"]) == (422, "member_closed")

    def test_past_what_can_be_counted_is_out_of_range(self, till: Till, bob: Member):
        most = 2**63 - 1
        assert till.post("adjustments", adjustment(bob, points=most)).status_code == 201

        sum_too_large = till.post("adjustments", adjustment(bob, reference="AD-2", points=1))
        too_large = till.post("adjustments", adjustment(bob, reference="AD-3", points=most + 1))

        for response in (sum_too_large, too_large):
            assert response.status_code == 400
            assert response.json()["code"] == "out_of_range"
        assert Adjustment.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"member": None}, "/member"),
            ({"points": None}, "/points"),
            ({"points": 0}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": 1.5}, "/points"),
            ({"points": "500"}, "/points"),
            ({"points": True}, "/points"),
            ({"points": [500]}, "/points"),
            ({"points": -(2**63)}, "/points"),
            ({"points": 10**400}, "/points"),
            ({"reason": "whim"}, "/reason"),
            ({"reason": None}, "/reason"),
            ({"reference": ""}, "/reference"),
            ({"reference": " "}, "/reference"),
            ({"reference": 5}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
            ({"message": "x" * 201}, "/message"),
            ({"expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
            ({"expires_at": "2026-01-01T00:00:00+08:00"}, "/expires_at"),
        ],
    )
    def test_says_where_the_input_is_bad_and_posts_nothing(
        self, till: Till, bob: Member, change: dict[str, Any], pointer: str
    ):
        response = till.post("adjustments", adjustment(bob, **change))

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert not Entry.objects.exists()

    def test_of_an_unknown_member_is_404(self, till: Till, bob: Member):
        response = till.post("adjustments", adjustment(bob, member="nobody"))

        assert response.status_code == 404
        assert pointers(response) == {"/member": "not_found"}

    def test_that_is_not_there_is_404(self, till: Till):
        for number in ("1", "9" * 30, "9" * 5000, "x"):
            assert till.get(f"adjustments/{number}").status_code == 404


class TestApproval:
    @pytest.fixture
    def boss(self, db: None) -> Till:
        """Another key: whoever asked may not decide."""
        return Till("read", "manage")

    @pytest.fixture
    def waiting(self, till: Till, bob: Member) -> int:
        assert till.patch("program", {"approval_threshold": 499}).status_code == 200
        response = till.post("adjustments", adjustment(bob))
        assert response.status_code == 202
        return int(response.json()["id"])

    def test_above_the_threshold_is_202_and_posts_nothing(
        self, till: Till, bob: Member, waiting: int
    ):
        answer = till.get(f"adjustments/{waiting}").json()

        assert answer["wallet"]["active"] == 0
        assert {**answer, "wallet": None} == {
            "id": waiting,
            "state": "awaiting_approval",
            "member": bob.number,
            "points": 500,
            "reference": "AD-1",
            "wallet": None,
        }
        assert Entry.objects.count() == 0
        again = till.post("adjustments", adjustment(bob))
        assert (again.status_code, again.json()) == (200, answer)

    def test_at_the_threshold_is_posted(self, till: Till, bob: Member, waiting: int):
        response = till.post("adjustments", adjustment(bob, points=499, reference="AD-2"))

        assert (response.status_code, response.json()["state"]) == (201, "posted")

    def test_another_key_approves(self, boss: Till, waiting: int):
        for _time in range(2):
            response = boss.post(f"adjustments/{waiting}/approve")

            assert response.status_code == 200
            answer = response.json()
            assert (answer["state"], answer["wallet"]["active"]) == ("posted", 500)
        late = boss.post(f"adjustments/{waiting}/reject")
        assert (late.status_code, late.json()["code"]) == (409, "adjustment_decided")
        assert late.json()["state"] == "posted"

    def test_another_key_rejects(self, boss: Till, waiting: int):
        for _time in range(2):
            response = boss.post(f"adjustments/{waiting}/reject")

            assert response.status_code == 200
            assert (response.json()["state"], response.json()["wallet"]["active"]) == (
                "rejected",
                0,
            )
        late = boss.post(f"adjustments/{waiting}/approve")
        assert (late.status_code, late.json()["state"]) == (409, "rejected")

    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_the_key_that_asked_is_403_and_may_leave_it_to_another(
        self, till: Till, boss: Till, waiting: int, verb: str
    ):
        response = till.post(f"adjustments/{waiting}/{verb}", key="one")

        assert response.status_code == 403
        assert response.json()["code"] == "self_approval"
        assert response["Content-Type"] == "application/problem+json"
        assert Adjustment.objects.get().state == "awaiting_approval"
        # Not kept: the same key and header with another answer is no replay.
        again = till.post(f"adjustments/{waiting}/{verb}", key="one")
        assert "Idempotent-Replayed" not in again
        assert boss.post(f"adjustments/{waiting}/{verb}").status_code == 200

    def test_more_than_there_is_is_422_and_goes_on_waiting(
        self, till: Till, boss: Till, bob: Member, waiting: int
    ):
        asked = till.post("adjustments", adjustment(bob, points=-600, reference="AD-2"))
        assert asked.status_code == 202

        response = boss.post(f"adjustments/{asked.json()['id']}/approve")

        assert (response.status_code, response.json()["code"]) == (422, "insufficient_points")
        assert (response.json()["needed"], response.json()["available"]) == (600, 0)
        assert Adjustment.objects.get(pk=asked.json()["id"]).state == "awaiting_approval"

    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_an_unknown_one_is_404(self, boss: Till, verb: str):
        assert boss.post(f"adjustments/1/{verb}").status_code == 404

    @pytest.mark.parametrize("threshold", [-1, True, "5", 1.5])
    def test_a_threshold_is_a_whole_number_or_nothing(self, till: Till, threshold: Any):
        response = till.patch("program", {"approval_threshold": threshold})

        assert response.status_code == 400
        assert set(pointers(response)) == {"/approval_threshold"}
