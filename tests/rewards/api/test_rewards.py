"""The catalogue over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from members.models import Member
from rewards.models import Reward
from tests.tills import Till, pointers

CAKE = {"code": "cake", "name": "奶油小蛋糕", "kind": "gift", "points": 1800}
SHOWN = {
    **CAKE,
    "summary": "",
    "terms": "",
    "category": "",
    "art": "cup",
    "cash": "0.00",
    "cost": None,
    "stock": None,
    "per_member": None,
    "per_member_period": "ever",
    "tiers": [],
    "starts_at": None,
    "ends_at": None,
    "valid_days": 30,
    "active": True,
}


class TestAdd:
    def test_answers_201_with_the_reward(self, till: Till):
        everything = {
            **CAKE,
            "kind": "coupon",
            "summary": "动物奶油",
            "terms": "一店一次",
            "category": "蛋糕",
            "art": "cake",
            "cash": "5.50",
            "cost": "12.00",
            "stock": 10,
            "per_member": 2,
            "per_member_period": "month",
            "tiers": ["gold"],
            "starts_at": "2026-12-01T00:00:00+08:00",
            "ends_at": "2999-01-01T00:00:00+08:00",
            "valid_days": 7,
            "active": False,
        }

        response = till.post("rewards", everything)

        assert response.status_code == 201
        assert response.json() == everything
        assert till.get("rewards/cake").json() == everything

    def test_needs_only_code_name_kind_and_points(self, till: Till):
        nothing = {"cash": None, "cost": None, "stock": None, "tiers": None, "starts_at": None}

        assert till.post("rewards", {**CAKE, **nothing}).json() == SHOWN

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"code": None}, "/code"),
            ({"code": "a b"}, "/code"),
            ({"code": "taken"}, "/code"),
            ({"name": ""}, "/name"),
            ({"kind": "car"}, "/kind"),
            ({"points": 0}, "/points"),
            ({"points": -5}, "/points"),
            ({"points": 1.5}, "/points"),
            ({"points": "5"}, "/points"),
            ({"points": True}, "/points"),
            ({"cash": 5}, "/cash"),
            ({"cash": "-1"}, "/cash"),
            ({"cost": "1.234"}, "/cost"),
            ({"stock": -1}, "/stock"),
            ({"stock": 2**63}, "/stock"),
            ({"per_member": 0}, "/per_member"),
            ({"per_member_period": "week"}, "/per_member_period"),
            ({"tiers": ["wood"]}, "/tiers/0"),
            ({"tiers": "gold"}, "/tiers"),
            ({"starts_at": "2026-12-01T00:00:00"}, "/starts_at"),
            ({"ends_at": "soon"}, "/ends_at"),
            (
                {"starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"},
                "/ends_at",
            ),
            ({"valid_days": 1_000_000}, "/valid_days"),
            ({"active": "yes"}, "/active"),
        ],
    )
    def test_says_where_the_input_is_bad_and_adds_nothing(
        self, till: Till, change: dict[str, Any], pointer: str
    ):
        Reward.objects.create(code="taken", name="x", kind="gift", points=1)

        response = till.post("rewards", {**CAKE, **change})

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert Reward.objects.count() == 1


class TestChange:
    @pytest.mark.parametrize(
        ("path", "named"), [("rewards/cake", {}), ("rewards", {"code": "cake"})]
    )
    def test_changes_what_is_named(self, till: Till, path: str, named: dict[str, str]):
        till.post("rewards", {**CAKE, "stock": 5, "valid_days": 7})

        response = till.patch(path, {**named, "points": 1500, "stock": None, "valid_days": None})

        assert response.status_code == 200
        assert response.json() == {**SHOWN, "points": 1500, "valid_days": None}

    def test_of_an_unknown_reward_is_404(self, till: Till):
        assert till.patch("rewards/cake", {"points": 1}).status_code == 404
        assert till.patch("rewards", {"code": "cake", "points": 1}).status_code == 404

    def test_says_where_the_input_is_bad(self, till: Till):
        till.post("rewards", CAKE)

        response = till.patch("rewards/cake", {"points": "5", "colour": 1})

        assert response.status_code == 400
        assert list(pointers(response)) == ["/colour"]
        response = till.patch("rewards/cake", {"points": "5"})
        assert list(pointers(response)) == ["/points"]


class TestRead:
    @pytest.fixture(autouse=True)
    def catalogue(self, till: Till) -> None:
        past = (timezone.now() - timedelta(days=1)).isoformat()
        future = (timezone.now() + timedelta(days=1)).isoformat()
        rewards: dict[str, dict[str, Any]] = {
            "cake": {},
            "coffee": {"points": 500, "stock": 0},
            "gold": {"points": 900, "tiers": ["gold"]},
            "off": {"active": False},
            "soon": {"starts_at": future},
            "over": {"ends_at": past},
        }
        for code, changes in rewards.items():
            body = {**CAKE, "code": code, **changes}
            assert till.post("rewards", body).status_code == 201

    def test_lists_what_is_on_sale_the_cheapest_first(self, till: Till):
        body = till.get("rewards").json()

        assert [reward["code"] for reward in body["results"]] == ["coffee", "gold", "cake"]
        assert body["next"] is None
        assert "affordable" not in body["results"][0]

    def test_says_what_a_member_can_have(self, till: Till, bob: Member):
        give = {"member": bob.number, "points": 900, "reason": "other", "reference": "G"}
        till.post("adjustments", give)

        rows = till.get("rewards", member=bob.number).json()["results"]

        assert [
            (row["code"], row["affordable"], row["eligible"], row["price"]) for row in rows
        ] == [
            ("coffee", True, True, 500),
            ("gold", True, False, 900),
            ("cake", False, True, 1800),
        ]
        one = till.get("rewards/gold", member=bob.number).json()
        assert one == rows[1]
        off = till.get("rewards/off", member=bob.number).json()
        assert (off["active"], off["price"], off["affordable"]) == (False, 1800, False)

    @pytest.mark.parametrize("member", [False, True])
    def test_comes_in_pages(self, till: Till, bob: Member, member: bool):
        query = {"member": bob.number} if member else {}
        seen, page = [], till.get("rewards", page_size="1", **query).json()
        while True:
            seen += [row["code"] for row in page["results"]]
            if page["next"] is None:
                break
            page = till.get(page["next"]).json()

        assert seen == ["coffee", "gold", "cake"]

    def test_tells_the_cost_to_managers_only(self, till: Till):
        till.patch("rewards/cake", {"cost": "3.50"})

        assert till.get("rewards/cake").json()["cost"] == "3.50"
        assert "cost" not in Till("read").get("rewards/cake").json()
        assert "cost" not in Till("read").get("rewards").json()["results"][0]

    def test_of_an_unknown_reward_or_member_is_404(self, till: Till):
        assert till.get("rewards/nothing").status_code == 404
        for path in ("rewards", "rewards/cake"):
            response = till.get(path, member="nobody")
            assert response.status_code == 404
            assert pointers(response) == {"/member": "not_found"}

    def test_takes_a_fixed_number_of_queries(self, till: Till, bob: Member):
        with CaptureQueriesContext(connection) as few:
            till.get("rewards", member=bob.number)
        for number in range(10):
            till.post("rewards", {**CAKE, "code": f"cake-{number}", "per_member": 1})
        with CaptureQueriesContext(connection) as many:
            till.get("rewards", member=bob.number)

        assert len(many) <= len(few) + 2
