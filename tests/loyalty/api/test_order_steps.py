"""How far an order has come, over the API."""

from typing import Any

import pytest
from django.utils import timezone

from loyalty.models import Entry, Order, OrderStep
from members.models import Member, Store
from tests.tills import Till, pointers

STATUS = "orders/default/A-1/status"
PLACED_AT = "2026-11-20T10:00:00+08:00"
PAID_AT = "2026-11-20T12:00:00+08:00"


def order(**changes: Any) -> dict[str, Any]:
    return {
        "number": "A-1",
        "placed_at": PLACED_AT,
        "lines": [{"sku": "cake", "amount": "64.00"}, {"sku": "tea", "amount": "36.00"}],
        **changes,
    }


@pytest.fixture
def created(till: Till, bob: Member) -> dict[str, Any]:
    """An order that is not paid."""
    answer: dict[str, Any] = till.post("orders", order(member=bob.number, status="created")).json()
    return answer


class TestReport:
    @pytest.mark.parametrize("award_on", ["paid", "shipped", "completed"])
    @pytest.mark.parametrize("status", ["created", "paid", "shipped", "completed", "cancelled"])
    def test_takes_every_status_and_earns_when_it_has_come_far_enough(
        self, till: Till, bob: Member, award_on: str, status: str
    ):
        assert till.patch("program", {"award_on": award_on}).json()["award_on"] == award_on

        response = till.post("orders", order(member=bob.number, status=status))

        road = ["created", "paid", "shipped", "completed"]
        earns = status in road and road.index(status) >= road.index(award_on)
        answer = response.json()
        assert (response.status_code, answer["status"]) == (201, status)
        assert (answer["points"], answer["wallet"]["active"]) == ((100, 100) if earns else (0, 0))
        if not earns:
            assert answer["explanation"] == []
            assert (answer["active_from"], answer["expires_at"]) == (None, None)
            assert not Entry.objects.exists()

    def test_of_refunded_orders_is_refused(self, till: Till):
        for status in ("refunded", "partially_refunded"):
            assert pointers(till.post("orders", order(status=status))) == {
                "/status": "invalid_choice"
            }

    def test_quotes_what_it_would_earn_with_this_status(self, till: Till, bob: Member):
        for status, points in (("created", 0), ("cancelled", 0), ("paid", 100)):
            quote = till.post("orders/quote", order(member=bob.number, status=status)).json()
            assert (quote["points"], quote["status"]) == (points, status)
            assert quote["rules"][0]["rule"] == "base"


class TestStep:
    def test_answers_the_order_with_its_points_and_wallet(
        self, till: Till, created: dict[str, Any], bob: Member
    ):
        response = till.post(STATUS, {"status": "paid", "at": PAID_AT})

        answer = response.json()
        assert response.status_code == 200
        assert {**answer, "explanation": [], "wallet": {}} == {
            "number": "A-1",
            "source": "default",
            "member": bob.number,
            "status": "paid",
            "amount": "100.00",
            "points": 100,
            "status_points": 100,
            "active_from": PAID_AT,
            "expires_at": "2028-11-21T00:00:00+08:00",
            "explanation": [],
            "wallet": {},
        }
        assert [part["points"] for part in answer["explanation"]] == [100]
        assert answer["wallet"]["active"] == answer["wallet"]["status_points"] == 100
        assert till.get("orders/default/A-1").json() == answer
        entries = till.get(f"members/{bob.number}/entries").json()["results"]
        assert [(each["kind"], each["points"], each["at"]) for each in entries] == [
            ("earn", 100, PAID_AT)
        ]

    def test_may_come_doubled_and_shuffled(self, till: Till, created: dict[str, Any]):
        answers = [
            till.post(STATUS, {"status": status}).json()
            for status in ("completed", "paid", "completed", "shipped")
        ]

        assert {each["status"] for each in answers} == {"completed"}
        assert {each["wallet"]["active"] for each in answers} == {100}
        assert list(OrderStep.objects.order_by("id").values_list("status", flat=True)) == [
            "created",
            "completed",
            "paid",
            "shipped",
        ]
        assert Entry.objects.count() == 2

    def test_cancelled_takes_everything_back_and_again_nothing(
        self, till: Till, created: dict[str, Any]
    ):
        till.post(STATUS, {"status": "paid"})

        answers = [till.post(STATUS, {"status": "cancelled"}) for _ in range(2)]

        for response in answers:
            answer = response.json()
            assert (response.status_code, answer["status"]) == (200, "cancelled")
            # What was awarded stays to be seen.
            assert (answer["points"], len(answer["explanation"])) == (100, 1)
            assert (answer["wallet"]["active"], answer["wallet"]["status_points"]) == (0, 0)
        assert Entry.objects.filter(kind="reverse").count() == 2

    def test_forward_after_the_end_is_409(self, till: Till, created: dict[str, Any]):
        till.post(STATUS, {"status": "cancelled"})

        response = till.post(STATUS, {"status": "completed"})

        assert response.status_code == 409
        problem = response.json()
        assert (problem["code"], problem["state"], problem["status"]) == (
            "order_closed",
            "cancelled",
            409,
        )

    def test_leaves_the_report_of_the_order_known(self, till: Till, bob: Member):
        body = order(member=bob.number)
        till.post("orders", body)
        till.post(STATUS, {"status": "shipped"})

        again = till.post("orders", body)

        assert (again.status_code, again.json()["status"]) == (200, "shipped")
        assert till.post("orders", {**body, "status": "shipped"}).status_code == 409

    def test_of_an_order_with_slashes_in_its_number(self, till: Till, bob: Member):
        till.post("orders", order(number="2026/1 a", member=bob.number))

        response = till.post("orders/default/2026/1%20a/status", {"status": "shipped"})

        assert response.json()["status"] == "shipped"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/status"),
            ({"status": "created"}, "/status"),
            ({"status": "refunded"}, "/status"),
            ({"status": "lost"}, "/status"),
            ({"status": 5}, "/status"),
            ({"status": "paid", "at": "2026-11-20T10:00:00"}, "/at"),
            ({"status": "paid", "at": "2999-11-20T10:00:00Z"}, "/at"),
        ],
    )
    def test_says_where_the_input_is_bad_and_changes_nothing(
        self, till: Till, created: dict[str, Any], body: dict[str, Any], pointer: str
    ):
        response = till.post(STATUS, body)

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert Order.objects.get().status == "created"
        assert OrderStep.objects.count() == 1

    def test_of_an_unknown_order_is_404(self, till: Till):
        assert till.post(STATUS, {"status": "paid"}).status_code == 404

    def test_is_replayed_by_its_key(self, till: Till, created: dict[str, Any]):
        first = till.post(STATUS, {"status": "paid"}, key="k")
        again = till.post(STATUS, {"status": "paid"}, key="k")

        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"


