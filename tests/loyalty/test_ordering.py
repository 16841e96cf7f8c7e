import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from loyalty import ledger, ordering, queries
from loyalty.ledger import MAX_POINTS
from loyalty.models import Entry, Lot, Order, OrderLine
from loyalty.ordering import Line, OrderFacts, Placed
from members import enrolment
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Store, Tier, TierChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    entries,
    figures,
    lot_of,
    order,
    post,
    program,
    reversal,
    wallet_of,
)


def place(facts: OrderFacts, at: Any = NOON) -> Order:
    placed = ordering.place(order=facts, at=at).order
    assert placed is not None
    return placed


def place_all(*orders: OrderFacts, at: Any = NOON) -> list[Placed]:
    return ordering.place_all(orders=orders, at=at)


def problems(placed: list[Placed]) -> list[str]:
    return [type(each.problem).__name__ if each.problem else "" for each in placed]


def tiers_of(member: Member) -> list[tuple[str, Any, Any]]:
    """The steps after enrolment: (code, since, status points seen)."""
    changes = TierChange.objects.filter(member=member).exclude(reason="enrolled")
    return [
        (change.tier.code, change.at, change.details["status_points"])
        for change in changes.select_related("tier").order_by("at", "id")
    ]


class TestPlace:
    def test_stores_the_order_its_lines_and_posts_points_and_status(self, bob: Member) -> None:
        Store.objects.create(code="jingan", name="静安寺店")
        facts = OrderFacts(
            number="1001",
            source="pos",
            member=bob.number,
            store="jingan",
            channel="app",
            placed_at=day(-1),
            coupon="C1",
            payments=(("wechat", Decimal("60.00")), ("cash", Decimal("13.50"))),
            lines=(
                Line(
                    sku="latte",
                    name="拿铁\t\\大",
                    category="咖啡",
                    brand="自有",
                    tags=("new", 'with "quotes", {braces}\\'),
                    quantity=2,
                    amount=Decimal("64.00"),
                ),
                Line(sku="gift", amount=Decimal("0.00"), quantity=0),
                Line(sku="cake", amount=Decimal("9.50")),
                Line(sku="voucher", amount=Decimal("-5.00"), quantity=-1),
            ),
        )

        made = place(facts)

        stored = queries.order(source="pos", number="1001")
        assert stored == made
        assert (stored.amount, stored.points, stored.status_points) == (Decimal("73.50"), 73, 73)
        assert (stored.status, stored.channel, stored.coupon) == ("paid", "app", "C1")
        assert stored.store is not None
        assert stored.store.name == "静安寺店"
        assert stored.payments == [
            {"method": "wechat", "amount": "60.00"},
            {"method": "cash", "amount": "13.50"},
        ]
        assert stored.explanation == [
            {"rule": "base", "kind": "base", "points": 73, "amount": "73.5", "rate": "1"}
        ]
        lines = list(
            OrderLine.objects.filter(order=stored)
            .order_by("position")
            .values_list("sku", "name", "tags", "quantity", "amount", "share")
        )
        assert lines == [
            (
                "latte",
                "拿铁\t\\大",
                ["new", 'with "quotes", {braces}\\'],
                2,
                Decimal("64.00"),
                "64",
            ),
            ("gift", "", [], 0, Decimal("0.00"), "0"),
            ("cake", "", [], 1, Decimal("9.50"), "9.5"),
            ("voucher", "", [], -1, Decimal("-5.00"), "0"),
        ]
        points, status = wallet_of(bob), wallet_of(bob, "status")
        assert figures(points) == figures(status) == {"active": 73, "earned": 73}
        entry = Entry.objects.get(wallet=points)
        assert (entry.kind, entry.reference, entry.at) == ("earn", "pos/1001", day(-1))
        assert entry.details == {
            "order": "1001",
            "source": "pos",
            "amount": "73.50",
            "store": "静安寺店",
        }
        assert_clean()

    def test_says_when_the_points_start_and_end(self, bob: Member) -> None:
        program(pending_days=7, expiry_months=1)

        made = place(order("1", "10.00", member=bob))

        lot = lot_of(wallet_of(bob), "default/1")
        assert (made.active_from, made.expires_at) == (lot.active_from, lot.expires_at)
        assert made.active_from == day(7)
        assert made.expires_at is not None
        assert made.expires_at.isoformat() == "2026-12-28T16:00:00+00:00"
        assert figures(wallet_of(bob)) == {"pending": 10, "earned": 10}
        assert figures(wallet_of(bob, "status")) == {"active": 10, "earned": 10}

    def test_of_0_points_makes_no_lot_and_no_entry(self, bob: Member) -> None:
        made = place(order("1", "0.99", "0.00", member=bob))

        assert (made.points, made.status_points, made.active_from, made.expires_at) == (
            0,
            0,
            None,
            None,
        )
        assert [part["points"] for part in made.explanation] == [0]
        assert Lot.objects.count() == Entry.objects.count() == 0
        assert Order.objects.get().amount == Decimal("0.99")

    def test_earns_nothing_for_what_was_paid_with_points(self, bob: Member) -> None:
        made = place(
            order("1", "10.00", "10.00", "10.00", member=bob, points_paid_amount=Decimal("10.00"))
        )

        assert (made.points, made.status_points) == (20, 20)
        shares = OrderLine.objects.order_by("position").values_list("share", flat=True)
        assert list(shares) == ["20/3", "20/3", "20/3"]

    def test_keeps_a_passer_bys_order_without_points(self, db: None) -> None:
        made = place(order("1", "64.00", member=None))

        assert (made.member, made.points, made.status_points) == (None, 0, 0)
        assert made.explanation == []
        assert (Order.objects.count(), OrderLine.objects.count(), Entry.objects.count()) == (
            1,
            1,
            0,
        )

    def test_finds_a_member_by_external_id(self, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(external_id="crm-7")

        made = place(order("1", "64.00", member=None, member_external_id="crm-7"))

        assert made.member == bob
        assert figures(wallet_of(bob))["active"] == 64

    def test_credits_a_frozen_member(self, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(status="frozen")

        assert place(order("1", "64.00", member=bob)).points == 64
        assert figures(wallet_of(bob))["active"] == 64

    def test_refuses_a_closed_member(self, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(status="closed")

        with pytest.raises(MemberClosed):
            place(order("1", "64.00", member=bob))

        assert Order.objects.count() == Entry.objects.count() == 0

    def test_answers_a_repeat_though_the_member_was_closed_since(self, bob: Member) -> None:
        facts = order("1", "64.00", member=bob)
        made = place(facts)
        Member.objects.filter(pk=bob.pk).update(status="closed")

        again = ordering.place(order=facts, at=NOON)

        assert (again.order, again.is_new) == (made, False)

    def test_of_long_ago_has_lapsed_since(self, bob: Member) -> None:
        made = place(order("1", "64.00", member=bob, placed_at=day(-800)))

        assert made.points == 64
        assert figures(wallet_of(bob)) == {"earned": 64, "expired": 64}
        assert entries(wallet_of(bob)) == [("earn", 64, 64), ("expire", -64, 0)]
        assert_clean()

    def test_a_little_ahead_of_the_clock_is_active_now(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob, placed_at=NOON + timedelta(minutes=4)))

        assert figures(wallet_of(bob)) == {"active": 64, "earned": 64}

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"store": "nowhere"}, "/store"),
            ({"status": "partially_refunded"}, "/status"),
            ({"status": "refunded"}, "/status"),
            ({"points_paid_amount": Decimal("64.01")}, "/points_paid_amount"),
            ({"points_paid_amount": Decimal("-0.01")}, "/points_paid_amount"),
            ({"source": "a/b"}, "/source"),
            ({"lines": (Line(sku="A", amount=Decimal(10) ** 18),)}, "/lines"),
            ({"lines": (Line(sku="A", amount=Decimal(6 * 10**17)),) * 2}, "/lines"),
        ],
    )
    def test_refuses_what_no_order_says_and_writes_nothing(
        self, bob: Member, changes: dict[str, Any], pointer: str
    ) -> None:
        with pytest.raises(InvalidInput) as refusal:
            place(replace(order("1", "64.00", member=bob), **changes))

        assert refusal.value.pointer == pointer
        assert Order.objects.count() == Entry.objects.count() == 0

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"member": "0"}, "/member"),
            ({"member": ""}, "/member"),
            ({"member": None, "member_external_id": "nobody"}, "/member"),
            ({"member": None, "member_external_id": ""}, "/member"),
            ({"hold": "h-1"}, "/hold"),
        ],
    )
    def test_does_not_find_whom_or_what_is_not_there(
        self, bob: Member, changes: dict[str, Any], pointer: str
    ) -> None:
        with pytest.raises(NotFound) as refusal:
            place(replace(order("1", "64.00", member=bob), **changes))

        assert refusal.value.pointer == pointer
        assert Order.objects.count() == Entry.objects.count() == 0

    def test_refuses_points_past_2_63(self, bob: Member) -> None:
        program(earn_rate=Decimal(100))

        with pytest.raises(InvalidInput) as refusal:
            place(order("1", "92233720368547758.08", member=bob))

        assert refusal.value.code == "out_of_range"
        assert Order.objects.count() == Entry.objects.count() == 0


