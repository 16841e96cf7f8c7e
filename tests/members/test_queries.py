from datetime import datetime, timedelta
from typing import Any

import pytest

from members import enrolment, queries
from members.enrolment import Newcomer
from members.errors import NotFound
from members.models import Member, Store, Tier

MEMBERS = [
    Newcomer(phone="+8613812345678", name="王小明", external_id="C1"),
    Newcomer(phone="+8613912345678", name="Ada Wang", external_id="C2"),
    Newcomer(phone="+16502530000", name="Bob", external_id="1234"),
    Newcomer(phone=None, name="Nobody", external_id="C4"),
]


@pytest.fixture
def people(db: None, noon: datetime) -> list[Member]:
    return [
        enrolment.enrol(newcomer=one, at=noon + timedelta(hours=hours))
        for hours, one in enumerate(MEMBERS)
    ]


class TestByKey:
    def test_finds_by_number_however_it_is_spaced(self, people: list[Member]) -> None:
        number = people[0].number
        assert queries.by_number(number) == people[0]
        assert queries.by_number(f" {number[:4]} {number[4:8]} {number[8:]} ") == people[0]

    @pytest.mark.parametrize(
        "phone", ["+8613812345678", "138 1234 5678", "８６１３８１２３４５６７８"]
    )
    def test_finds_by_phone_however_it_is_written(self, people: list[Member], phone: str) -> None:
        assert queries.by_phone(phone) == people[0]

    def test_finds_by_external_id(self, people: list[Member]) -> None:
        assert queries.by_external_id(" C2 ") == people[1]

    @pytest.mark.parametrize("text", ["", "0", "abc", "\x00", "\ud800", "9" * 500])
    def test_says_what_is_unknown(self, people: list[Member], text: str) -> None:
        for question in (queries.by_number, queries.by_phone, queries.by_external_id):
            with pytest.raises(NotFound) as problem:
                question(text, "/member")
            assert problem.value.pointer == "/member"

    def test_brings_tier_and_store_along(
        self, people: list[Member], django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            member = queries.by_phone("+8613812345678")
            assert (member.tier.code, member.store) == ("base", None)


class TestManyMembers:
    def test_last_four_digits_find_the_newest_first(self, people: list[Member]) -> None:
        assert list(queries.by_last_four("5678")) == [people[1], people[0]]
        assert list(queries.by_last_four("678")) == []
        assert list(queries.by_last_four("\x00")) == []

    def test_found_takes_numbers_and_external_ids_in_one_query(
        self, people: list[Member], django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            found = queries.found(
                numbers=[people[2].number, "1", "\x00"], external_ids={"C1", "C9", "\x00"}
            )
        assert found == [people[0], people[2]]
        assert queries.found() == []

    def test_statuses_are_told_by_id(self, people: list[Member]) -> None:
        Member.objects.filter(pk=people[0].pk).update(status="frozen")
        ids = [people[0].pk, people[1].pk, 0]
        assert queries.statuses(ids) == {people[0].pk: "frozen", people[1].pk: "active"}


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "places"),
        [
            ("王小", [0]),
            ("wang", [1]),
            ("5678", [1, 0]),
            ("13812345678", [0]),
            ("138-1234-5678", [0]),
            ("+1 650 253 0000", [2]),
            ("C4", [3]),
            ("1234", [2]),  # an external id that looks like four digits
            ("c4", []),
            ("Nobody ", [3]),
            ("", []),
            ("  ", []),
            ("%", []),
            ("\x00", []),
        ],
    )
    def test_understands_what_staff_type(
        self, people: list[Member], text: str, places: list[int]
    ) -> None:
        assert list(queries.search(text)) == [people[place] for place in places]

    def test_finds_a_member_number(self, people: list[Member]) -> None:
        number = people[3].number
        assert list(queries.search(f"{number[:6]} {number[6:]}")) == [people[3]]


class TestTiers:
    def test_rise_by_rank(self, db: None) -> None:
        assert [tier.code for tier in queries.tiers()] == ["base", "silver", "gold", "diamond"]
        assert queries.lowest_tier().code == "base"

    def test_know_the_next(self, db: None) -> None:
        base, silver, *_, diamond = queries.tiers()
        assert queries.next_tier(base) == silver
        assert queries.next_tier(diamond) is None

    def test_are_found_by_code(self, db: None) -> None:
        assert queries.tier("gold") == Tier.objects.get(code="gold")
        for code in ("platinum", "", "\x00"):
            with pytest.raises(NotFound):
                queries.tier(code)


class TestStores:
    def test_are_listed_and_found_by_code(self, db: None, django_assert_num_queries: Any) -> None:
        second = Store.objects.create(code="B", name="二店")
        first = Store.objects.create(code="A", name="一店")
        assert list(queries.stores()) == [first, second]
        assert queries.store("B") == second
        with django_assert_num_queries(1):
            assert queries.stores_by_code(["A", "C", "", "\x00"]) == {"A": first}
        with django_assert_num_queries(0):
            assert queries.stores_by_code([]) == {}

    @pytest.mark.parametrize("code", ["C", "", "\x00"])
    def test_says_what_is_unknown(self, db: None, code: str) -> None:
        with pytest.raises(NotFound):
            queries.store(code)


class TestConsents:
    def test_the_newest_answer_holds(self, people: list[Member], noon: datetime) -> None:
        for hours, is_given in enumerate([True, False]):
            enrolment.change(
                member=people[0],
                changes={"consents": {"sms": is_given, "email": True}},
                at=noon + timedelta(hours=hours),
            )
        assert queries.consents_of(people[0]) == {"sms": False, "email": True}
        assert queries.consents_of(people[1]) == {}

    def test_of_many_members_come_in_one_query(
        self, people: list[Member], noon: datetime, django_assert_num_queries: Any
    ) -> None:
        for hours, (member, is_given) in enumerate([(0, True), (0, False), (1, True)]):
            enrolment.change(
                member=people[member],
                changes={"consents": {"sms": is_given}},
                at=noon + timedelta(hours=hours),
            )
        with django_assert_num_queries(1):
            answers = queries.consents_of_all(people[:3])
        assert answers == {
            people[0].pk: {"sms": False},
            people[1].pk: {"sms": True},
            people[2].pk: {},
        }
