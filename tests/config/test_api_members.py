"""Members over the API: enrol, find, read, change."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members.models import Member, Store
from tests.tills import Till, pointers

EMPTY_WALLET = {
    "active": 0,
    "pending": 0,
    "reserved": 0,
    "debt": 0,
    "status_points": 0,
    "value": "0.00",
    "earned": 0,
    "spent": 0,
    "expired": 0,
    "next_expiry": None,
}
NEWCOMER = {
    "phone": "+8613800138000",
    "email": "ada@example.com",
    "name": "Ada",
    "birthday": "1990-05-01",
    "store": "jingan",
    "channel": "till",
    "external_id": "crm-1",
    "enrolled_at": "2026-01-02T10:00:00+08:00",
    "consents": {"marketing_sms": False},
    "client": {"ip": "192.0.2.1", "device": "till 7"},
}


@pytest.fixture
def jingan(db: None) -> Store:
    return Store.objects.create(code="jingan", name="静安寺店")


class TestEnrol:
    def test_answers_201_with_the_member_and_an_empty_wallet(self, till: Till, jingan: Store):
        response = till.post("members", NEWCOMER)

        body = response.json()
        member = Member.objects.get(number=body["number"])
        assert response.status_code == 201
        assert body == {
            "number": member.number,
            "external_id": "crm-1",
            "name": "Ada",
            "phone": "+86138****8000",
            "email": "a***@example.com",
            "birthday": "****-**-**",
            "store": "jingan",
            "tags": [],
            "status": "active",
            "tier": {"code": "base", "name": "普通", "multiplier": "1"},
            "referral_code": member.referral_code,
            "enrolled_at": "2026-01-02T10:00:00+08:00",
            "wallet": EMPTY_WALLET,
        }
        assert (member.channel, member.sign_up_ip, member.sign_up_device) == (
            "till",
            "192.0.2.1",
            "till 7",
        )
        assert list(member.consents.values_list("purpose", "is_given")) == [
            ("marketing_sms", False)
        ]

    def test_needs_nothing_but_a_phone_number_and_null_means_left_out(self, till: Till):
        nothing = dict.fromkeys([*NEWCOMER][1:])

        response = till.post("members", {**nothing, "phone": "138 0013 8000"})

        assert response.status_code == 201
        assert Member.objects.get().phone == "+8613800138000"

    def test_shows_personal_data_to_keys_with_the_scope_personal(self, till: Till, jingan: Store):
        number = till.post("members", NEWCOMER).json()["number"]

        body = Till("read", "personal").get(f"members/{number}").json()

        assert (body["phone"], body["email"], body["birthday"]) == (
            "+8613800138000",
            "ada@example.com",
            "1990-05-01",
        )

    def test_answers_409_with_the_number_when_the_phone_is_enrolled_whatever_else_is_said(
        self, till: Till, jingan: Store
    ):
        number = till.post("members", NEWCOMER).json()["number"]

        same = till.post("members", NEWCOMER)
        other = till.post("members", {"phone": "13800138000", "name": "Bob"})

        assert (same.status_code, other.status_code) == (409, 409)
        assert same["Content-Type"] == "application/problem+json"
        assert (same.json()["code"], same.json()["number"]) == ("already_enrolled", number)
        assert (other.json()["code"], other.json()["number"]) == ("already_enrolled", number)

    def test_finds_the_referrer_by_code(self, till: Till, bob: Member):
        response = till.post(
            "members", {"phone": "13800138000", "referral_code": bob.referral_code}
        )

        assert response.status_code == 201
        assert Member.objects.get(number=response.json()["number"]).referrer == bob

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"phone": None}, "/phone"),
            ({"phone": ""}, "/phone"),
            ({"phone": "12"}, "/phone"),
            ({"phone": 13800138000}, "/phone"),
            ({"phone": "1.38E+10"}, "/phone"),
            ({"email": "ada"}, "/email"),
            ({"name": "x" * 101}, "/name"),
            ({"name": 7}, "/name"),
            ({"birthday": "1990-02-30"}, "/birthday"),
            ({"birthday": "01.05.1990"}, "/birthday"),
            ({"birthday": "2999-01-01"}, "/birthday"),
            ({"store": "nowhere"}, "/store"),
            ({"referral_code": "NOBODY"}, "/referral_code"),
            ({"enrolled_at": "2026-01-02T10:00:00"}, "/enrolled_at"),
            ({"enrolled_at": "2999-01-02T10:00:00Z"}, "/enrolled_at"),
            ({"consents": {"marketing_sms": "no"}}, "/consents/marketing_sms"),
            ({"consents": []}, "/consents"),
            ({"client": {"ip": "1.2.3"}}, "/client/ip"),
            ({"client": "till"}, "/client"),
        ],
    )
    def test_says_where_the_input_is_bad_and_enrols_nobody(
        self, till: Till, jingan: Store, change: dict[str, Any], pointer: str
    ):
        response = till.post("members", {**NEWCOMER, **change})

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert not Member.objects.exists()


class TestFind:
    @pytest.fixture
    def number(self, till: Till, jingan: Store) -> str:
        till.post("members", {"phone": "13800138001"})
        return str(till.post("members", NEWCOMER).json()["number"])

    @pytest.mark.parametrize(
        "query",
        [
            {"phone": "+8613800138000"},
            {"phone": " 8613800138000"},
            {"phone": "138-0013-8000"},
            {"email": "ADA@example.com"},
            {"external_id": "crm-1"},
        ],
    )
    def test_finds_one_member(self, till: Till, number: str, query: dict[str, str]):
        body = till.get("members", **query).json()

        assert [member["number"] for member in body["results"]] == [number]
        assert body["results"][0]["wallet"] == EMPTY_WALLET
        assert body["next"] is None

    def test_finds_by_number_and_by_tier(self, till: Till, number: str):
        assert len(till.get("members", number=number).json()["results"]) == 1
        assert len(till.get("members", tier="base").json()["results"]) == 2
        assert till.get("members", tier="gold").json() == {"results": [], "next": None}

    @pytest.mark.parametrize(
        "query",
        [{"phone": "12"}, {"tier": "wood"}, {"number": "\0"}, {"page_size": "0"}, {"cursor": "x"}],
    )
    def test_refuses_a_filter_that_cannot_be_meant(self, till: Till, query: dict[str, str]):
        response = till.get("members", **query)

        assert response.status_code == 400
        assert list(pointers(response)) == [f"/{name}" for name in query]

    def test_gives_pages_that_follow_each_other(self, till: Till):
        for last in range(5):
            till.post("members", {"phone": f"1380013800{last}"})

        first = till.get("members", page_size="2").json()
        second = till.get(first["next"]).json()
        third = till.get(second["next"]).json()

        assert first["next"].startswith("http://testserver/api/v1/members?")
        ids = [
            [Member.objects.get(number=row["number"]).phone for row in page["results"]]
            for page in (first, second, third)
        ]
        assert ids == [
            ["+8613800138004", "+8613800138003"],
            ["+8613800138002", "+8613800138001"],
            ["+8613800138000"],
        ]
        assert third["next"] is None

    def test_takes_as_many_queries_for_many_members_as_for_one(self, till: Till):
        till.post("members", {"phone": "13800138000"})
        with CaptureQueriesContext(
            connection,
        ) as one:
            till.get("members")
        for last in range(1, 9):
            till.post("members", {"phone": f"1380013800{last}"})
        with CaptureQueriesContext(connection) as many:
            till.get("members")

        assert len(many) == len(one) <= 6


class TestRead:
    def test_answers_404_for_an_unknown_number(self, till: Till):
        response = till.get("members/nobody")

        assert response.status_code == 404
        assert response.json()["code"] == "not_found"
        assert "errors" not in response.json()

    def test_answers_404_for_a_number_that_the_database_could_not_even_look_for(self, till: Till):
        assert till.get("members/a%00b").status_code == 404


class TestChange:
    @pytest.fixture
    def number(self, till: Till, jingan: Store) -> str:
        return str(till.post("members", NEWCOMER).json()["number"])

    def test_changes_what_is_named_and_nothing_else(self, till: Till, number: str):
        response = till.patch(
            f"members/{number}",
            {
                "name": "Ada L.",
                "store": None,
                "birthday": None,
                "external_id": None,
                "consents": {"marketing_sms": True},
            },
        )

        body = response.json()
        assert response.status_code == 200
        assert (body["name"], body["store"], body["birthday"], body["external_id"]) == (
            "Ada L.",
            None,
            None,
            None,
        )
        assert body["email"] == "a***@example.com"
        assert Member.objects.get().phone == "+8613800138000"

    def test_needs_no_idempotency_key_but_honours_one(self, till: Till, number: str):
        first = till.patch(f"members/{number}", {"name": "A"}, **{"Idempotency-Key": "k"})
        till.patch(f"members/{number}", {"name": "B"})
        again = till.patch(f"members/{number}", {"name": "A"}, **{"Idempotency-Key": "k"})

        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"
        assert Member.objects.get().name == "B"

    def test_refuses_the_phone_of_somebody_else(self, till: Till, number: str, bob: Member):
        response = till.patch(f"members/{number}", {"phone": "+8613800000002"})

        assert response.status_code == 409
        assert response.json()["code"] == "already_enrolled"
        assert response.json()["number"] == bob.number

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"phone": None}, "/phone"),
            ({"name": None}, "/name"),
            ({"store": "nowhere"}, "/store"),
            ({"number": "1"}, "/number"),
            ({"email": "x"}, "/email"),
        ],
    )
    def test_says_where_the_input_is_bad(
        self, till: Till, number: str, change: dict[str, Any], pointer: str
    ):
        before = Member.objects.values().get()

        response = till.patch(f"members/{number}", change)

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert Member.objects.values().get() == before
