"""A member's wallet, lots, history and tier over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty import awarding
from members.models import Member
from tests.tills import Till, pointers

MARCH = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def award(
    member: Member, points: int, *, at: datetime = MARCH, expires_at: datetime | None = None
) -> None:
    awarding.award(
        member=member,
        points=points,
        reference=f"award-{at.isoformat()}-{points}",
        details={},
        expires_at=expires_at,
        at=at,
    )


class TestWallet:
    def test_is_the_same_as_in_the_member(self, till: Till, bob: Member):
        award(bob, 150, expires_at=datetime(2999, 1, 1, tzinfo=UTC))
        award(bob, 50, at=MARCH + timedelta(days=1), expires_at=datetime(2999, 1, 1, tzinfo=UTC))
        award(bob, 5)

        wallet = till.get(f"members/{bob.number}/wallet").json()

        assert wallet == {
            "active": 205,
            "pending": 0,
            "reserved": 0,
            "debt": 0,
            "status_points": 0,
            "value": "2.05",
            "earned": 205,
            "spent": 0,
            "expired": 0,
            "next_expiry": {"points": 200, "expires_at": "2999-01-01T08:00:00+08:00"},
        }
        assert till.get(f"members/{bob.number}").json()["wallet"] == wallet

    def test_leaves_out_what_has_lapsed_though_no_job_has_run(self, till: Till, bob: Member):
        award(bob, 150, expires_at=MARCH + timedelta(days=1))

        wallet = till.get(f"members/{bob.number}/wallet").json()

        assert (wallet["active"], wallet["expired"], wallet["next_expiry"]) == (0, 150, None)

    @pytest.mark.parametrize("what", ["wallet", "lots", "entries", "tier"])
    def test_of_an_unknown_member_is_404(self, till: Till, what: str):
        response = till.get(f"members/nobody/{what}")

        assert response.status_code == 404
        assert response.json()["code"] == "not_found"


class TestLots:
    def test_stand_in_the_order_in_which_they_would_be_spent(self, till: Till, bob: Member):
        soon, late = datetime(2998, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
        award(bob, 1)
        award(bob, 2, expires_at=late)
        award(bob, 3, expires_at=soon, at=MARCH + timedelta(days=1))
        award(bob, 4, expires_at=soon)
        award(bob, 5, expires_at=MARCH + timedelta(days=2))  # has lapsed

        body = till.get(f"members/{bob.number}/lots").json()

        assert [lot["points"] for lot in body["results"]] == [4, 3, 2, 1]
        assert body["next"] is None
        assert body["results"][0] == {
            "points": 4,
            "remaining": 4,
            "active_from": "2026-03-01T12:00:00+08:00",
            "expires_at": "2998-01-01T08:00:00+08:00",
            "source": "award-2026-03-01T04:00:00+00:00-4",
        }
        assert body["results"][3]["expires_at"] is None

    def test_come_in_pages(self, till: Till, bob: Member):
        for day in range(5):
            award(bob, day + 1, at=MARCH + timedelta(days=day))

        seen, following = [], f"members/{bob.number}/lots?page_size=2"
        while following:
            page = till.get(following).json()
            seen += [lot["points"] for lot in page["results"]]
            following = page["next"]

        assert seen == [1, 2, 3, 4, 5]

    def test_of_a_member_without_points_are_none(self, till: Till, bob: Member):
        assert till.get(f"members/{bob.number}/lots").json() == {"results": [], "next": None}


class TestEntries:
    @pytest.fixture
    def path(self, till: Till, bob: Member) -> str:
        award(bob, 10)
        award(bob, 20, at=MARCH + timedelta(days=1))
        take = {"member": bob.number, "points": -5, "reason": "other", "reference": "T"}
        till.post("adjustments", {**take, "message": "Sorry"})
        return f"members/{bob.number}/entries"

    def test_stand_latest_posting_first(self, till: Till, path: str):
        body = till.get(path).json()

        rows = body["results"]
        assert [(row["kind"], row["points"], row["balance"]) for row in rows] == [
            ("adjust", -5, 25),
            ("earn", 20, 30),
            ("earn", 10, 10),
        ]
        assert {**rows[2], "id": 0} == {
            "id": 0,
            "kind": "earn",
            "points": 10,
            "balance": 10,
            "at": "2026-03-01T12:00:00+08:00",
            "reference": "award-2026-03-01T04:00:00+00:00-10",
            "title": "Points awarded",
            "explanation": [
                {"rule": "award", "title": "Points awarded", "kind": "bonus", "points": 10}
            ],
        }
        assert rows[0]["title"] == "Sorry"

    @pytest.mark.parametrize(
        ("query", "points"),
        [
            ({"kind": "earn"}, [20, 10]),
            ({"kind": "adjust"}, [-5]),
            ({"kind": "merge"}, []),
            ({"from": "2026-03-02T12:00:00+08:00"}, [-5, 20]),
            ({"from": "2026-03-02T04:00:00.000001Z"}, [-5]),
            ({"to": "2026-03-02T12:00:00+08:00"}, [10]),
            ({"to": "2026-03-02T12:00:00.000001+08:00"}, [20, 10]),
            ({"from": "2026-03-01T04:00:00Z", "to": "2026-03-02T04:00:00Z"}, [10]),
            ({"kind": "earn", "from": "2026-03-01T04:00:01Z"}, [20]),
            ({"from": "2026-03-02T12:00:00 08:00"}, [-5, 20]),
        ],
    )
    def test_are_filtered_by_kind_and_time_from_inclusive_to_exclusive(
        self, till: Till, path: str, query: dict[str, str], points: list[int]
    ):
        body = till.get(path, **query).json()

        assert [row["points"] for row in body["results"]] == points

    @pytest.mark.parametrize(
        "query",
        [
            {"kind": "bonus"},
            {"from": "2026-03-01"},
            {"from": "2026-03-01T12:00:00"},
            {"to": "x\0"},
            {"page_size": "-1"},
            {"page_size": "1.5"},
            {"cursor": "bm9uZQ"},
            {"cursor": "WyJ4Il0"},
            {"cursor": "WzEsMl0"},
            {"cursor": "WzFlOTldCg"},
            {"cursor": "ü"},
        ],
    )
    def test_refuse_a_filter_that_cannot_be_meant(
        self, till: Till, path: str, query: dict[str, str]
    ):
        response = till.get(path, **query)

        assert response.status_code == 400
        assert list(pointers(response)) == [f"/{name}" for name in query]

    def test_come_in_pages_that_keep_the_filter(self, till: Till, path: str):
        first = till.get(path, kind="earn", page_size="1").json()
        second = till.get(first["next"]).json()

        assert [row["points"] for row in first["results"]] == [20]
        assert [row["points"] for row in second["results"]] == [10]
        assert second["next"] is None

    def test_give_at_most_200_in_a_page(self, till: Till, bob: Member):
        for number in range(201):
            award(bob, 1, at=MARCH + timedelta(seconds=number))

        page = till.get(f"members/{bob.number}/entries", page_size="1000").json()

        assert len(page["results"]) == 200
        assert len(till.get(page["next"]).json()["results"]) == 1

    def test_take_a_fixed_number_of_queries(self, till: Till, path: str, bob: Member):
        with CaptureQueriesContext(connection) as few:
            till.get(path)
        for number in range(30):
            award(bob, 1, at=MARCH + timedelta(seconds=number))
        with CaptureQueriesContext(connection) as many:
            till.get(path)

        assert len(many) == len(few) <= 5


class TestTier:
    def order(self, till: Till, member: Member, amount: str, **more: Any) -> None:
        body: dict[str, Any] = {
            "number": amount,
            "member": member.number,
            "placed_at": "2026-11-20T10:00:00+08:00",
            "lines": [{"sku": "x", "amount": amount}],
        }
        assert till.post("orders", body | more).status_code == 201

    def test_of_a_new_member_is_the_lowest(self, till: Till, bob: Member):
        assert till.get(f"members/{bob.number}/tier").json() == {
            "code": "base",
            "name": "普通",
            "multiplier": "1",
            "status_points": 0,
            "valid_until": None,
            "next": {"code": "silver", "name": "银卡", "status_points_needed": 5000},
            "keep": None,
            "benefits": [],
        }

    def test_rises_with_the_order_that_reaches_it(self, till: Till, bob: Member):
        benefit = {"code": "cake", "kind": "reward", "name": "生日蛋糕", "reward": "cake"}
        till.patch("tiers/silver", {"benefits": [benefit]})
        self.order(till, bob, "5000.00")

        answer = till.get(f"members/{bob.number}/tier").json()

        assert (answer["code"], answer["multiplier"], answer["status_points"]) == (
            "silver",
            "1.2",
            5000,
        )
        assert answer["next"] == {"code": "gold", "name": "金卡", "status_points_needed": 15000}
        assert (answer["valid_until"], answer["keep"]) == (None, None)
        assert answer["benefits"] == [benefit]
        assert till.get(f"members/{bob.number}").json()["tier"] == {
            "code": "silver",
            "name": "银卡",
            "multiplier": "1.2",
        }

    def test_falls_by_itself_and_shows_it_everywhere(self, till: Till, bob: Member):
        rules = {"downgrade": "to_eligible", "grace_days": 30, "retain_threshold": 4000}
        assert till.patch("tiers/silver", rules).status_code == 200
        now = timezone.now()
        year = timedelta(days=366)
        self.order(till, bob, "5000.00", placed_at=(now - year - timedelta(days=10)).isoformat())
        self.order(till, bob, "1500.00", placed_at=(now - timedelta(days=2)).isoformat())

        in_grace = till.get(f"members/{bob.number}/tier").json()

        assert (in_grace["code"], in_grace["status_points"]) == ("silver", 1500)
        assert in_grace["keep"] == {
            "status_points_needed": 2500,
            "by": in_grace["valid_until"],
        }
        assert now < datetime.fromisoformat(in_grace["valid_until"]) < now + timedelta(days=25)

        till.patch("tiers/silver", {"grace_days": 0})
        Member.objects.filter(pk=bob.pk).update(tier_review_at=now - timedelta(days=9))

        fallen = till.get(f"members/{bob.number}/tier").json()
        assert (fallen["code"], fallen["keep"], fallen["valid_until"]) == ("base", None, None)
        assert till.get(f"members/{bob.number}").json()["tier"]["code"] == "base"
        found = till.get("members", tier="base").json()["results"]
        assert [member["number"] for member in found] == [bob.number]
        assert till.get("members", tier="silver").json()["results"] == []

    def test_falls_with_the_refund_of_what_reached_it(self, till: Till, bob: Member):
        self.order(till, bob, "5000.00")
        assert till.get(f"members/{bob.number}/tier").json()["code"] == "silver"

        back = till.post("orders/default/5000.00/refunds", {"reference": "r", "amount": "1.00"})

        assert back.status_code == 201
        assert till.get(f"members/{bob.number}/tier").json()["code"] == "base"

    def test_has_no_next_at_the_top(self, till: Till, bob: Member):
        self.order(till, bob, "50000.00")

        assert till.get(f"members/{bob.number}/tier").json()["next"] is None
