"""Transfers over the API."""

from typing import Any

import pytest

from loyalty.models import Entry, Transfer
from members.models import Member
from tests.loyalty.builders import books, program
from tests.tills import Till, pointers


@pytest.fixture(autouse=True)
def _enabled(till: Till) -> None:
    allow(till)


def allow(till: Till, **rules: Any) -> None:
    response = till.patch("program", {"transfer": {"enabled": True, **rules}})
    assert response.status_code == 200


def transfer(sender: Member, receiver: Member, **changes: Any) -> dict[str, Any]:
    return {
        "from": sender.number,
        "to": receiver.number,
        "points": 100,
        "reference": "T-1",
        **changes,
    }


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


class TestTransfer:
    def test_moves_points_and_answers_with_the_senders_wallet(
        self, till: Till, ada: Member, bob: Member
    ):
        allow(till, fee=7)

        response = till.post("transfers", transfer(ada, bob, message="生日快乐"))

        answer = response.json()
        wallet = answer.pop("wallet")
        made = Transfer.objects.get()
        assert response.status_code == 201
        assert answer.pop("at").endswith("+08:00")
        assert answer == {
            "id": made.pk,
            "reference": "T-1",
            "from": ada.number,
            "to": bob.number,
            "points": 100,
            "fee": 7,
            "message": "生日快乐",
        }
        assert (wallet["active"], wallet["earned"], wallet["spent"]) == (893, 1000, 0)
        received = till.get(f"members/{bob.number}/wallet").json()
        assert (received["active"], received["earned"]) == (100, 0)

    def test_makes_the_entries_of_both(self, till: Till, ada: Member, bob: Member):
        allow(till, fee=7)
        till.post("transfers", transfer(ada, bob))

        given = till.get(f"members/{ada.number}/entries").json()["results"]
        received = till.get(f"members/{bob.number}/entries").json()["results"]

        assert [(each["kind"], each["points"], each["balance"]) for each in given] == [
            ("fee", -7, 893),
            ("transfer_out", -100, 900),
            ("earn", 1000, 1000),
        ]
        assert [(each["kind"], each["points"], each["balance"]) for each in received] == [
            ("transfer_in", 100, 100)
        ]
        assert given[1]["title"] == "Points given to B**"
        assert received[0]["title"] == "Points from A**"

    def test_again_is_200_with_the_wallet_as_it_is_now(self, till: Till, ada: Member, bob: Member):
        first = till.post("transfers", transfer(ada, bob)).json()
        till.post("transfers", transfer(ada, bob, reference="T-2", points=50))

        again = till.post("transfers", transfer(ada, bob, message=""))

        assert again.status_code == 200
        assert again.json()["wallet"]["active"] == 850
        assert again.json() | {"wallet": None} == first | {"wallet": None}
        assert Transfer.objects.count() == 2

    @pytest.mark.parametrize("change", [{"points": 101}, {"message": "x"}, {"to": "nobody"}])
    def test_again_with_other_content_is_409(
        self, till: Till, ada: Member, bob: Member, change: dict[str, Any]
    ):
        till.post("transfers", transfer(ada, bob))

        response = till.post("transfers", transfer(ada, bob, **change))

        assert code(response) == (409, "reference_reused")
        assert Transfer.objects.count() == 1

    def test_refused_leaves_the_reference_free(self, till: Till, ada: Member, bob: Member):
        response = till.post("transfers", transfer(ada, bob, points=1001))

        body = response.json()
        assert code(response) == (422, "insufficient_points")
        assert (body["needed"], body["available"]) == (1001, 1000)
        assert till.post("transfers", transfer(ada, bob)).status_code == 201

    def test_refusals_have_their_codes(self, till: Till, ada: Member, bob: Member):
        to_oneself = till.post("transfers", transfer(ada, ada))
        allow(till, min=101)
        under = till.post("transfers", transfer(ada, bob))
        allow(till, enabled=False)
        off = till.post("transfers", transfer(ada, bob))
        allow(till, per_transfer=99)
        at_once = till.post("transfers", transfer(ada, bob))
        allow(till, per_day=99)
        a_day = till.post("transfers", transfer(ada, bob))

        for response in (to_oneself, under, off):
            assert code(response) == (422, "transfer_not_allowed")
        for response in (at_once, a_day):
            assert code(response) == (422, "limit_reached")
            assert response.json()["limit"] == 99
        details = {each.json()["detail"] for each in (to_oneself, under, off, at_once, a_day)}
        assert len(details) == 5
        assert not Transfer.objects.exists()

    @pytest.mark.parametrize("side", [0, 1])
    @pytest.mark.parametrize(
        ("status", "refusal"), [("frozen", "wallet_frozen"), ("closed", "member_closed")]
    )
    def test_of_the_frozen_and_closed_on_either_side_is_422(
        self, till: Till, ada: Member, bob: Member, side: int, status: str, refusal: str
    ):
        Member.objects.filter(pk=(ada, bob)[side].pk).update(status=status)

        assert code(till.post("transfers", transfer(ada, bob))) == (422, refusal)
        assert not Transfer.objects.exists()

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"from": None}, "/from"),
            ({"from": 5}, "/from"),
            ({"to": None}, "/to"),
            ({"to": ["x"]}, "/to"),
            ({"points": None}, "/points"),
            ({"points": 0}, "/points"),
            ({"points": -1}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": "100"}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 2**63}, "/points"),
            ({"reference": ""}, "/reference"),
            ({"reference": 7}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
            ({"message": "x" * 201}, "/message"),
            ({"message": 5}, "/message"),
        ],
    )
    def test_says_where_the_input_is_bad_and_moves_nothing(
        self, till: Till, ada: Member, bob: Member, change: dict[str, Any], pointer: str
    ):
        before = books()

        response = till.post("transfers", transfer(ada, bob, **change))

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert books() == before
        assert not Transfer.objects.exists()

    @pytest.mark.parametrize("side", ["from", "to"])
    def test_of_an_unknown_member_is_404(self, till: Till, ada: Member, bob: Member, side: str):
        response = till.post("transfers", transfer(ada, bob, **{side: "nobody"}))

        assert response.status_code == 404
        assert pointers(response) == {f"/{side}": "not_found"}

    def test_past_what_the_receiver_can_count_is_out_of_range(
        self, till: Till, ada: Member, bob: Member
    ):
        most = 2**63 - 1
        till.post(
            "adjustments",
            {"member": bob.number, "points": most, "reason": "other", "reference": "A"},
        )

        response = till.post("transfers", transfer(ada, bob))

        assert code(response) == (400, "out_of_range")
        assert not Entry.objects.filter(kind="transfer_out").exists()

    def test_is_off_to_begin_with(self, till: Till, ada: Member, bob: Member):
        program(transfer={"enabled": False})

        assert code(till.post("transfers", transfer(ada, bob))) == (422, "transfer_not_allowed")
