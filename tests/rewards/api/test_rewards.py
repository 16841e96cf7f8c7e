"""The catalogue over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from members import stores
from members.models import Member
from rewards.models import DonationProject, Draw, PriceQuote, Reward, RewardPicture
from tests.tills import Till, pointers

CAKE = {"code": "cake", "name": "奶油小蛋糕", "kind": "gift", "points": 1800}
OFFER = {
    "code": "flash",
    "name": "积分秒杀",
    "reward": "cake",
    "points": 100,
    "starts_at": "2026-01-01T00:00:00+08:00",
    "ends_at": "2999-01-01T00:00:00+08:00",
}
MORE: dict[str, Any] = {
    "picture": None,
    "tier_prices": {},
    "pricing": {},
    "partner": "",
    "partner_share": "0",
    "early_tiers": [],
    "early_from": None,
    "valid_from_days": 0,
    "valid_until": None,
    "discount_amount": None,
    "discount_percent": None,
    "min_spend": None,
    "stores": [],
    "weekdays": [],
    "delivery": "",
    "content": "",
    "content_url": "",
    "draw": None,
    "project": None,
    "is_giftable": True,
    "draft_minutes": 30,
    "needs_variant": False,
}
GONE_SIZE = {"code": "xs", "name": "XS", "active": False}
OF_MERCHANT = {"cost", "pricing", "partner", "partner_share", "content", "content_url"}
SHOWN = {
    **CAKE,
    **MORE,
    "summary": "",
    "terms": "",
    "category": "",
    "art": "tote",
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
        assert response.json() == {**MORE, **everything}
        assert till.get("rewards/cake").json() == {**MORE, **everything, "variants": []}

    @pytest.mark.parametrize("kind", Reward.Kind.values)
    def test_of_any_kind_needs_no_more_whatever_the_console_says_of_it(
        self, till: Till, kind: str
    ):
        body = {"code": "plain", "name": "x", "kind": kind, "points": 1}
        assert till.post("rewards", body).status_code == 201

    def test_takes_all_that_a_kind_may_have(self, till: Till):
        stores.create(changes={"code": "SH-1", "name": "静安寺店"})
        DonationProject.objects.create(code="forest", name="Forest")
        Draw.objects.create(code="wheel", name="Wheel")
        rule = {"type": "stock", "at_most": "0.1", "factor": "1.5"}
        common = {
            "tier_prices": {"gold": 1500},
            "pricing": {"floor": "0.5", "ceiling": "2", "step": 100, "rules": [rule]},
            "partner": "Bakery",
            "partner_share": "0.5",
            "starts_at": "2026-12-02T00:00:00+08:00",
            "early_tiers": ["gold"],
            "early_from": "2026-12-01T00:00:00+08:00",
            "valid_from_days": 1,
            "valid_until": "2027-12-31T00:00:00+08:00",
            "is_giftable": False,
            "draft_minutes": 5,
        }
        off = {"discount_amount": "10.00", "min_spend": "50.00", "weekdays": [1, 7]}
        kinds: dict[str, dict[str, Any]] = {
            "coupon": {**common, **off, "stores": ["SH-1"]},
            "gift": {"delivery": "either"},
            "content": {"content": "text", "content_url": "https://example.com/a"},
            "draw_ticket": {"draw": "wheel"},
            "donation": {"project": "forest"},
            "shipping": {"min_spend": "9.00"},
            "cash": {"discount_amount": "5.00"},
        }
        for kind, said in kinds.items():
            body = {**CAKE, "code": kind, "kind": kind, "art": "cake", **said}
            assert till.post("rewards", body).json() == {**SHOWN, **body}, kind

    def test_takes_percent_off(self, till: Till):
        body = {**CAKE, "kind": "coupon", "discount_percent": "12.5"}
        assert till.post("rewards", body).json()["discount_percent"] == "12.5"

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
            ({"tier_prices": {"wood": 5}}, "/tier_prices/wood"),
            ({"tier_prices": {"gold": 0}}, "/tier_prices/gold"),
            ({"tier_prices": [5]}, "/tier_prices"),
            ({"pricing": {"rules": [{"type": "moon", "factor": "2"}]}}, "/pricing/rules/0/type"),
            ({"pricing": []}, "/pricing"),
            ({"partner_share": "1.1"}, "/partner_share"),
            ({"early_tiers": ["gold"]}, "/early_from"),
            ({"early_from": "2026-12-01T00:00:00Z", "early_tiers": ["gold"]}, "/early_from"),
            (
                {
                    "early_from": "2026-12-01T00:00:00Z",
                    "starts_at": "2026-12-01T00:00:00Z",
                    "early_tiers": ["gold"],
                },
                "/early_from",
            ),
            (
                {"early_from": "2026-12-01T00:00:00Z", "starts_at": "2026-12-02T00:00:00Z"},
                "/early_tiers",
            ),
            ({"valid_from_days": 31}, "/valid_from_days"),
            ({"kind": "coupon", "discount_amount": "0"}, "/discount_amount"),
            (
                {"kind": "coupon", "discount_amount": "5", "discount_percent": "5"},
                "/discount_percent",
            ),
            ({"kind": "coupon", "discount_percent": "100.5"}, "/discount_percent"),
            ({"kind": "cash", "discount_percent": "5"}, "/discount_percent"),
            ({"discount_amount": "5"}, "/discount_amount"),
            ({"min_spend": "5"}, "/min_spend"),
            ({"kind": "donation", "weekdays": [1]}, "/weekdays"),
            ({"stores": ["nowhere"]}, "/stores/0"),
            ({"weekdays": [0]}, "/weekdays/0"),
            ({"weekdays": [8]}, "/weekdays/0"),
            ({"kind": "coupon", "delivery": "shipping"}, "/delivery"),
            ({"delivery": "drone"}, "/delivery"),
            ({"content": "text"}, "/content"),
            ({"kind": "content", "content_url": "javascript:alert(1)"}, "/content_url"),
            ({"draw": "wheel"}, "/draw"),
            ({"kind": "donation", "project": "moon"}, "/project"),
            ({"draft_minutes": 0}, "/draft_minutes"),
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

    def test_says_where_a_redemption_names_a_variant(self, till: Till):
        assert till.post("rewards/cake/variants", {"code": "s", "name": "S"}).status_code == 201
        assert till.post("rewards/gold/variants", GONE_SIZE).status_code == 201

        rows = till.get("rewards").json()["results"]

        assert {each["code"]: each["needs_variant"] for each in rows} == {
            "coffee": False,
            "gold": False,
            "cake": True,
        }

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
        assert one == {**rows[1], "variants": []}
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
        assert not OF_MERCHANT & set(Till("read").get("rewards/cake").json())
        assert not OF_MERCHANT & set(Till("read").get("rewards").json()["results"][0])

    def test_of_an_unknown_reward_or_member_is_404(self, till: Till):
        assert till.get("rewards/nothing").status_code == 404
        for path in ("rewards", "rewards/cake"):
            response = till.get(path, member="nobody")
            assert response.status_code == 404
            assert pointers(response) == {"/member": "not_found"}

    def test_takes_a_fixed_number_of_queries(self, till: Till, bob: Member):
        counts = []
        for number in range(1, 11):
            rules = [{"type": "demand", "above": "2", "factor": "1.5"}]
            body = {**CAKE, "code": f"cake-{number}", "pricing": {"rules": rules}}
            till.post("rewards", body)
            till.post("offers", {**OFFER, "code": f"o-{number}", "reward": body["code"]})
            with CaptureQueriesContext(connection) as captured:
                rows = till.get("rewards", member=bob.number).json()["results"]
            assert sum(row["offer"] is not None for row in rows) == number
            counts.append(len(captured))

        assert counts == counts[:1] * 10

    def test_shows_the_offer_that_makes_the_price(self, till: Till, bob: Member):
        till.post("offers", {**OFFER, "stock": 3})

        row = till.get("rewards", member=bob.number).json()["results"][-1]

        assert (row["code"], row["price"], row["regular_price"]) == ("cake", 100, 1800)
        assert row["price_cash"] == "0.00"
        assert row["offer"] == {
            "code": "flash",
            "name": "积分秒杀",
            "kind": "flash",
            "starts_at": row["offer"]["starts_at"],
            "ends_at": row["offer"]["ends_at"],
            "left": 3,
            "per_member": None,
        }
        assert row["points"] == 1800

    def test_lists_what_a_tier_may_have_early(self, till: Till, bob: Member):
        now = timezone.now()
        early = {
            "starts_at": (now + timedelta(days=2)).isoformat(),
            "early_from": (now - timedelta(days=2)).isoformat(),
            "early_tiers": ["base"],
        }
        till.patch("rewards/soon", early)

        def listed(**query: str) -> list[str]:
            return [row["code"] for row in till.get("rewards", **query).json()["results"]]

        assert "soon" not in listed()
        assert listed(coming="true") == ["soon"]
        assert "soon" in listed(member=bob.number)
        assert listed(member=bob.number, coming="true") == []
        till.patch("rewards/soon", {"early_tiers": ["gold"]})
        assert "soon" not in listed(member=bob.number)
        assert listed(member=bob.number, coming="true") == ["soon"]
        opens = till.get("rewards/soon", member=bob.number).json()["opens_at"]
        assert opens == till.get("rewards/soon").json()["starts_at"]

    def test_a_floating_price_told_to_a_member_stands(self, till: Till, bob: Member):
        rule = {"type": "stock", "at_most": "0.1", "factor": "1.5"}
        till.patch("rewards/cake", {"stock": 100, "pricing": {"rules": [rule]}})
        told = till.get("rewards/cake", member=bob.number).json()
        till.patch("rewards/cake", {"stock": 10})

        again = till.get("rewards/cake", member=bob.number).json()

        assert (told["price"], again["price"]) == (1800, 1800)
        assert again["price_stands_until"] == told["price_stands_until"] is not None
        PriceQuote.objects.all().delete()
        row = till.get("rewards", member=bob.number).json()["results"][-1]
        assert (row["price"], row["price_stands_until"]) == (2700, None)

    def test_is_filtered_by_kind_and_category(self, till: Till):
        till.patch("rewards/coffee", {"category": "咖啡"})

        def listed(**query: str) -> list[str]:
            return [row["code"] for row in till.get("rewards", **query).json()["results"]]

        assert listed(category="咖啡") == ["coffee"]
        assert listed(kind="gift") == ["coffee", "gold", "cake"]
        assert listed(kind="coupon") == []
        assert till.get("rewards", kind="car").status_code == 400

    def test_tells_where_the_picture_is(self, till: Till):
        reward = Reward.objects.get(code="cake")
        RewardPicture.objects.create(reward=reward, body=b"-", width=4, height=3, digest="d")

        url = "http://testserver/rewards/cake/picture/d"
        expected = {"url": url, "width": 4, "height": 3}
        assert till.get("rewards/cake").json()["picture"] == expected
        assert till.get("rewards").json()["results"][-1]["picture"] == expected
