"""Donations over the API."""

from typing import Any

import pytest

from loyalty.models import Donation
from members.models import Member
from tests.loyalty.builders import books
from tests.tills import Till, pointers


def donation(of: Member, **changes: Any) -> dict[str, Any]:
    said = {"member": of.number, "points": 300, "project": "forest", "reference": "D-1"}
    return {**said, **changes}


class TestDonate:
    def test_takes_points_for_a_project(self, till: Till, ada: Member):
        response = till.post("donations", donation(ada))

        answer = response.json()
        wallet = answer.pop("wallet")
        assert response.status_code == 201
        assert answer.pop("at").endswith("+08:00")
        assert answer == {
            "id": Donation.objects.get().pk,
            "member": ada.number,
            "points": 300,
            "project": "forest",
            "reference": "D-1",
        }
        assert (wallet["active"], wallet["spent"]) == (700, 300)
        entry = till.get(f"members/{ada.number}/entries", kind="donate").json()["results"][0]
        assert (entry["points"], entry["balance"], entry["title"]) == (
            -300,
            700,
            "Donated to forest",
        )

    def test_again_is_200_with_the_wallet_as_it_is_now(self, till: Till, ada: Member):
        till.post("donations", donation(ada))
        till.post("donations", donation(ada, reference="D-2"))

        again = till.post("donations", donation(ada))

        assert (again.status_code, again.json()["wallet"]["active"]) == (200, 400)

    @pytest.mark.parametrize("change", [{"points": 301}, {"project": "sea"}])
    def test_again_with_other_content_is_409(
        self, till: Till, ada: Member, change: dict[str, Any]
    ):
        till.post("donations", donation(ada))

        response = till.post("donations", donation(ada, **change))

        assert (response.status_code, response.json()["code"]) == (409, "reference_reused")

    def test_of_more_than_there_is_is_422(self, till: Till, ada: Member):
        body = till.post("donations", donation(ada, points=1001)).json()

        assert (body["status"], body["code"]) == (422, "insufficient_points")
        assert (body["needed"], body["available"]) == (1001, 1000)

    @pytest.mark.parametrize(
        ("status", "code"), [("frozen", "wallet_frozen"), ("closed", "member_closed")]
    )
    def test_of_the_frozen_or_closed_is_422(self, till: Till, ada: Member, status: str, code: str):
        Member.objects.update(status=status)

        body = till.post("donations", donation(ada)).json()

        assert (body["status"], body["code"]) == (422, code)
        assert not Donation.objects.exists()

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"member": None}, "/member"),
            ({"points": 0}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 1.5}, "/points"),
            ({"points": 2**63}, "/points"),
            ({"project": None}, "/project"),
            ({"project": " "}, "/project"),
            ({"project": "x" * 101}, "/project"),
            ({"reference": None}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
        ],
    )
    def test_says_where_the_input_is_bad_and_takes_nothing(
        self, till: Till, ada: Member, change: dict[str, Any], pointer: str
    ):
        before = books()

        response = till.post("donations", donation(ada, **change))

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert books() == before

    def test_of_an_unknown_member_is_404(self, till: Till, ada: Member):
        response = till.post("donations", donation(ada, member="nobody"))

        assert response.status_code == 404
        assert pointers(response) == {"/member": "not_found"}
