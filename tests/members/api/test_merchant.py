"""Tiers and stores over the API."""

from typing import Any

import pytest

from members.models import Store, Tier
from tests.tills import Till, pointers

SILVER = {
    "code": "silver",
    "name": "银卡",
    "rank": 1,
    "threshold": 5000,
    "retain_threshold": None,
    "multiplier": "1.2",
    "downgrade": "none",
    "grace_days": 0,
    "benefits": [],
}


class TestTiers:
    def test_are_listed_the_lowest_first(self, till: Till):
        body = till.get("tiers").json()

        assert [tier["code"] for tier in body["results"]] == ["base", "silver", "gold", "diamond"]
        assert body["results"][1] == SILVER
        assert till.get("tiers/silver").json() == SILVER

    def test_come_in_pages(self, till: Till):
        first = till.get("tiers", page_size="3").json()

        assert [tier["code"] for tier in till.get(first["next"]).json()["results"]] == ["diamond"]

    def test_can_be_added(self, till: Till):
        benefit = {"code": "cake", "kind": "reward", "name": "生日蛋糕", "reward": "cake"}
        black = {
            "code": "black",
            "name": "黑卡",
            "rank": 4,
            "threshold": 100_000,
            "retain_threshold": 80_000,
            "multiplier": "3",
            "downgrade": "one_down",
            "grace_days": 30,
            "benefits": [benefit],
        }

        response = till.post("tiers", black)

        assert response.status_code == 201
        assert response.json() == black
        assert till.get("tiers/black").json() == black

    def test_need_only_code_name_rank_and_threshold(self, till: Till):
        body = {"code": "black", "name": "黑卡", "rank": 4, "threshold": 100_000}

        answer = till.post("tiers", {**body, "multiplier": None, "benefits": None}).json()

        assert answer == {**SILVER, **body, "multiplier": "1"}

    @pytest.mark.parametrize(
        ("path", "named"), [("tiers/silver", {}), ("tiers", {"code": "silver"})]
    )
    def test_can_be_changed(self, till: Till, path: str, named: dict[str, str]):
        response = till.patch(path, {**named, "multiplier": "1.25", "retain_threshold": 4000})

        assert response.status_code == 200
        assert response.json() == {**SILVER, "multiplier": "1.25", "retain_threshold": 4000}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"code": "gold"}, "/code"),
            ({"code": "a b"}, "/code"),
            ({"code": None}, "/code"),
            ({"name": ""}, "/name"),
            ({"rank": 1}, "/rank"),
            ({"rank": -1}, "/rank"),
            ({"rank": 40_000}, "/rank"),
            ({"rank": "4"}, "/rank"),
            ({"threshold": 50_000}, "/threshold"),
            ({"threshold": -1}, "/threshold"),
            ({"threshold": 1e5}, "/threshold"),
            ({"threshold": 2**63}, "/threshold"),
            ({"multiplier": 1.5}, "/multiplier"),
            ({"multiplier": "-1"}, "/multiplier"),
            ({"multiplier": "1.00001"}, "/multiplier"),
            ({"multiplier": "99999"}, "/multiplier"),
            ({"downgrade": "soon"}, "/downgrade"),
            ({"grace_days": True}, "/grace_days"),
            ({"benefits": {}}, "/benefits"),
            ({"benefits": [{"code": "x", "kind": "y"}]}, "/benefits/0/name"),
        ],
    )
    def test_say_where_the_input_is_bad(self, till: Till, change: dict[str, Any], pointer: str):
        body = {"code": "black", "name": "黑卡", "rank": 4, "threshold": 100_000, **change}

        response = till.post("tiers", body)

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert Tier.objects.count() == 4

    def test_keep_their_codes(self, till: Till):
        response = till.patch("tiers/silver", {"code": "tin"})

        assert response.status_code == 400
        assert list(pointers(response)) == ["/code"]

    def test_that_are_not_there_are_404(self, till: Till):
        assert till.get("tiers/wood").status_code == 404
        assert till.patch("tiers/wood", {"name": "x"}).status_code == 404
        response = till.patch("tiers", {"code": "wood", "name": "x"})
        assert response.status_code == 404
        assert pointers(response) == {"/code": "not_found"}


class TestStores:
    def test_can_be_opened_listed_and_renamed(self, till: Till):
        opened = till.post("stores", {"code": "静安-1", "name": "静安寺店"})

        assert (opened.status_code, opened.json()) == (201, {"code": "静安-1", "name": "静安寺店"})
        assert till.get("stores").json() == {"results": [opened.json()], "next": None}
        assert till.get("stores/静安-1").json() == opened.json()
        renamed = {"code": "静安-1", "name": "静安店"}
        assert till.patch("stores/静安-1", {"name": "静安店"}).json() == renamed
        assert till.patch("stores", {**renamed, "name": "店"}).json()["name"] == "店"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": "x"}, "/code"),
            ({"code": "x"}, "/name"),
            ({"code": "", "name": "x"}, "/code"),
            ({"code": "x" * 51, "name": "x"}, "/code"),
            ({"code": "here", "name": "x"}, "/code"),
            ({"code": 5, "name": "x"}, "/code"),
            ({"code": "x", "name": "x" * 101}, "/name"),
        ],
    )
    def test_say_where_the_input_is_bad(self, till: Till, body: dict[str, Any], pointer: str):
        Store.objects.create(code="here", name="Here")

        response = till.post("stores", body)

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert Store.objects.count() == 1

    def test_that_are_not_there_are_404(self, till: Till):
        assert till.get("stores/x").status_code == 404
        assert till.patch("stores/x", {"name": "x"}).status_code == 404
