"""Freezing, closing and merging members over the API."""

from typing import Any

import pytest

from loyalty import awarding
from loyalty.models import Entry
from members.models import Member, StatusChange
from rewards.models import Reward
from tests.conftest import NOON
from tests.tills import Till, pointers


@pytest.fixture
def cake(db: None) -> Reward:
    return Reward.objects.create(code="cake", name="Cake", kind="gift", points=300, stock=5)


def redeem(till: Till, member: Member, reference: str = "W-1") -> Any:
    said = {"member": member.number, "reward": "cake", "reference": reference}
    return till.post("redemptions", said)


class TestFreeze:
    def test_answers_the_member_and_is_noted_once(self, till: Till, ada: Member):
        for _time in range(2):
            response = till.post(f"members/{ada.number}/freeze", {"reason": "checked"})

            assert response.status_code == 200
            assert response.json() == till.get(f"members/{ada.number}").json()
            assert response.json()["status"] == "frozen"
        step = StatusChange.objects.get()
        assert (step.before, step.after, step.reason) == ("active", "frozen", "checked")
        assert step.by.startswith("till (")

    def test_refuses_spends_and_lets_the_rest_go_on(self, till: Till, ada: Member, cake: Reward):
        code = redeem(till, ada).json()["vouchers"][0]["code"]
        number = till.post(
            "redemptions", {"member": ada.number, "reward": "cake", "reference": "W-2"}
        ).json()["number"]
        held = till.post("holds", {"member": ada.number, "points": 10, "reference": "h"}).json()
        till.post(f"members/{ada.number}/freeze", {"reason": "checked"})

        order = {
            "number": "1",
            "member": ada.number,
            "placed_at": NOON.isoformat(),
            "lines": [{"sku": "a", "amount": "5.00"}],
        }
        spends = [
            redeem(till, ada, "W-3"),
            till.post("holds", {"member": ada.number, "points": 10, "reference": "h2"}),
            till.post(f"holds/{held['id']}/capture", {}),
            till.post(f"vouchers/{code}/use", {}),
            till.post(
                "donations",
                {"member": ada.number, "points": 1, "project": "trees", "reference": "d"},
            ),
        ]
        others = [
            till.post("orders", order),
            till.post("orders/default/1/refunds", {"reference": "r", "amount": "1.00"}),
            till.post(f"redemptions/{number}/cancel"),
            till.post(f"holds/{held['id']}/release"),
            till.post(
                "adjustments",
                {"member": ada.number, "points": 5, "reason": "other", "reference": "a"},
            ),
        ]

        assert {(each.status_code, each.json()["code"]) for each in spends} == {
            (422, "wallet_frozen")
        }
        assert [each.status_code for each in others] == [201, 201, 200, 200, 201]

    def test_needs_a_reason(self, till: Till, ada: Member):
        response = till.post(f"members/{ada.number}/freeze", {})

        assert response.status_code == 400
        assert pointers(response) == {"/reason": "required"}
        assert StatusChange.objects.count() == 0

    def test_of_a_closed_member_is_422(self, till: Till, bob: Member):
        till.post(f"members/{bob.number}/close", {})

        for verb, body in (("freeze", {"reason": "x"}), ("unfreeze", {})):
            response = till.post(f"members/{bob.number}/{verb}", body)
            assert (response.status_code, response.json()["code"]) == (422, "member_closed")

    @pytest.mark.parametrize("verb", ["freeze", "unfreeze", "close", "merge"])
    def test_of_nobody_is_404(self, till: Till, bob: Member, verb: str):
        body = {"freeze": {"reason": "x"}, "merge": {"into": bob.number}}.get(verb, {})

        assert till.post(f"members/1/{verb}", body).status_code == 404


