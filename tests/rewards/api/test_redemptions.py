"""Redemptions and vouchers over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from members.models import Member, Store
from rewards.models import Redemption, Reward, Voucher
from tests.tills import Till, pointers


@pytest.fixture
def cake(db: None) -> Reward:
    return Reward.objects.create(
        code="cake",
        name="奶油小蛋糕",
        kind="gift",
        points=300,
        stock=5,
        per_member=3,
        valid_days=7,
    )


def wish(member: Member, **changes: Any) -> dict[str, Any]:
    return {"member": member.number, "reward": "cake", "reference": "W-1", **changes}


class TestRedeem:
    def test_answers_201_with_vouchers_and_the_wallet(self, till: Till, ada: Member, cake: Reward):
        response = till.post("redemptions", wish(ada, quantity=2))

        answer = response.json()
        redemption = Redemption.objects.get()
        codes = [*redemption.vouchers.order_by("id").values_list("code", flat=True)]
        expires_at = Voucher.objects.first().expires_at  # type: ignore[union-attr]
        assert expires_at is not None
        shown = timezone.localtime(expires_at).isoformat()
        wallet = answer.pop("wallet")
        assert response.status_code == 201
        assert answer == {
            "number": redemption.number,
            "state": "issued",
            "member": ada.number,
            "reward": "cake",
            "variant": None,
            "offer": None,
            "quantity": 2,
            "points": 600,
            "cash": "0.00",
            "reference": "W-1",
            "redeemed_at": timezone.localtime(redemption.redeemed_at).isoformat(),
            "reserved_until": None,
            "delivery": "",
            "fulfilled_at": None,
            "carrier": "",
            "tracking": "",
            "vouchers": [{"code": code, "state": "active", "expires_at": shown} for code in codes],
        }
        assert (wallet["active"], wallet["spent"]) == (400, 600)
        assert till.get(f"redemptions/{redemption.number}").json() == {**answer, "wallet": wallet}
        cake.refresh_from_db()
        assert cake.stock == 3

    def test_again_is_200_with_the_wallet_as_it_is_now(
        self, till: Till, ada: Member, cake: Reward
    ):
        first = till.post("redemptions", wish(ada)).json()
        till.post("redemptions", wish(ada, reference="W-2"))

        again = till.post("redemptions", wish(ada, quantity=1, store=None, address=None))

        assert again.status_code == 200
        assert again.json()["number"] == first["number"]
        assert again.json()["wallet"]["active"] == 400
        assert Redemption.objects.count() == 2

    def test_null_is_what_was_left_out(self, till: Till, ada: Member, cake: Reward) -> None:
        optional = ("quantity", "store", "address", "variant", "offer", "delivery", "draft")
        made = till.post("redemptions", wish(ada, **dict.fromkeys(optional)))
        assert (made.status_code, made.json()["quantity"], made.json()["points"]) == (201, 1, 300)
        assert till.post("redemptions", wish(ada, quantity=1)).status_code == 200

    def test_again_with_other_content_is_409(self, till: Till, ada: Member, cake: Reward):
        till.post("redemptions", wish(ada))

        response = till.post("redemptions", wish(ada, quantity=2))

        assert response.status_code == 409
        assert response.json()["code"] == "reference_reused"

    def test_refuses_another_price_than_the_member_was_told(
        self, till: Till, ada: Member, cake: Reward
    ):
        response = till.post("redemptions", wish(ada, quantity=2, expected_points=500))

        problem = response.json()
        assert (response.status_code, problem["code"]) == (422, "price_changed")
        assert (problem["shown"], problem["now"]) == (500, 600)
        assert not Redemption.objects.exists()
        assert (
            till.post("redemptions", wish(ada, quantity=2, expected_points=600)).status_code == 201
        )
        assert till.post("redemptions", wish(ada, quantity=2)).status_code == 200

    def test_takes_store_and_address(self, till: Till, ada: Member, cake: Reward):
        Store.objects.create(code="jingan", name="静安寺店")
        address = {"city": "上海", "lines": ["南京西路 1 号"]}

        response = till.post("redemptions", wish(ada, store="jingan", address=address))

        assert response.status_code == 201
        redemption = Redemption.objects.get()
        assert (redemption.store.code, redemption.address) == ("jingan", address)  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("reward", "request_changes", "code", "data"),
        [
            ({"points": 1001}, {}, "insufficient_points", {"needed": 1001, "available": 1000}),
            ({"stock": 1}, {"quantity": 2}, "out_of_stock", {"left": 1}),
            ({"stock": 0}, {}, "out_of_stock", {"left": 0}),
            ({}, {"quantity": 4}, "limit_reached", {"limit": 3, "used": 0}),
            ({"tiers": ["gold"]}, {}, "not_eligible", {"tiers": ["gold"]}),
            ({"active": False}, {}, "not_on_sale", {}),
            ({"starts_at": timezone.now() + timedelta(days=1)}, {}, "not_on_sale", {}),
            ({"ends_at": timezone.now() - timedelta(days=1)}, {}, "not_on_sale", {}),
        ],
    )
    def test_refuses_with_422_and_changes_nothing(
        self,
        till: Till,
        ada: Member,
        cake: Reward,
        reward: dict[str, Any],
        request_changes: dict[str, Any],
        code: str,
        data: dict[str, Any],
    ):
        Reward.objects.update(**reward)

        response = till.post("redemptions", wish(ada, **request_changes))

        body = response.json()
        assert response.status_code == 422
        assert {"code": body["code"], **{name: body[name] for name in data}} == {
            "code": code,
            **data,
        }
        assert not Redemption.objects.exists()
        assert till.get(f"members/{ada.number}/wallet").json()["active"] == 1000

    @pytest.mark.parametrize(
        ("status", "code"), [("frozen", "wallet_frozen"), ("closed", "member_closed")]
    )
    def test_refuses_frozen_and_closed_members(
        self, till: Till, ada: Member, cake: Reward, status: str, code: str
    ):
        Member.objects.update(status=status)

        response = till.post("redemptions", wish(ada))

        assert (response.status_code, response.json()["code"]) == (422, code)

    def test_names_the_debt_before_the_missing_points(self, till: Till, bob: Member, cake: Reward):
        body = {
            "number": "A-1",
            "member": bob.number,
            "placed_at": "2026-11-20T10:00:00+08:00",
            "lines": [{"sku": "x", "amount": "300.00"}],
        }
        till.post("orders", body)
        till.post("redemptions", wish(bob))
        till.post("orders/default/A-1/refunds", {"reference": "R", "amount": "300.00"})

        response = till.post("redemptions", wish(bob, reference="W-2"))

        assert response.status_code == 422
        assert (response.json()["code"], response.json()["debt"]) == ("in_debt", 300)

    @pytest.mark.parametrize(
        ("change", "pointer"), [({"member": "nobody"}, "/member"), ({"reward": "pie"}, "/reward")]
    )
    def test_answers_404_for_an_unknown_member_or_reward(
        self, till: Till, ada: Member, cake: Reward, change: dict[str, Any], pointer: str
    ):
        response = till.post("redemptions", {**wish(ada), **change})

        assert response.status_code == 404
        assert pointers(response) == {pointer: "not_found"}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"member": None}, "/member"),
            ({"reward": None}, "/reward"),
            ({"reward": 5}, "/reward"),
            ({"reference": None}, "/reference"),
            ({"reference": ""}, "/reference"),
            ({"quantity": 0}, "/quantity"),
            ({"quantity": -1}, "/quantity"),
            ({"quantity": 1.0}, "/quantity"),
            ({"quantity": "1"}, "/quantity"),
            ({"quantity": True}, "/quantity"),
            ({"quantity": 1001}, "/quantity"),
            ({"store": "nowhere"}, "/store"),
            ({"address": "Shanghai"}, "/address"),
            ({"address": {"text": "x" * 5000}}, "/address"),
        ],
    )
    def test_says_where_the_input_is_bad_and_takes_nothing(
        self, till: Till, ada: Member, cake: Reward, change: dict[str, Any], pointer: str
    ):
        response = till.post("redemptions", {**wish(ada), **change})

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert not Redemption.objects.exists()

    def test_that_is_not_there_is_404(self, till: Till):
        assert till.get("redemptions/R-1").status_code == 404


class TestCancel:
    def test_gives_everything_back_once(self, till: Till, ada: Member, cake: Reward):
        number = till.post("redemptions", wish(ada)).json()["number"]

        first = till.post(f"redemptions/{number}/cancel")
        again = till.post(f"redemptions/{number}/cancel", {})

        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert first.json()["state"] == "cancelled"
        assert first.json()["vouchers"][0]["state"] == "void"
        assert (first.json()["wallet"]["active"], first.json()["wallet"]["spent"]) == (1000, 0)
        cake.refresh_from_db()
        assert cake.stock == 5

    def test_after_a_use_is_422(self, till: Till, ada: Member, cake: Reward):
        answer = till.post("redemptions", wish(ada)).json()
        till.post(f"vouchers/{answer['vouchers'][0]['code']}/use")

        response = till.post(f"redemptions/{answer['number']}/cancel")

        assert response.status_code == 422
        assert response.json()["code"] == "already_used"

    def test_of_an_unknown_redemption_is_404(self, till: Till):
        assert till.post("redemptions/R-1/cancel").status_code == 404


class TestVoucher:
    @pytest.fixture
    def redeemed(self, till: Till, ada: Member, cake: Reward) -> dict[str, Any]:
        answer: dict[str, Any] = till.post("redemptions", wish(ada)).json()
        return answer

    @pytest.fixture
    def code(self, redeemed: dict[str, Any]) -> str:
        return str(redeemed["vouchers"][0]["code"])

    def test_can_be_looked_at_however_the_code_is_typed(self, till: Till, code: str, ada: Member):
        answer = till.get(f"vouchers/{code}").json()

        assert answer == {
            "code": code,
            "state": "active",
            "expires_at": answer["expires_at"],
            "reward": "cake",
            "reward_name": "奶油小蛋糕",
            "variant": None,
            "variant_name": None,
            "begins_at": None,
            "ends_at": None,
            "place": None,
            "kind": "gift",
            "discount": None,
            "min_spend": None,
            "stores": [],
            "weekdays": [],
            "active_from": None,
            "member": "********" + ada.number[-4:],
            "used_at": None,
            "used_store": None,
            "used_order": None,
            "void_reason": "",
        }
        typed = f"{code[:4]} {code[4:8]}-{code[8:]} ".lower()
        assert till.get(f"vouchers/{typed}").json() == answer

    def test_is_used_once(self, till: Till, code: str, redeemed: dict[str, Any]):
        Store.objects.create(code="jingan", name="静安寺店")

        first = till.post(f"vouchers/{code}/use", {"store": "jingan", "reference": "U-1"})
        same = till.post(f"vouchers/{code}/use", {"store": "jingan", "reference": "U-1"})
        other = till.post(f"vouchers/{code}/use", {"store": "jingan", "reference": "U-2"})

        assert (first.status_code, same.status_code, other.status_code) == (200, 200, 422)
        assert first.json() == same.json()
        assert (first.json()["state"], first.json()["used_store"]) == ("used", "jingan")
        assert other.json()["code"] == "already_used"
        assert other.json()["used_at"] == first.json()["used_at"]
        assert other.json()["used_store"] == "jingan"
        assert Voucher.objects.get().used_by.startswith("till (")
        assert till.get(f"redemptions/{redeemed['number']}").json()["state"] == "used"

    def test_needs_neither_body_nor_reference(self, till: Till, code: str):
        assert till.post(f"vouchers/{code}/use").status_code == 200
        assert till.post(f"vouchers/{code}/use").status_code == 422

    def test_is_refused_after_its_last_day(self, till: Till, code: str, redeemed: dict[str, Any]):
        Voucher.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        response = till.post(f"vouchers/{code}/use")

        assert (response.status_code, response.json()["code"]) == (422, "expired")
        assert till.get(f"vouchers/{code}").json()["state"] == "expired"
        assert till.get(f"redemptions/{redeemed['number']}").json()["state"] == "expired"

    def test_is_refused_while_the_member_is_frozen(self, till: Till, code: str):
        Member.objects.update(status="frozen")

        response = till.post(f"vouchers/{code}/use")

        assert (response.status_code, response.json()["code"]) == (422, "wallet_frozen")

    def test_says_where_the_input_is_bad(self, till: Till, code: str):
        for body, pointer in (
            ({"store": "nowhere"}, "/store"),
            ({"store": 5}, "/store"),
            ({"reference": 5}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
        ):
            response = till.post(f"vouchers/{code}/use", body)
            assert response.status_code == 400
            assert list(pointers(response)) == [pointer]
        assert Voucher.objects.get().state == "active"

    def test_that_is_not_there_is_404(self, till: Till):
        for code in ("ABCD", "a%00b", "%20", "x" * 500):
            assert till.get(f"vouchers/{code}").status_code == 404
            assert till.post(f"vouchers/{code}/use").status_code == 404
