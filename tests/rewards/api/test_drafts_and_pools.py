"""Drafts, handing over and partners' codes over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from members.models import Member
from rewards.models import PartnerCode, Redemption, Reward
from tests.rewards.builders import ADDRESS, SENT_TO, left
from tests.rewards.conftest import new_reward
from tests.tills import ALL_SCOPES, Till, pointers


@pytest.fixture
def mug(db: None) -> Reward:
    return new_reward("mug", kind="gift", stock=5, cash="9.90", delivery="either")


def wish(member: Member, **more: Any) -> dict[str, Any]:
    return {"member": member.number, "reward": "mug", "reference": "W-1", **more}


class TestDraft:
    def test_is_reserved_then_issued(self, till: Till, ada: Member, mug: Reward) -> None:
        response = till.post("redemptions", wish(ada, draft=True))
        made = response.json()
        assert (response.status_code, made["state"], made["cash"]) == (201, "reserved", "9.90")
        assert (made["wallet"]["active"], made["wallet"]["reserved"]) == (900, 100)
        assert made["vouchers"] == []
        hold = Redemption.objects.get().hold_id
        for path in ("capture", "release"):
            assert till.post(f"holds/{hold}/{path}", {}).status_code == 404
        issued = till.post(f"redemptions/{made['number']}/issue")
        assert (issued.status_code, issued.json()["state"]) == (200, "issued")
        assert (issued.json()["wallet"]["spent"], len(issued.json()["vouchers"])) == (100, 1)
        assert till.post(f"redemptions/{made['number']}/issue").status_code == 200

    def test_an_order_cannot_be_paid_with_its_hold(
        self, till: Till, ada: Member, mug: Reward
    ) -> None:
        till.post("redemptions", wish(ada, draft=True))
        body = {
            "number": "A-1",
            "member": ada.number,
            "placed_at": timezone.now().isoformat(),
            "hold": str(Redemption.objects.get().hold_id),
            "lines": [{"sku": "x", "amount": "3.00"}],
        }
        assert till.post("orders", body).status_code == 404

    def test_cancelled_it_cannot_be_issued(self, till: Till, ada: Member, mug: Reward) -> None:
        number = till.post("redemptions", wish(ada, draft=True)).json()["number"]
        cancelled = till.post(f"redemptions/{number}/cancel").json()
        assert (cancelled["state"], cancelled["wallet"]["active"]) == ("cancelled", 1000)
        refused = till.post(f"redemptions/{number}/issue")
        assert refused.status_code == 422
        assert refused.json()["code"] == "redemption_closed"
        assert refused.json()["state"] == "cancelled"


class TestFulfil:
    def test_sends_a_parcel(self, till: Till, ada: Member, mug: Reward) -> None:
        made = till.post("redemptions", wish(ada, delivery="shipping", address=ADDRESS)).json()
        assert (made["delivery"], made["vouchers"], "address" in made) == ("shipping", [], False)
        seen = Till(*ALL_SCOPES, "personal").get(f"redemptions/{made['number']}").json()
        assert seen["address"] == SENT_TO
        body = {"carrier": "顺丰", "tracking": "SF1"}
        sent = till.post(f"redemptions/{made['number']}/fulfil", body)
        assert (sent.status_code, sent.json()["state"]) == (200, "fulfilled")
        assert sent.json()["tracking"] == "SF1"
        assert till.post(f"redemptions/{made['number']}/fulfil").status_code == 200
        refused = till.post(f"redemptions/{made['number']}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (422, "already_used")

    def test_an_address_is_needed_and_told_where(
        self, till: Till, ada: Member, mug: Reward
    ) -> None:
        body = wish(ada, delivery="shipping", address={"name": "x", "phone": "1", "address": "y"})
        response = till.post("redemptions", body)
        assert response.status_code == 400
        assert pointers(response) == {"/address/phone": "invalid"}
        assert not Redemption.objects.exists()

    def test_points_that_the_client_sends_are_passed_over(
        self, till: Till, ada: Member, mug: Reward
    ) -> None:
        made = till.post("redemptions", wish(ada, points=1, quantity=2)).json()
        assert made["points"] == 200

    @pytest.mark.parametrize("quantity", [0, -1, 10**9, "1", 1.5])
    def test_a_quantity_that_is_none_is_400(
        self, till: Till, ada: Member, mug: Reward, quantity: Any
    ) -> None:
        response = till.post("redemptions", wish(ada, quantity=quantity))
        assert response.status_code == 400
        assert list(pointers(response)) == ["/quantity"]
        assert left(mug) == [5]


class TestList:
    def test_is_filtered_by_member_and_state(
        self, till: Till, ada: Member, bob: Member, mug: Reward
    ) -> None:
        first = till.post("redemptions", wish(ada)).json()["number"]
        second = till.post("redemptions", wish(ada, reference="W-2", draft=True)).json()["number"]

        def numbers(**query: str) -> list[str]:
            return [each["number"] for each in till.get("redemptions", **query).json()["results"]]

        assert numbers() == [second, first]
        assert numbers(member=ada.number, state="reserved") == [second]
        assert numbers(member=bob.number) == []
        Redemption.objects.filter(number=second).update(
            redeemed_at=timezone.now() - timedelta(hours=2),
            reserved_until=timezone.now() - timedelta(hours=1),
        )
        assert numbers(state="expired") == [second]
        assert numbers(state="reserved") == []
        assert till.get("redemptions", member="1").status_code == 404
        assert till.get("redemptions", state="x").status_code == 400


class TestCodes:
    CSV = {"Content-Type": "text/csv; charset=utf-8"}

    def test_fill_a_pool_and_are_handed_out(self, till: Till, ada: Member) -> None:
        film = new_reward("film", kind="partner_code")
        response = till.post("rewards/film/codes", b"code\na1\nA-1\nb2\n", **self.CSV)
        assert response.status_code == 201
        assert response.json() == {
            "added": 2,
            "duplicates": 1,
            "duplicate_lines": [3],
            "free": 2,
        }
        made = till.post("redemptions", wish(ada, reward="film", quantity=2)).json()
        assert [each["code"] for each in made["vouchers"]] == ["a1", "b2"]
        refused = till.post("redemptions", wish(ada, reward="film", reference="W-2"))
        assert (refused.status_code, refused.json()["code"]) == (422, "out_of_stock")
        assert left(film) == [0]
        used = till.post("vouchers/ A1/use", {})
        assert used.status_code == 200

    def test_the_same_request_is_replayed_and_a_malformed_file_is_400(
        self, till: Till, db: None
    ) -> None:
        new_reward("film", kind="partner_code")
        for _again in range(2):
            response = till.post("rewards/film/codes", b"a1\n", key="once", **self.CSV)
            assert response.json()["added"] == 1
        bad = till.post("rewards/film/codes", b"b1\n,\nb2,nonsense\n", **self.CSV)
        assert bad.status_code == 400
        assert pointers(bad) == {"/3/expires_at": "malformed_csv"}
        assert PartnerCode.objects.count() == 1

    def test_too_large_a_file_is_refused(self, till: Till, db: None) -> None:
        new_reward("film", kind="partner_code")
        response = till.post("rewards/film/codes", b"a" * (5 * 1024 * 1024 + 1), **self.CSV)
        assert response.status_code == 413
        assert not PartnerCode.objects.exists()
