"""Orders placed a thousand at once: what they would give one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from loyalty.ledger import MAX_POINTS
from loyalty.models import Order
from loyalty.ordering import OrderFacts
from members import enrolment
from members.models import Member, TierChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    entries,
    figures,
    order,
    post,
    program,
    wallet_of,
)
from tests.loyalty.order_builders import place, place_all, problems, tiers_of


class TestPlaceAll:
    def test_places_the_good_ones_around_the_bad(self, ada: Member, bob: Member) -> None:
        placed = place_all(
            order("1", "10.00", member=bob),
            order("2", "10.00", member=bob, store="nowhere"),
            order("3", "20.00", member=None),
            order("4", "10.00", member=None, member_external_id="nobody"),
            order("1", "11.00", member=bob),
            order("1", "10.00", member=bob),
            order("5", "30.00", member=ada),
            order("5", "30.00", member=bob),
        )

        assert problems(placed) == [
            "",
            "InvalidInput",
            "",
            "NotFound",
            "ReferenceReused",
            "",
            "",
            "ReferenceReused",
        ]
        assert [each.is_new for each in placed] == [
            True,
            False,
            True,
            False,
            False,
            False,
            True,
            False,
        ]
        assert placed[5].order == placed[0].order
        assert set(Order.objects.values_list("number", flat=True)) == {"1", "3", "5"}
        assert figures(wallet_of(bob))["active"] == 10
        assert figures(wallet_of(ada))["active"] == 1030
        assert_clean()

    def test_of_nothing_is_nothing(self, db: None) -> None:
        assert place_all() == []

    def test_gives_what_the_orders_give_one_by_one(self, bob: Member, mallory: Member) -> None:
        orders = [
            order(
                str(number),
                f"{number * 37 % 1900}.{number % 100:02d}",
                member=(bob, mallory, None)[number % 3],
                placed_at=day(-number * 29 % 700 - 1),
            )
            for number in range(40)
        ]

        place_all(*orders)
        together = self._outcome(bob, mallory)
        with_one = [
            replace(facts, source="one", member=self._twin(facts, bob, mallory))
            for facts in orders
        ]
        for facts in with_one:
            place(facts)

        twins = list(Member.objects.filter(name="Twin").order_by("id"))
        assert self._outcome(*twins) == together
        assert_clean()

    def _twin(self, facts: OrderFacts, *members: Member) -> str | None:
        if facts.member is None:
            return None
        place_of = [member.number for member in members].index(facts.member)
        phone = f"+861390000000{place_of}"
        twin = Member.objects.filter(phone=phone).first() or enrolment.enrol(
            newcomer=enrolment.Newcomer(phone=phone, name="Twin"), at=NOON
        )
        return twin.number

    def _outcome(self, *members: Member) -> list[Any]:
        return [
            (
                [entries(wallet_of(member, code)) for code in ("points", "status")],
                [figures(wallet_of(member, code)) for code in ("points", "status")],
                tiers_of(member),
                Member.objects.get(pk=member.pk).tier.code,
                [
                    (each.number, each.points, each.explanation)
                    for each in Order.objects.filter(member=member).order_by("id")
                ],
            )
            for member in members
        ]

    def test_refuses_only_the_order_that_passes_2_63(self, bob: Member) -> None:
        post(credit(wallet_of(bob), MAX_POINTS - 100, "much"))

        placed = place_all(
            order("1", "60.00", member=bob),
            order("2", "60.00", member=bob),
            order("3", "40.00", member=bob),
        )

        assert problems(placed) == ["", "InvalidInput", ""]
        assert figures(wallet_of(bob))["active"] == MAX_POINTS
        assert_clean()

    def test_counts_nothing_of_an_order_that_only_its_status_points_stop(
        self, bob: Member
    ) -> None:
        post(
            credit(wallet_of(bob), MAX_POINTS - 100, "much"),
            credit(wallet_of(bob, "status"), MAX_POINTS - 150, "much"),
        )
        program(status_rate=Decimal(2))

        placed = place_all(order("1", "80.00", member=bob), order("2", "70.00", member=bob))

        assert problems(placed) == ["InvalidInput", ""]
        assert figures(wallet_of(bob))["active"] == MAX_POINTS - 30

    def test_refuses_for_what_has_expired_too_rather_than_failing_the_batch(
        self, bob: Member, mallory: Member
    ) -> None:
        gift = credit(wallet_of(bob), MAX_POINTS, "gift", kind="adjust", expires_at=day(1))
        post(gift)

        placed = place_all(
            order("1", "60.00", member=bob), order("2", "60.00", member=mallory), at=day(2)
        )

        assert problems(placed) == ["InvalidInput", ""]

    def test_takes_as_many_statements_for_500_as_for_10(self, db: None) -> None:
        newcomers = [enrolment.Newcomer(phone=f"+86137{number:08d}") for number in range(510)]
        members = [each.member for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)]
        # Each order lifts its member to silver, so that every table is written.
        orders = [
            order(str(number), "5000.00", "0.00", member=member)
            for number, member in enumerate(members)
        ]

        with counted() as for_few:
            place_all(*orders[:10])
        with counted() as for_many:
            place_all(*orders[10:])

        assert TierChange.objects.filter(tier__code="silver").count() == 510
        assert for_few == for_many
        assert len(for_few) < 30


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement and stream of the block, through Django's connection or the ledger's own cursors."""
    statements: list[str] = []

    def counting(as_it_is: Any) -> Any:
        def call(cursor: Any, statement: Any, *parameters: Any, **options: Any) -> Any:
            statements.append(str(statement).partition('"')[0])
            return as_it_is(cursor, statement, *parameters, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("execute", "copy"):
            patch.setattr(psycopg.Cursor, name, counting(getattr(psycopg.Cursor, name)))
        yield statements