class TestUnfreeze:
    @pytest.mark.parametrize("body", [None, {}, {"reason": "all right"}])
    def test_lets_the_member_spend_again(self, till: Till, ada: Member, cake: Reward, body: Any):
        till.post(f"members/{ada.number}/freeze", {"reason": "checked"})

        response = till.post(f"members/{ada.number}/unfreeze", body)

        assert (response.status_code, response.json()["status"]) == (200, "active")
        assert redeem(till, ada).status_code == 201


class TestClose:
    @pytest.mark.parametrize("body", [None, {}, {"forfeit": False}])
    def test_with_points_left_is_409_with_the_figures(self, till: Till, ada: Member, body: Any):
        response = till.post(f"members/{ada.number}/close", body)

        problem = response.json()
        assert (response.status_code, problem["code"]) == (409, "wallet_not_empty")
        assert (problem["active"], problem["pending"], problem["reserved"]) == (1000, 0, 0)
        assert Member.objects.get().status == "active"

    def test_with_forfeit_takes_all_and_clears_the_profile(self, ada: Member, cake: Reward):
        till = Till("read", "spend", "manage", "personal")
        code = redeem(till, ada).json()["vouchers"][0]["code"]
        till.post("holds", {"member": ada.number, "points": 10, "reference": "h"})

        for _time in range(2):
            response = till.post(f"members/{ada.number}/close", {"forfeit": True})
            answer = response.json()
            assert (response.status_code, answer["status"]) == (200, "closed")
            assert (answer["phone"], answer["name"], answer["external_id"]) == (None, "", None)
            wallet = answer["wallet"]
            assert (wallet["active"], wallet["reserved"], wallet["spent"]) == (0, 0, 300)
        assert Entry.objects.latest("id").points == -700
        assert till.get(f"vouchers/{code}").json()["state"] == "void"
        use = till.post(f"vouchers/{code}/use", {})
        assert (use.status_code, use.json()["code"]) == (422, "member_closed")
        assert till.get(f"members/{ada.number}/entries").status_code == 200

    def test_frees_the_phone_number(self, till: Till, bob: Member):
        till.post(f"members/{bob.number}/close")

        response = till.post("members", {"phone": "+8613800000002"})

        assert response.status_code == 201
        assert response.json()["number"] != bob.number

    @pytest.mark.parametrize("forfeit", ["yes", 1])
    def test_takes_a_boolean(self, till: Till, bob: Member, forfeit: Any):
        response = till.post(f"members/{bob.number}/close", {"forfeit": forfeit})

        assert response.status_code == 400
        assert set(pointers(response)) == {"/forfeit"}


class TestMerge:
    def test_answers_the_target_with_everything(
        self, till: Till, ada: Member, bob: Member, cake: Reward
    ):
        awarding.award(member=bob, points=5, reference="in", details={}, at=NOON)
        number = redeem(till, ada).json()["number"]

        for _time in range(2):
            response = till.post(f"members/{ada.number}/merge", {"into": bob.number})
            assert response.status_code == 200
            assert response.json() == till.get(f"members/{bob.number}").json()
        assert response.json()["wallet"]["active"] == 705
        assert till.get(f"members/{ada.number}").json()["status"] == "closed"
        cancelled = till.post(f"redemptions/{number}/cancel").json()
        assert (cancelled["state"], cancelled["wallet"]["active"]) == ("cancelled", 1005)

    def test_into_oneself_is_400(self, till: Till, ada: Member):
        response = till.post(f"members/{ada.number}/merge", {"into": ada.number})

        assert response.status_code == 400
        assert set(pointers(response)) == {"/into"}

    def test_into_nobody_is_404(self, till: Till, ada: Member):
        response = till.post(f"members/{ada.number}/merge", {"into": "1"})

        assert response.status_code == 404
        assert set(pointers(response)) == {"/into"}

    def test_with_a_closed_member_is_422(self, till: Till, ada: Member, bob: Member):
        till.post(f"members/{bob.number}/close")

        for source, into in ((ada, bob), (bob, ada)):
            response = till.post(f"members/{source.number}/merge", {"into": into.number})
            assert (response.status_code, response.json()["code"]) == (422, "member_closed")