class TestRefundBeforeTheAward:
    def test_is_taken_off_when_the_points_come(self, till: Till, created: dict[str, Any]):
        refunds = "orders/default/A-1/refunds"
        refund = {"reference": "R-1", "lines": [{"sku": "tea", "amount": "36.00"}]}
        first = till.post(refunds, refund).json()

        paid = till.post(STATUS, {"status": "paid"}).json()

        assert (first["points_reversed"], first["order"]["status"]) == (0, "partially_refunded")
        assert (paid["points"], paid["wallet"]["active"]) == (100, 64)
        assert paid["status"] == "partially_refunded"
        again = till.post(refunds, refund)
        assert (again.status_code, again.json()["points_reversed"]) == (200, 36)


class TestHold:
    @pytest.fixture
    def hold(self, till: Till, ada: Member) -> int:
        body = {"member": ada.number, "points": 500, "reference": "h-1"}
        identity: int = till.post("holds", body).json()["id"]
        return identity

    @pytest.mark.parametrize("as_text", [False, True])
    def test_pays_for_the_order_in_one_call(
        self, till: Till, ada: Member, hold: int, as_text: bool
    ):
        named = str(hold) if as_text else hold
        answer = till.post("orders", order(member=ada.number, hold=named)).json()

        assert (answer["points"], answer["wallet"]["spent"]) == (95, 500)
        assert (answer["wallet"]["active"], answer["wallet"]["reserved"]) == (595, 0)
        found = till.get(f"holds/{hold}").json()
        assert (found["state"], found["order"]) == ("captured", "default/A-1")

    def test_left_out_or_said_is_the_same_content(self, till: Till, ada: Member, hold: int):
        body = order(member=ada.number, hold=hold)
        till.post("orders", body)

        for worth in ({}, {"points_paid_amount": None}, {"points_paid_amount": "5.00"}):
            assert till.post("orders", {**body, **worth}).status_code == 200
        assert till.post("orders", {**body, "points_paid_amount": "0"}).status_code == 409

    def test_is_given_back_by_the_refund(self, till: Till, ada: Member, hold: int):
        till.post("orders", order(member=ada.number, hold=hold))

        answer = till.post(
            "orders/default/A-1/refunds", {"reference": "R-1", "amount": "2.50"}
        ).json()

        assert (answer["points_returned"], answer["points_reversed"]) == (250, 2)
        assert (answer["wallet"]["active"], answer["wallet"]["spent"]) == (843, 250)
        cancelled = till.post(STATUS, {"status": "cancelled"}).json()
        assert (cancelled["wallet"]["active"], cancelled["wallet"]["spent"]) == (1000, 0)

    def test_in_a_quote_writes_nothing(self, till: Till, ada: Member, hold: int):
        quote = till.post("orders/quote", order(member=ada.number, hold=hold)).json()

        assert (quote["points"], quote["wallet"]["reserved"]) == (95, 500)
        assert till.get(f"holds/{hold}").json()["state"] == "held"
        assert not Order.objects.exists()

    def test_of_somebody_else_is_404_and_twice_is_422(
        self, till: Till, ada: Member, bob: Member, hold: int
    ):
        lost = till.post("orders", order(member=bob.number, hold=hold))
        assert (lost.status_code, pointers(lost)) == (404, {"/hold": "not_found"})
        till.post("orders", order(member=ada.number, hold=hold))

        again = till.post("orders", order(number="A-2", member=ada.number, hold=hold))

        assert (again.status_code, again.json()["code"]) == (422, "hold_closed")
        assert again.json()["state"] == "captured"
        assert Order.objects.count() == 1

    @pytest.mark.parametrize("hold", [True, 1.5, {}, ""])
    def test_that_is_no_id_is_400(self, till: Till, ada: Member, hold: Any):
        response = till.post("orders", order(member=ada.number, hold=hold))

        assert (response.status_code, list(pointers(response))) == (400, ["/hold"])


class TestStore:
    def test_stands_in_every_entry_of_the_order(self, till: Till, bob: Member):
        store = Store.objects.create(code="jingan", name="静安寺店")
        till.post("orders", order(member=bob.number, store="jingan"))
        till.post("orders/default/A-1/refunds", {"reference": "R-1", "amount": "10.00"})
        till.post(STATUS, {"status": "cancelled", "at": timezone.now().isoformat()})

        assert Entry.objects.count() == 6
        assert set(Entry.objects.values_list("store_id", flat=True)) == {store.pk}
