"""Orders over the API: report, batch, quote, read, explain."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty.models import Entry, Order
from members.models import Member, Store
from tests.tills import Till, pointers

PLACED_AT = "2026-11-20T10:00:00+08:00"


def order(**changes: Any) -> dict[str, Any]:
    return {
        "number": "A-1",
        "placed_at": PLACED_AT,
        "lines": [{"sku": "cake", "amount": "64.00"}],
        **changes,
    }


def line(**changes: Any) -> dict[str, Any]:
    return {"sku": "cake", "amount": "64.00", **changes}


class TestReport:
    def test_answers_201_with_the_order_its_explanation_and_the_wallet(
        self, till: Till, bob: Member
    ):
        Store.objects.create(code="jingan", name="静安寺店")
        body = {
            "number": "A-1",
            "source": "shop",
            "member": bob.number,
            "store": "jingan",
            "channel": "till",
            "placed_at": PLACED_AT,
            "status": "paid",
            "coupon": "SPRING",
            "points_paid_amount": "0.00",
            "payments": [{"method": "card", "amount": "64.00"}],
            "lines": [
                {
                    "sku": "cake",
                    "name": "奶油小蛋糕",
                    "category": "cakes",
                    "brand": "own",
                    "tags": ["new"],
                    "quantity": 2,
                    "amount": "64.00",
                }
            ],
        }

        response = till.post("orders", body)

        wallet = {
            "active": 64,
            "pending": 0,
            "reserved": 0,
            "debt": 0,
            "status_points": 64,
            "value": "0.64",
            "earned": 64,
            "spent": 0,
            "expired": 0,
            "next_expiry": {"points": 64, "expires_at": "2028-11-21T00:00:00+08:00"},
        }
        assert response.status_code == 201
        answer = response.json()
        parts = answer.pop("explanation")
        assert answer == {
            "number": "A-1",
            "source": "shop",
            "member": bob.number,
            "status": "paid",
            "amount": "64.00",
            "points": 64,
            "status_points": 64,
            "active_from": PLACED_AT,
            "expires_at": "2028-11-21T00:00:00+08:00",
            "wallet": wallet,
        }
        assert [(part["rule"], part["kind"], part["points"]) for part in parts] == [
            ("base", "base", 64)
        ]
        stored = Order.objects.get()
        assert (stored.store.code, stored.channel, stored.coupon) == ("jingan", "till", "SPRING")  # type: ignore[union-attr]
        assert list(stored.lines.values_list("sku", "quantity", "amount", "tags")) == [
            ("cake", 2, Decimal("64.00"), ["new"])
        ]

    def test_of_a_passer_by_earns_nothing_and_has_no_wallet(self, till: Till):
        for number, member in (("A-1", {}), ("A-2", {"member": None})):
            answer = till.post("orders", order(number=number, **member)).json()

            assert (answer["member"], answer["wallet"], answer["points"]) == (None, None, 0)
            assert (answer["active_from"], answer["expires_at"]) == (None, None)
        assert not Entry.objects.exists()

    def test_takes_lines_of_nothing_and_leaves_negative_ones_out(self, till: Till, bob: Member):
        lines = [
            line(),
            line(sku="bag", amount="0.00", quantity=0),
            line(sku="voucher", amount="-5.00", quantity=-1),
            line(sku="discount", amount="-5"),
        ]

        answer = till.post("orders", order(member=bob.number, lines=lines)).json()

        assert (answer["amount"], answer["points"]) == ("64.00", 64)
        assert Order.objects.get().lines.count() == 4

    def test_of_nothing_makes_no_lot_and_no_entry(self, till: Till, bob: Member):
        answer = till.post("orders", order(member=bob.number, lines=[line(amount="0.99")])).json()

        assert (answer["points"], answer["active_from"], answer["expires_at"]) == (0, None, None)
        assert not Entry.objects.exists()

    def test_again_with_other_content_is_409(self, till: Till):
        till.post("orders", order())

        response = till.post("orders", order(lines=[line(amount="64.01")]))

        assert response.status_code == 409
        assert response.json()["code"] == "reference_reused"

    def test_numbers_are_unique_within_their_source(self, till: Till):
        assert till.post("orders", order(source="web")).status_code == 201
        assert till.post("orders", order(source="app")).status_code == 201

    def test_answers_422_for_a_closed_member(self, till: Till, bob: Member):
        Member.objects.update(status="closed")

        response = till.post("orders", order(member=bob.number))

        assert response.status_code == 422
        assert response.json()["code"] == "member_closed"
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [({"member": "nobody"}, "/member"), ({"hold": "42"}, "/hold")],
    )
    def test_answers_404_for_an_unknown_member_or_hold(
        self, till: Till, change: dict[str, Any], pointer: str
    ):
        response = till.post("orders", order(**change))

        assert response.status_code == 404
        assert pointers(response) == {pointer: "not_found"}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"number": None}, "/number"),
            ({"number": ""}, "/number"),
            ({"number": 17}, "/number"),
            ({"number": "x" * 101}, "/number"),
            ({"source": "a/b"}, "/source"),
            ({"source": ""}, "/source"),
            ({"member": 5}, "/member"),
            ({"member": ""}, "/member"),
            ({"store": "nowhere"}, "/store"),
            ({"placed_at": None}, "/placed_at"),
            ({"status": "lost"}, "/status"),
            ({"status": ["paid"]}, "/status"),
            ({"points_paid_amount": "64.01"}, "/points_paid_amount"),
            ({"points_paid_amount": "-1"}, "/points_paid_amount"),
            ({"points_paid_amount": 5}, "/points_paid_amount"),
            ({"payments": {}}, "/payments"),
            ({"payments": [{"method": "card"}]}, "/payments/0/amount"),
            ({"payments": [{"method": "card", "amount": 1}]}, "/payments/0/amount"),
            ({"lines": None}, "/lines"),
            ({"lines": []}, "/lines"),
            ({"lines": {}}, "/lines"),
            ({"lines": "cake"}, "/lines"),
            ({"lines": [line(), 5]}, "/lines/1"),
            ({"lines": [line(sku=None)]}, "/lines/0/sku"),
            ({"lines": [line(), line(sku="")]}, "/lines/1/sku"),
            ({"lines": [line(amount=64)]}, "/lines/0/amount"),
            ({"lines": [line(amount=64.0)]}, "/lines/0/amount"),
            ({"lines": [line(amount="64.001")]}, "/lines/0/amount"),
            ({"lines": [line(amount="64.000")]}, "/lines/0/amount"),
            ({"lines": [line(amount="6e1")]}, "/lines/0/amount"),
            ({"lines": [line(amount="NaN")]}, "/lines/0/amount"),
            ({"lines": [line(amount="Infinity")]}, "/lines/0/amount"),
            ({"lines": [line(amount="１")]}, "/lines/0/amount"),
            ({"lines": [line(amount=" 1")]}, "/lines/0/amount"),
            ({"lines": [line(amount="1,5")]}, "/lines/0/amount"),
            ({"lines": [line(amount="")]}, "/lines/0/amount"),
            ({"lines": [line(amount=True)]}, "/lines/0/amount"),
            ({"lines": [line(amount=None)]}, "/lines/0/amount"),
            ({"lines": [line(amount="9" * 19)]}, "/lines/0/amount"),
            ({"lines": [line(amount="9" * 18), line(amount="9" * 18)]}, "/lines"),
            ({"lines": [line(quantity=-1)]}, "/lines/0/quantity"),
            ({"lines": [line(quantity=1.0)]}, "/lines/0/quantity"),
            ({"lines": [line(quantity="1")]}, "/lines/0/quantity"),
            ({"lines": [line(quantity=True)]}, "/lines/0/quantity"),
            ({"lines": [line(quantity=2**63)]}, "/lines/0/quantity"),
            ({"lines": [line(tags="new")]}, "/lines/0/tags"),
            ({"lines": [line(tags=["new", 5])]}, "/lines/0/tags/1"),
        ],
    )
    def test_says_where_the_input_is_bad_and_stores_nothing(
        self, till: Till, change: dict[str, Any], pointer: str
    ):
        response = till.post("orders", order(**change))

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert not Order.objects.exists()

    def test_calls_too_many_points_out_of_range(self, till: Till, bob: Member):
        amount = "9" * 17
        till.patch("program", {"earn_rate": "1000"})

        response = till.post("orders", order(member=bob.number, lines=[line(amount=amount)]))

        assert response.status_code == 400
        assert response.json()["code"] == "out_of_range"
        assert not Order.objects.exists()


class TestBatch:
    def test_answers_for_each_order_and_a_bad_one_stops_none(self, till: Till, bob: Member):
        Member.objects.filter(pk=bob.pk).update(external_id="b")
        till.post("orders", order(number="known", member=bob.number))
        orders = [
            order(number="good", member=bob.number),
            order(number="bad", lines=[line(amount=5)]),
            order(number="lost", member="nobody"),
            order(number="known", member=bob.number),
            order(number="known", member=bob.number, channel="web"),
            "cake",
            order(number="passer-by"),
            order(number="good", member=bob.number),
        ]

        response = till.post("orders/batch", {"orders": orders})

        results = response.json()["results"]
        assert response.status_code == 200
        assert [result["index"] for result in results] == [*range(8)]
        assert [result["status"] for result in results] == [201, 400, 404, 200, 409, 400, 201, 200]
        assert [result["order"]["number"] for result in results if "order" in result] == [
            "good",
            "known",
            "passer-by",
            "good",
        ]
        assert results[0]["order"]["wallet"]["active"] == 128
        problems = [result["problem"] for result in results if "problem" in result]
        assert [problem["code"] for problem in problems] == [
            "invalid_input",
            "not_found",
            "reference_reused",
            "invalid_input",
        ]
        assert [
            [error["pointer"] for error in problem.get("errors", [])] for problem in problems
        ] == [["/lines/0/amount"], ["/member"], [], [""]]
        assert {problem["request_id"] for problem in problems} == {response["X-Request-Id"]}
        assert Order.objects.count() == 3

    @pytest.mark.parametrize(
        "body",
        [{}, {"orders": None}, {"orders": []}, {"orders": {}}, {"orders": [order()] * 1001}],
        ids=["left out", "null", "none", "object", "1001"],
    )
    def test_of_none_or_of_more_than_1000_is_400(self, till: Till, body: dict[str, Any]):
        response = till.post("orders/batch", body)

        assert response.status_code == 400
        assert list(pointers(response)) == ["/orders"]

    def test_takes_1000_orders_in_a_fixed_number_of_queries(self, till: Till, bob: Member):
        with CaptureQueriesContext(connection) as few:
            till.post("orders/batch", {"orders": _many(2, bob, "few")})
        with CaptureQueriesContext(connection) as many:
            response = till.post("orders/batch", {"orders": _many(1000, bob, "many")})

        assert {result["status"] for result in response.json()["results"]} == {201}
        assert len(many) <= len(few) + 12
        assert Order.objects.count() == 1002

    def test_is_replayed_as_a_whole(self, till: Till):
        body = {"orders": [order(), order(number="bad", lines=[])]}
        first = till.post("orders/batch", body, key="k")

        again = till.post("orders/batch", body, key="k")

        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"


def _many(count: int, member: Member, prefix: str) -> list[dict[str, Any]]:
    return [order(number=f"{prefix}-{place}", member=member.number) for place in range(count)]


class TestQuote:
    def test_says_what_the_order_would_earn_and_writes_nothing(self, till: Till, bob: Member):
        body = order(member=bob.number)
        del body["number"]

        response = till.post("orders/quote", body)

        quote = response.json()
        rules = quote.pop("rules")
        assert response.status_code == 200
        assert not Order.objects.exists()
        assert not Entry.objects.exists()
        real = till.post("orders", order(member=bob.number)).json()
        for name in ("points", "status_points", "amount", "expires_at", "explanation", "status"):
            assert quote[name] == real[name]
        assert quote["number"] is None
        assert quote["wallet"]["active"] == 0
        assert {rule["rule"]: rule["matched"] for rule in rules} == {"base": True, "tier": False}
        assert all({*rule} == {"rule", "matched", "conditions"} for rule in rules)

    def test_may_be_asked_with_the_scope_read_or_earn(self, till: Till):
        body = order()
        assert Till("read").post("orders/quote", body).status_code == 200
        assert Till("earn").post("orders/quote", body).status_code == 200
        assert Till("spend").post("orders/quote", body).status_code == 403

    def test_answers_404_for_an_unknown_member(self, till: Till):
        assert till.post("orders/quote", order(member="nobody")).status_code == 404


class TestRead:
    def test_answers_the_order_also_when_its_number_holds_a_slash(self, till: Till, bob: Member):
        made = till.post("orders", order(number="2026/11/7 a", member=bob.number)).json()

        assert till.get("orders/default/2026/11/7%20a").json() == made
        explanation = till.get("orders/default/2026%2F11%2F7 a/explanation").json()
        assert explanation == {
            "number": "2026/11/7 a",
            "source": "default",
            "points": 64,
            "explanation": made["explanation"],
            "rules": [{"rule": "base", "title": "", "matched": True, "conditions": []}],
        }

    @pytest.mark.parametrize(
        "path", ["orders/default/x", "orders/web/A-1", "orders/default/x/explanation"]
    )
    def test_answers_404_for_an_unknown_order(self, till: Till, path: str):
        till.post("orders", order())

        assert till.get(path).status_code == 404
