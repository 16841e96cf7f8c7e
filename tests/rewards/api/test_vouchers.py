"""What tills are told of vouchers, and giving and voiding them over the API."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from members.models import Member, Store
from rewards.models import Redemption, Reward, Voucher
from tests.rewards.conftest import new_reward
from tests.tills import Till, pointers


@pytest.fixture
def voucher(ada: Member, redeem: Callable[..., Redemption]) -> Voucher:
    off = new_reward("off", discount_amount=Decimal(20), min_spend=Decimal(100))
    return redeem(ada, off, "r1").vouchers.get()


class TestLook:
    def test_tells_what_it_takes_off_and_where(self, till: Till, voucher: Voucher):
        Reward.objects.update(stores=["jingan"], weekdays=[5, 1])
        said = till.get(f"vouchers/{voucher.code}").json()
        assert (said["kind"], said["discount"], said["min_spend"]) == (
            "coupon",
            {"amount": "20.00"},
            "100.00",
        )
        assert (said["stores"], said["weekdays"]) == (["jingan"], [5, 1])
        Voucher.objects.update(amount=Decimal("7.33"))
        assert till.get(f"vouchers/{voucher.code}").json()["discount"] == {"amount": "7.33"}
        Voucher.objects.update(amount=None)
        Reward.objects.update(discount_amount=None, discount_percent=Decimal("12.50"))
        assert till.get(f"vouchers/{voucher.code}").json()["discount"] == {"percent": "12.5"}

    def test_tells_from_when_on(self, till: Till, voucher: Voucher):
        begin = timezone.now() + timedelta(days=2)
        Voucher.objects.update(active_from=begin)
        said = till.get(f"vouchers/{voucher.code}").json()
        assert said["state"] == "inactive"
        assert said["active_from"] is not None
        refused = till.post(f"vouchers/{voucher.code}/use")
        assert (refused.status_code, refused.json()["code"]) == (422, "inactive")
        assert refused.json()["active_from"] is not None

    def test_a_partners_code_is_shown_as_the_partner_wrote_it(self, till: Till, voucher: Voucher):
        Voucher.objects.update(code="Movie-2026/a", lookup="MOVIE2026A")
        assert till.get("vouchers/movie 2026a").json()["code"] == "Movie-2026/a"

    def test_tells_which_session_it_is_for(
        self, till: Till, ada: Member, redeem: Callable[..., Redemption]
    ):
        course = new_reward("course", kind="experience")
        begins = {"begins_at": "2026-12-05T14:00:00+08:00", "ends_at": "2026-12-05T16:00:00+08:00"}
        named = {"code": "sat", "name": "周六场"}
        till.post("rewards/course/variants", {**named, **begins, "place": "静安寺店"})
        code = redeem(ada, course, "r2", variant="sat").vouchers.get().code
        said = till.get(f"vouchers/{code}").json()
        assert {name: said[name] for name in begins} == begins
        assert (said["variant"], said["variant_name"], said["place"]) == (
            "sat",
            "周六场",
            "静安寺店",
        )
        assert said["expires_at"] == "2026-12-06T00:00:00+08:00"


class TestOrders:
    def test_an_order_says_what_became_of_the_voucher_it_names(
        self, till: Till, ada: Member, voucher: Voucher
    ):
        for number, amount, state, reason in (
            ("T-1", "20.00", "active", "below_min_spend"),
            ("T-2", "100.00", "used", None),
        ):
            line = {"sku": "latte", "amount": amount}
            placed_at = timezone.localtime().isoformat()
            body = {
                "number": number,
                "member": ada.number,
                "placed_at": placed_at,
                "lines": [line],
            }
            said = {"code": voucher.code, "state": state, "reason": reason}
            assert till.post("orders", {**body, "coupon": voucher.code}).json()["vouchers"] == [
                said
            ]
            assert till.get(f"orders/default/{number}").json()["vouchers"] == [said]
        assert "vouchers" not in till.post("orders", {**body, "number": "T-3"}).json()
        used = till.post(f"vouchers/{voucher.code}/use").json()
        assert (used["code"], used["used_order"]) == ("already_used", "default/T-2")


class TestUse:
    def test_elsewhere_tells_where(self, till: Till, voucher: Voucher):
        Store.objects.create(code="jingan", name="静安寺店")
        Store.objects.create(code="pudong", name="浦东店")
        Reward.objects.update(stores=["jingan"])
        for body in ({"store": "pudong"}, {}):
            refused = till.post(f"vouchers/{voucher.code}/use", body)
            assert refused.status_code == 422
            assert refused.json()["code"] == "not_valid_here"
            assert refused.json()["stores"] == ["jingan"]
            assert "静安寺店" in refused.json()["detail"]
        assert till.post(f"vouchers/{voucher.code}/use", {"store": "jingan"}).status_code == 200

    def test_on_another_day_tells_when(self, till: Till, voucher: Voucher):
        today = timezone.localtime().isoweekday()
        Reward.objects.update(weekdays=[today % 7 + 1])
        refused = till.post(f"vouchers/{voucher.code}/use", {})
        assert (refused.status_code, refused.json()["code"]) == (422, "not_valid_today")
        assert refused.json()["weekdays"] == [today % 7 + 1]

    @pytest.mark.parametrize(("language", "word"), [("en", "draw ticket"), ("zh-hans", "抽奖券")])
    def test_of_a_draw_ticket_is_refused(self, voucher: Voucher, language: str, word: str) -> None:
        Reward.objects.update(kind="draw_ticket", discount_amount=None, min_spend=None)
        till = Till("read", "spend", language=language)
        number = voucher.redemption.number
        for path in (f"vouchers/{voucher.code}/use", f"redemptions/{number}/fulfil"):
            refused = till.post(path, {})
            assert (refused.status_code, refused.json()["code"]) == (422, "not_eligible")
            assert word in refused.json()["detail"]
            assert refused.json()["draw"] is None
        assert till.get(f"vouchers/{voucher.code}").json()["state"] == "active"

    def test_for_an_order_links_it(self, till: Till, voucher: Voucher, ada: Member):
        body = {
            "number": "A/7",
            "member": ada.number,
            "placed_at": "2026-11-21T12:00:00+08:00",
            "lines": [{"sku": "latte", "amount": "120.00"}],
        }
        assert till.post("orders", body).status_code == 201
        missing = till.post(f"vouchers/{voucher.code}/use", {"order": "A/8"})
        assert (missing.status_code, pointers(missing)) == (404, {"/order": "not_found"})
        used = till.post(f"vouchers/{voucher.code}/use", {"order": "A/7"})
        assert used.json()["used_order"] == "default/A/7"


class TestGive:
    def test_answers_with_the_voucher_under_its_new_holder(
        self, till: Till, voucher: Voucher, bob: Member
    ):
        body = {"to": bob.number, "reference": "g1", "message": "生日快乐"}
        answers = [till.post(f"vouchers/{voucher.code}/give", body) for _time in range(2)]
        assert [each.status_code for each in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert answers[0].json()["member"] == "********" + bob.number[-4:]
        other = till.post(f"vouchers/{voucher.code}/give", body | {"message": "x"})
        assert (other.status_code, other.json()["code"]) == (422, "gift_not_allowed")

    def test_to_oneself_is_refused_and_to_nobody_is_404(
        self, till: Till, voucher: Voucher, ada: Member
    ):
        own = till.post(f"vouchers/{voucher.code}/give", {"to": ada.number})
        assert (own.status_code, own.json()["code"], own.json()["reason"]) == (
            422,
            "gift_not_allowed",
            "self",
        )
        nobody = till.post(f"vouchers/{voucher.code}/give", {"to": "1"})
        assert (nobody.status_code, pointers(nobody)) == (404, {"/to": "not_found"})

    def test_what_was_given_cannot_be_cancelled(self, till: Till, voucher: Voucher, bob: Member):
        till.post(f"vouchers/{voucher.code}/give", {"to": bob.number})
        number = Redemption.objects.get().number
        refused = till.post(f"redemptions/{number}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (422, "given_away")


class TestVoid:
    def test_takes_a_reason_that_the_till_reads(self, till: Till, voucher: Voucher):
        said: dict[str, Any] = till.post(
            f"vouchers/{voucher.code}/void", {"reason": "印错"}
        ).json()
        assert (said["state"], said["void_reason"]) == ("void", "印错")
        again = till.post(f"vouchers/{voucher.code}/void", {"reason": "x"})
        assert (again.status_code, again.json()["void_reason"]) == (200, "印错")
        refused = till.post(f"vouchers/{voucher.code}/use", {})
        assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (
            422,
            "void",
            "印错",
        )

    def test_a_used_one_stays_used(self, till: Till, voucher: Voucher):
        till.post(f"vouchers/{voucher.code}/use", {})
        refused = till.post(f"vouchers/{voucher.code}/void", {"reason": "x"})
        assert (refused.status_code, refused.json()["code"]) == (422, "already_used")

    def test_needs_the_scope_manage_and_a_reason(self, db: None, voucher: Voucher):
        spender, manager = Till("spend", "read"), Till("manage")
        path = f"vouchers/{voucher.code}/void"
        assert spender.post(path, {"reason": "x"}).status_code == 403
        for body in ({}, {"reason": ""}):
            assert manager.post(path, body).status_code == 400
        assert Voucher.objects.get().state == "active"