class TestSameOrderAgain:
    def test_has_no_second_effect(self, bob: Member) -> None:
        facts = order("1", "64.00", member=bob)
        made = place(facts)
        before = books()

        again = ordering.place(order=facts, at=day(1))

        assert (again.order, again.is_new) == (made, False)
        assert books() == before
        assert Order.objects.count() == OrderLine.objects.count() == 1

    def test_may_write_equal_values_in_other_words(self, bob: Member) -> None:
        Member.objects.filter(pk=bob.pk).update(external_id="crm-7")
        facts = order("1", "64.00", member=bob, payments=(("cash", Decimal("64.00")),))
        place(facts)

        again = ordering.place(
            order=replace(
                facts,
                member=None,
                member_external_id="crm-7",
                placed_at=NOON.astimezone(timezone(timedelta(hours=-7))),
                points_paid_amount=Decimal("0.0"),
                payments=(("cash", Decimal("64.0")),),
                lines=(Line(sku="A", amount=Decimal(64)),),
            ),
            at=NOON,
        )

        assert not again.is_new

    @pytest.mark.parametrize(
        "changes",
        [
            {"placed_at": NOON + timedelta(microseconds=1)},
            {"channel": "web"},
            {"status": "shipped"},
            {"coupon": "C1"},
            {"member": None},
            {"payments": (("cash", Decimal("64.00")),)},
            {"points_paid_amount": Decimal("0.01")},
            {"lines": (Line(sku="A", amount=Decimal("64.01")),)},
            {"lines": (Line(sku="B", amount=Decimal("64.00")),)},
            {"lines": (Line(sku="A", amount=Decimal("64.00"), quantity=2),)},
            {"lines": (Line(sku="A", amount=Decimal("64.00"), name="Latte"),)},
            {"lines": (Line(sku="A", amount=Decimal("64.00"), tags=("new",)),)},
            {"lines": (Line(sku="A", amount=Decimal("64.00")),) * 2},
        ],
    )
    def test_with_other_content_is_refused(self, bob: Member, changes: dict[str, Any]) -> None:
        facts = order("1", "64.00", member=bob)
        place(facts)
        before = books()

        with pytest.raises(ReferenceReused) as refusal:
            place(replace(facts, **changes))

        assert refusal.value.data == {"reference": "default/1"}
        assert books() == before
        assert Order.objects.count() == 1

    def test_from_another_source_is_another_order(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        place(order("1", "64.00", member=bob, source="web"))

        assert figures(wallet_of(bob))["active"] == 128

    def test_may_come_after_a_refusal(self, bob: Member) -> None:
        with pytest.raises(InvalidInput):
            place(order("1", "64.00", member=bob, store="nowhere"))

        assert place(order("1", "64.00", member=bob)).points == 64


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


class TestTiers:
    def test_the_order_that_lifts_a_tier_earns_at_the_old_one(self, bob: Member) -> None:
        first = place(order("1", "4999.00", member=bob, placed_at=day(-3)))
        lifting = place(order("2", "100.00", member=bob, placed_at=day(-2)))
        after = place(order("3", "100.00", member=bob, placed_at=day(-1)))

        assert (first.points, lifting.points, after.points) == (4999, 100, 120)
        assert tiers_of(bob) == [("silver", day(-2), 5099)]
        assert Member.objects.get(pk=bob.pk).tier.code == "silver"

    def test_a_tier_reached_in_the_middle_of_a_batch_holds_from_there(self, bob: Member) -> None:
        placed = place_all(
            order("1", "5000.00", member=bob, placed_at=day(-3)),
            order("2", "100.00", member=bob, placed_at=day(-3)),
            order("3", "100.00", member=bob, placed_at=day(-4)),
            order("4", "15000.00", member=bob, placed_at=day(-2)),
            order("5", "100.00", member=bob, placed_at=day(-1)),
        )

        points = [each.order.points for each in placed if each.order]
        assert points == [5000, 120, 100, 18000, 150]
        # The late order 3 counts before the others, so silver is reached with more.
        assert tiers_of(bob) == [("silver", day(-3), 5000), ("gold", day(-2), 20200)]
        assert Member.objects.get(pk=bob.pk).tier.code == "gold"

    def test_exactly_the_threshold_reaches_and_one_less_does_not(
        self, bob: Member, mallory: Member
    ) -> None:
        place_all(order("1", "5000.00", member=bob), order("2", "4999.99", member=mallory))

        assert tiers_of(bob) == [("silver", NOON, 5000)]
        assert tiers_of(mallory) == []

    def test_a_late_order_earns_at_the_tier_held_when_it_was_placed(self, bob: Member) -> None:
        place(order("1", "5000.00", member=bob, placed_at=day(-10)))

        late = place(order("2", "100.00", member=bob, placed_at=day(-10) - timedelta(seconds=1)))
        on_time = place(order("3", "100.00", member=bob, placed_at=day(-10)))

        assert (late.points, on_time.points) == (100, 120)

    def test_a_late_order_may_lift_at_the_order_after_it(self, bob: Member) -> None:
        place(order("1", "3000.00", member=bob, placed_at=day(-5)))

        place(order("2", "2500.00", member=bob, placed_at=day(-9)))

        assert tiers_of(bob) == [("silver", day(-5), 5500)]
        assert place(order("3", "100.00", member=bob, placed_at=day(-4))).points == 120
        assert place(order("4", "100.00", member=bob, placed_at=day(-6))).points == 100

    def test_jumps_two_tiers_in_one_step(self, bob: Member) -> None:
        place(order("1", "20000.00", member=bob))

        assert tiers_of(bob) == [("gold", NOON, 20000)]

    def test_only_status_of_the_last_12_months_counts(self, bob: Member) -> None:
        place(order("1", "4000.00", member=bob, placed_at=day(-400)))
        place(order("2", "4000.00", member=bob, placed_at=day(-20)))
        assert tiers_of(bob) == []

        place(order("3", "1000.00", member=bob, placed_at=day(-10)))

        assert tiers_of(bob) == [("silver", day(-10), 5000)]

    def test_an_old_purchase_counts_with_its_neighbours_of_then(self, bob: Member) -> None:
        place(order("1", "3000.00", member=bob, placed_at=day(-400)))

        place(order("2", "2000.00", member=bob, placed_at=day(-390)))

        assert tiers_of(bob) == [("silver", day(-390), 5000)]
        assert Member.objects.get(pk=bob.pk).tier.code == "silver"

    def test_what_was_taken_back_never_counted(self, bob: Member) -> None:
        status = wallet_of(bob, "status")
        place(order("1", "3000.00", member=bob, placed_at=day(-20)))
        post(reversal(status, 3000, "refund", of="default/1"))

        place(order("2", "3000.00", member=bob, placed_at=day(-10)))

        assert tiers_of(bob) == []

    def test_what_was_taken_back_after_it_had_lapsed_never_counted_either(
        self, bob: Member
    ) -> None:
        status = wallet_of(bob, "status")
        place(order("1", "3000.00", member=bob, placed_at=day(-400)))
        post(reversal(status, 3000, "refund", of="default/1"))

        place(order("2", "3000.00", member=bob, placed_at=day(-390)))

        assert tiers_of(bob) == []

    def test_walks_the_tiers_as_they_are_defined(self, bob: Member) -> None:
        Tier.objects.filter(code="silver").update(threshold=100, multiplier=Decimal("1.255"))

        place(order("1", "100.00", member=bob, placed_at=day(-1)))

        assert place(order("2", "100.00", member=bob)).points == 125


class TestQuote:
    def test_is_the_order_that_follows_and_writes_nothing(self, bob: Member) -> None:
        place(order("1", "5000.00", member=bob, placed_at=day(-1)))
        before = books()
        facts = order(
            "2", "33.33", "-1.00", "12.00", member=bob, points_paid_amount=Decimal("5.00")
        )

        quoted = ordering.quote(order=replace(facts, number=""), at=NOON).order

        assert not quoted.pk
        assert books() == before
        assert Order.objects.count() == 1
        made = place(facts)
        for name in (
            "points",
            "status_points",
            "amount",
            "explanation",
            "active_from",
            "expires_at",
        ):
            assert getattr(quoted, name) == getattr(made, name), name
        assert made.points == 48  # (45.33 − 5.00) × 1.2 = 48.396

    def test_shows_the_rules_with_what_was_seen(self, bob: Member) -> None:
        place(order("1", "5000.00", member=bob, placed_at=day(-1)))

        rules = ordering.quote(order=order("2", "10.00", member=bob), at=NOON).rules

        assert [(rule["rule"], rule["matched"]) for rule in rules] == [
            ("base", True),
            ("tier", True),
        ]
        assert rules[1]["conditions"][0]["seen"] == "1.2"
        json.dumps(rules)

    def test_refuses_what_the_order_would_be_refused_for(self, bob: Member) -> None:
        with pytest.raises(InvalidInput):
            ordering.quote(order=order("", "10.00", member=bob, store="nowhere"), at=NOON)
        with pytest.raises(NotFound):
            ordering.quote(order=order("", "10.00", member=None, member_external_id="x"), at=NOON)

    def test_of_a_passer_by_earns_nothing(self, db: None) -> None:
        quoted = ordering.quote(order=order("", "10.00", member=None), at=NOON)

        assert (quoted.order.points, quoted.order.amount) == (0, Decimal("10.00"))


class TestMeanwhile:
    def test_whoever_is_enrolled_after_the_locks_is_not_found_yet(
        self, bob: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        as_it_is = ledger.lock

        def lock(**arguments: Any) -> Any:
            held = as_it_is(**arguments)
            if not Member.objects.filter(external_id="late").exists():
                enrolment.enrol(
                    newcomer=enrolment.Newcomer(phone="+8613900000009", external_id="late"),
                    at=NOON,
                )
            return held

        monkeypatch.setattr(ledger, "lock", lock)

        placed = place_all(
            order("1", "10.00", member=None, member_external_id="late"),
            order("2", "10.00", member=bob),
        )

        assert problems(placed) == ["NotFound", ""]

    def test_a_member_closed_before_the_locks_is_refused(
        self, bob: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        as_it_is = ledger.lock

        def lock(**arguments: Any) -> Any:
            Member.objects.filter(pk=bob.pk).update(status="closed")
            return as_it_is(**arguments)

        monkeypatch.setattr(ledger, "lock", lock)

        assert problems(place_all(order("1", "10.00", member=bob))) == ["MemberClosed"]

    def test_spent_points_do_not_make_room_for_more_than_can_be_counted(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, MAX_POINTS, "much"), debit(wallet, MAX_POINTS, "out"))

        assert problems(place_all(order("1", "10.00", member=bob))) == ["InvalidInput"]
