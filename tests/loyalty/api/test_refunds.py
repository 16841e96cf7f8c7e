"""Refunds over the API."""

from typing import Any

import pytest

from loyalty.models import Refund
from members.models import Member
from tests.tills import Till, pointers

REFUNDS = "orders/default/A-1/refunds"


@pytest.fixture
def order(till: Till, bob: Member) -> dict[str, Any]:
    body = {
        "number": "A-1",
        "member": bob.number,
        "placed_at": "2026-11-20T10:00:00+08:00",
        "lines": [{"sku": "cake", "amount": "64.00"}, {"sku": "tea", "amount": "36.00"}],
    }
    answer: dict[str, Any] = till.post("orders", body).json()
    return answer


class TestRefund:
    def test_by_amount_answers_what_was_taken_the_order_and_the_wallet(
        self, till: Till, order: dict[str, Any]
    ):
        response = till.post(REFUNDS, {"reference": "R-1", "amount": "10.50"})

        answer = response.json()
        assert response.status_code == 201
        assert {name: answer[name] for name in answer if name not in ("order", "wallet")} == {
            "reference": "R-1",
            "points_reversed": 10,
            "status_points_reversed": 10,
            "debt_added": 0,
            "points_returned": 0,
        }
        assert answer["order"]["status"] == "partially_refunded"
        assert answer["order"]["points"] == 100
        assert answer["order"]["explanation"] == order["explanation"]
        assert answer["wallet"] == answer["order"]["wallet"]
        assert answer["wallet"]["active"] == 90

    def test_by_lines_ends_in_a_refunded_order(self, till: Till, order: dict[str, Any]):
        lines = [{"sku": "cake", "quantity": 1, "amount": "64.00"}, {"sku": "tea", "amount": "36"}]

        answer = till.post(REFUNDS, {"reference": "R-1", "lines": lines}).json()

        assert answer["order"]["status"] == "refunded"
        assert answer["points_reversed"] == 100
        assert answer["wallet"]["active"] == 0

    def test_again_is_200_with_the_wallet_as_it_is_now(self, till: Till, order: dict[str, Any]):
        first = till.post(REFUNDS, {"reference": "R-1", "amount": "10.00"})
        till.post(REFUNDS, {"reference": "R-2", "amount": "10.00"})

        again = till.post(REFUNDS, {"reference": "R-1", "amount": "10", "at": None, "lines": None})

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["points_reversed"] == 10
        assert again.json()["wallet"]["active"] == 80
        assert Refund.objects.count() == 2

    def test_again_with_other_content_is_409(self, till: Till, order: dict[str, Any]):
        till.post(REFUNDS, {"reference": "R-1", "amount": "10.00"})

        response = till.post(REFUNDS, {"reference": "R-1", "amount": "10.01"})

        assert response.status_code == 409
        assert response.json()["code"] == "reference_reused"

    def test_of_more_than_was_paid_is_422(self, till: Till, order: dict[str, Any]):
        response = till.post(REFUNDS, {"reference": "R-1", "amount": "100.01"})

        assert response.status_code == 422
        assert response.json()["code"] == "already_reversed"
        assert not Refund.objects.exists()
        # A refused call does not use up its reference.
        assert till.post(REFUNDS, {"reference": "R-1", "amount": "100"}).status_code == 201

    def test_of_an_unknown_order_is_404(self, till: Till):
        assert till.post(REFUNDS, {"reference": "R-1", "amount": "1"}).status_code == 404

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"amount": "1.00"}, "/reference"),
            ({"reference": "R"}, ""),
            ({"reference": "R", "amount": "1", "lines": [{"sku": "tea", "amount": "1"}]}, ""),
            ({"reference": "R", "amount": "0"}, "/amount"),
            ({"reference": "R", "amount": "-1"}, "/amount"),
            ({"reference": "R", "amount": 1}, "/amount"),
            ({"reference": "R", "amount": "1.001"}, "/amount"),
            ({"reference": "R", "lines": []}, "/lines"),
            ({"reference": "R", "lines": [{"sku": "tea"}]}, "/lines/0/amount"),
            ({"reference": "R", "lines": [{"sku": "pie", "amount": "1"}]}, "/lines/0/sku"),
            ({"reference": "R", "lines": [{"sku": "tea", "amount": "-1"}]}, "/lines/0/amount"),
            ({"reference": "R", "lines": [{"sku": "tea", "amount": "0"}]}, "/lines"),
            (
                {"reference": "R", "lines": [{"sku": "tea", "amount": "1", "quantity": "1"}]},
                "/lines/0/quantity",
            ),
            ({"reference": "R", "amount": "1", "at": "2026-11-20T10:00:00"}, "/at"),
            ({"reference": "R", "amount": "1", "at": "2999-11-20T10:00:00Z"}, "/at"),
        ],
    )
    def test_says_where_the_input_is_bad_and_stores_nothing(
        self, till: Till, order: dict[str, Any], body: dict[str, Any], pointer: str
    ):
        response = till.post(REFUNDS, body)

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert not Refund.objects.exists()
