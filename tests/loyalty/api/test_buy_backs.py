"""Buy-backs over the API."""

from typing import Any

import pytest

from loyalty.models import BuyBack
from members.models import Member
from tests.loyalty.builders import books
from tests.tills import Till, pointers


def bought(of: Member, **changes: Any) -> dict[str, Any]:
    return {"member": of.number, "points": 250, "reference": "B-1", **changes}


class TestBuyBack:
    def test_takes_points_and_says_their_value(self, till: Till, ada: Member):
        till.patch("program", {"point_value": "0.0199"})

        response = till.post("buy-backs", bought(ada))

        answer = response.json()
        wallet = answer.pop("wallet")
        assert response.status_code == 201
        assert answer.pop("at").endswith("+08:00")
        assert answer == {
            "id": BuyBack.objects.get().pk,
            "member": ada.number,
            "points": 250,
            "value": "4.97",
            "reference": "B-1",
        }
        assert (wallet["active"], wallet["spent"]) == (750, 250)
        entries = till.get(f"members/{ada.number}/entries", kind="buy_back").json()["results"]
        assert [(each["points"], each["balance"]) for each in entries] == [(-250, 750)]

    def test_again_is_200_with_its_value_and_the_wallet_as_it_is_now(
        self, till: Till, ada: Member
    ):
        till.post("buy-backs", bought(ada))
        till.patch("program", {"point_value": "0.02"})
        till.post("buy-backs", bought(ada, reference="B-2"))

        again = till.post("buy-backs", bought(ada))

        assert (again.status_code, again.json()["value"]) == (200, "2.50")
        assert again.json()["wallet"]["active"] == 500

    def test_again_with_other_points_is_409(self, till: Till, ada: Member):
        till.post("buy-backs", bought(ada))

        response = till.post("buy-backs", bought(ada, points=251))

        assert (response.status_code, response.json()["code"]) == (409, "reference_reused")

    def test_of_more_than_there_is_is_422(self, till: Till, ada: Member):
        body = till.post("buy-backs", bought(ada, points=1001)).json()

        assert (body["status"], body["code"]) == (422, "insufficient_points")
        assert (body["needed"], body["available"]) == (1001, 1000)

    @pytest.mark.parametrize(
        ("status", "code"), [("frozen", "wallet_frozen"), ("closed", "member_closed")]
    )
    def test_of_the_frozen_or_closed_is_422(self, till: Till, ada: Member, status: str, code: str):
        Member.objects.update(status=status)

        body = till.post("buy-backs", bought(ada)).json()

        assert (body["status"], body["code"]) == (422, code)
        assert not BuyBack.objects.exists()

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"member": None}, "/member"),
            ({"points": 0}, "/points"),
            ({"points": -1}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 1.5}, "/points"),
            ({"points": 2**63}, "/points"),
            ({"reference": None}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
        ],
    )
    def test_says_where_the_input_is_bad_and_takes_nothing(
        self, till: Till, ada: Member, change: dict[str, Any], pointer: str
    ):
        before = books()

        response = till.post("buy-backs", bought(ada, **change))

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert books() == before

    def test_of_an_unknown_member_is_404(self, till: Till, ada: Member):
        response = till.post("buy-backs", bought(ada, member="nobody"))

        assert response.status_code == 404
        assert pointers(response) == {"/member": "not_found"}
