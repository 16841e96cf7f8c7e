"""One order: stored with what it earns, or refused."""

from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from loyalty import ledger, ordering, queries
from loyalty.ledger import MAX_POINTS
from loyalty.models import Entry, Lot, Order, OrderLine
from loyalty.ordering import Line, OrderFacts
from members import enrolment
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Store
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
    wallet_of,
)
from tests.loyalty.order_builders import place, place_all, problems


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
        said = {entry.details["paid_with_points"] for entry in Entry.objects.all()}
        assert said == {"10.00"}
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
