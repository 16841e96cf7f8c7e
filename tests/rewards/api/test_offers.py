"""Offers and variants over the API."""

from typing import Any

import pytest

from rewards.models import Offer, Variant
from tests.tills import Till, pointers

CAKE = {"code": "cake", "name": "奶油小蛋糕", "kind": "gift", "points": 1800}
OFFER = {
    "code": "flash",
    "name": "积分秒杀",
    "reward": "cake",
    "points": 100,
    "starts_at": "2026-12-01T10:00:00+08:00",
    "ends_at": "2026-12-01T12:00:00+08:00",
}
SHOWN_OFFER = {
    **OFFER,
    "kind": "flash",
    "cash": None,
    "stock": None,
    "per_member": None,
    "active": True,
}
SIZE = {"code": "l", "name": "大号"}
SHOWN_SIZE = {
    **SIZE,
    "stock": None,
    "extra_points": 0,
    "begins_at": None,
    "ends_at": None,
    "place": "",
    "position": 0,
    "active": True,
}


@pytest.fixture(autouse=True)
def cake(till: Till) -> None:
    assert till.post("rewards", CAKE).status_code == 201


class TestOffers:
    def test_are_made_and_read(self, till: Till):
        response = till.post("offers", OFFER)

        assert (response.status_code, response.json()) == (201, SHOWN_OFFER)
        assert till.get("offers/flash").json() == SHOWN_OFFER
        assert till.get("offers").json() == {"results": [SHOWN_OFFER], "next": None}
        assert till.get("offers", reward="cake").json()["results"] == [SHOWN_OFFER]
        assert till.get("offers", reward="pie").json()["results"] == []
        assert till.get("offers", kind="festival").json()["results"] == []

    @pytest.mark.parametrize(
        ("path", "named"), [("offers/flash", {}), ("offers", {"code": "flash"})]
    )
    def test_are_changed(self, till: Till, path: str, named: dict[str, str]):
        till.post("offers", {**OFFER, "stock": 5})

        response = till.patch(path, {**named, "points": 90, "stock": None, "per_member": 1})

        assert response.status_code == 200
        assert response.json() == {**SHOWN_OFFER, "points": 90, "per_member": 1}

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"ends_at": OFFER["starts_at"]}, "/ends_at", "invalid"),
            ({"ends_at": None}, "/ends_at", "null"),
            ({"points": 1801}, "/points", "max_value"),
            ({"points": "100"}, "/points", "not_an_integer"),
            ({"cash": "1.00"}, "/cash", "max_value"),
            ({"reward": "pie"}, "/reward", "unknown"),
            ({"code": "taken"}, "/code", "taken"),
            (
                {
                    "starts_at": "2026-12-02T01:59:59.999999+08:00",
                    "ends_at": "2026-12-03T00:00:00+08:00",
                },
                "/starts_at",
                "overlaps",
            ),
        ],
    )
    def test_say_where_the_input_is_bad(
        self, till: Till, change: dict[str, Any], pointer: str, code: str
    ):
        taken = {"starts_at": "2026-12-02T00:00:00+08:00", "ends_at": "2026-12-02T02:00:00+08:00"}
        till.post("offers", {**OFFER, "code": "taken", **taken})

        response = till.post("offers", {**OFFER, **change})

        assert response.status_code == 400
        assert pointers(response) == {pointer: code}
        assert Offer.objects.count() == 1

    def test_of_another_code_are_404(self, till: Till):
        assert till.get("offers/x").status_code == 404
        assert till.patch("offers/x", {"points": 1}).status_code == 404
        assert till.patch("offers", {"code": "x", "points": 1}).status_code == 404


class TestVariants:
    def test_are_added_and_read(self, till: Till):
        response = till.post("rewards/cake/variants", SIZE)

        assert (response.status_code, response.json()) == (201, SHOWN_SIZE)
        assert till.get("rewards/cake/variants/l").json() == SHOWN_SIZE
        assert till.get("rewards/cake/variants").json() == {"results": [SHOWN_SIZE], "next": None}
        assert till.get("rewards/cake").json()["variants"] == [SHOWN_SIZE]

    @pytest.mark.parametrize(("path", "named"), [("/l", {}), ("", {"code": "l"})])
    def test_are_changed(self, till: Till, path: str, named: dict[str, str]):
        till.post("rewards/cake/variants", SIZE)
        change = {
            "stock": 5,
            "begins_at": "2026-12-01T10:00:00+08:00",
            "ends_at": "2026-12-01T11:00:00+08:00",
            "place": "静安寺店",
        }

        response = till.patch(f"rewards/cake/variants{path}", {**named, **change})

        assert (response.status_code, response.json()) == (200, {**SHOWN_SIZE, **change})

    def test_come_in_pages_in_their_order(self, till: Till):
        for number in range(3):
            said = {"code": f"v{number}", "name": "v", "position": 3 - number}
            till.post("rewards/cake/variants", said)
        page = till.get("rewards/cake/variants", page_size="2").json()
        following = till.get(page["next"]).json()
        rows = page["results"] + following["results"]
        assert [row["code"] for row in rows] == ["v2", "v1", "v0"]
        assert following["next"] is None

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"code": "taken"}, "/code"),
            ({"stock": -1}, "/stock"),
            ({"extra_points": "5"}, "/extra_points"),
            ({"ends_at": "2026-12-01T11:00:00+08:00"}, "/ends_at"),
        ],
    )
    def test_say_where_the_input_is_bad(self, till: Till, change: dict[str, Any], pointer: str):
        till.post("rewards/cake/variants", {**SIZE, "code": "taken"})

        response = till.post("rewards/cake/variants", {**SIZE, **change})

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert Variant.objects.count() == 1

    def test_of_another_code_are_404(self, till: Till):
        assert till.get("rewards/x/variants").status_code == 404
        assert till.get("rewards/cake/variants/x").status_code == 404
        assert till.patch("rewards/cake/variants/x", {"name": "x"}).status_code == 404
        assert till.post("rewards/x/variants", SIZE).status_code == 404
