import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import closing, merging, order_steps, ordering, queries, refunds
from loyalty.errors import AlreadyReversed, OrderClosed
from loyalty.models import Entry, Lot, Order, OrderStep, Refund
from loyalty.order_facts import OrderFacts
from loyalty.refunds import Refunded, RefundFacts, RefundLine
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Store, Tier, TierChange
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    day,
    debit,
    entries,
    examples,
    figures,
    lot_of,
    order,
    post,
    program,
    sandbox,
    wallet_of,
)

ROAD = ("created", "paid", "shipped", "completed")
LATER = ("paid", "shipped", "completed")


def place(facts: OrderFacts, at: datetime = NOON) -> Order:
    placed = ordering.place(order=facts, at=at).order
    assert placed is not None
    return placed


def created(member: Member | None, *amounts: str, number: str = "1", **more: Any) -> Order:
    """An order of which nothing is paid yet."""
    return place(order(number, *(amounts or ("64.00",)), member=member, status="created", **more))


def advance(status: str, at: datetime | None = NOON, *, number: str = "1") -> Order:
    return order_steps.advance(
        source="default", number=number, status=status, at=at, now=max(at or NOON, NOON)
    )


def refund(
    reference: str, amount: str | None = None, *, at: datetime = NOON, **lines: str
) -> Refunded:
    facts = RefundFacts(
        reference=reference,
        at=at,
        amount=None if amount is None else Decimal(amount),
        lines=tuple(RefundLine(sku=sku, amount=Decimal(value)) for sku, value in lines.items())
        or None,
    )
    return refunds.refund(source="default", number="1", facts=facts, now=max(at, NOON))


def steps() -> list[tuple[str, datetime]]:
    return list(OrderStep.objects.order_by("id").values_list("status", "at"))


def stored() -> Order:
    return Order.objects.get(number="1")


def everything() -> dict[str, Any]:
    """The books, the orders, their steps and refunds."""
    return {
        **books(),
        "orders": list(Order.objects.order_by("id").values()),
        "steps": steps(),
        "refunds": list(Refund.objects.order_by("id").values()),
    }


def assert_waits(made: Order) -> None:
    """Nothing has been given for the order."""
    made = Order.objects.get(pk=made.pk)
    assert (made.points, made.status_points, made.explanation) == (0, 0, [])
    assert (made.awarded_at, made.active_from, made.expires_at) == (None, None, None)
    assert not Entry.objects.filter(reference=made.reference).exists()


# An order reported with some status and then others, doubled ones among them, in any order.
HISTORIES = [
    (first, *later)
    for first in ROAD
    for count in range(4)
    for later in itertools.permutations(LATER, count)
    if first in ("created", "paid") or count < 2
] + [
    ("created", "paid", "paid", "shipped", "paid", "completed", "completed", "shipped"),
    ("paid", "paid", "completed", "paid"),
]


class TestAwardOn:
    @pytest.mark.parametrize("award_on", LATER)
    def test_gives_the_points_at_the_first_status_that_has_come_so_far(
        self, bob: Member, award_on: str
    ) -> None:
        program(award_on=award_on)
        for history in HISTORIES:
            with sandbox():
                self.check(bob, history, ROAD.index(award_on))

    def check(self, member: Member, history: tuple[str, ...], needed: int) -> None:
        ranks = [ROAD.index(status) for status in history]
        moments = [day(-9), *(day(place) for place in range(1, len(history)))]
        place(order("1", "64.00", member=member, status=history[0], placed_at=moments[0]))
        for status, at in zip(history[1:], moments[1:], strict=True):
            advance(status, at)

        made = stored()
        assert made.status == ROAD[max(ranks)], history
        earned = [at for rank, at in zip(ranks, moments, strict=True) if rank >= needed]
        if earned:
            assert (made.points, made.awarded_at) == (64, earned[0]), history
            assert list(Entry.objects.values_list("points", "at")) == [(64, earned[0])] * 2
        else:
            assert_waits(made)
        first_of_each = dict(reversed(list(zip(history, moments, strict=True))))
        assert sorted(steps()) == sorted(first_of_each.items()), history
        if len(history) > 3:
            assert_clean()

    @pytest.mark.parametrize("award_on", LATER)
    @pytest.mark.parametrize("status", ROAD)
    def test_at_once_is_as_it_always_was(self, bob: Member, award_on: str, status: str) -> None:
        program(award_on=award_on, pending_days=3)
        made = place(order("1", "64.00", member=bob, status=status, placed_at=day(-1)))

        if ROAD.index(status) < ROAD.index(award_on):
            assert_waits(made)
        else:
            assert (made.points, made.awarded_at, made.active_from) == (64, day(-1), day(2))
            assert figures(wallet_of(bob)) == {"pending": 64, "earned": 64}
        assert steps() == [(status, day(-1))]

    def test_that_changes_gives_nothing_twice_and_nothing_by_itself(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        program(award_on="completed")
        place(order("2", "36.00", member=bob))
        program(award_on="paid")

        advance("paid", number="2")
        advance("completed")

        assert figures(wallet_of(bob)) == {"active": 64, "earned": 64}
        advance("shipped", number="2")
        assert figures(wallet_of(bob)) == {"active": 100, "earned": 100}


class TestLateAward:
    def test_is_judged_as_of_the_moment_the_order_was_placed(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "100.00", "20.40", member=bob, placed_at=day(-3)))
        place(order("0", "5000.00", member=bob, placed_at=day(-2), status="completed"))
        place(order("2", "100.00", member=bob, placed_at=day(-1)))

        # Silver (× 1.2) has been held since the second order.
        assert advance("completed", day(-1)).points == 120
        assert advance("completed", number="2").points == 120
        assert stored().explanation == [
            {"rule": "base", "kind": "base", "points": 120, "amount": "120.4", "rate": "1"}
        ]
        shares = stored().lines.order_by("position").values_list("share", flat=True)
        assert list(shares) == ["100", "20.4"]

    def test_lifts_the_tier_when_it_is_given(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "5000.00", member=bob, placed_at=day(-9)))

        advance("completed", day(-2))

        change = TierChange.objects.exclude(reason="enrolled").get()
        assert (change.tier.code, change.at, change.details["status_points"]) == (
            "silver",
            day(-2),
            5000,
        )
        assert Member.objects.get(pk=bob.pk).tier.code == "silver"

    def test_does_not_lift_the_tier_by_what_was_refunded_before(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "5000.00", member=bob, placed_at=day(-9)))
        refund("r1", "1.00", at=day(-3))

        advance("completed", day(-2))

        assert figures(wallet_of(bob, "status")) == {"active": 4999, "earned": 4999}
        assert not TierChange.objects.exclude(reason="enrolled").exists()

    def test_begins_and_lapses_from_the_moment_of_the_status(self, bob: Member) -> None:
        program(award_on="shipped", pending_days=7, expiry_months=1)
        created(bob, placed_at=day(-90))

        made = advance("shipped", day(-1))

        lot = lot_of(wallet_of(bob), "default/1")
        assert (made.awarded_at, made.active_from) == (day(-1), day(6))
        # 27 November + 1 month, at the end of the day in Shanghai
        assert made.expires_at is not None
        assert made.expires_at.isoformat() == "2026-12-27T16:00:00+00:00"
        assert (lot.active_from, lot.expires_at) == (made.active_from, made.expires_at)
        assert figures(wallet_of(bob)) == {"pending": 64, "earned": 64}
        status = lot_of(wallet_of(bob, "status"), "default/1")
        assert status.active_from == day(-1)

    @pytest.mark.parametrize(
        ("at", "expires_at"),
        [
            ("2026-11-20T15:59:59.999999+00:00", "2026-12-20T16:00:00+00:00"),
            ("2026-11-20T16:00:00+00:00", "2026-12-21T16:00:00+00:00"),
        ],
    )
    def test_counts_days_by_the_programs_midnight(
        self, bob: Member, at: str, expires_at: str
    ) -> None:
        program(award_on="completed", expiry_months=1)
        created(bob, placed_at=day(-9))

        made = advance("completed", datetime.fromisoformat(at))

        assert made.expires_at == datetime.fromisoformat(expires_at)

    def test_a_little_ahead_of_the_clock_is_given_now(self, bob: Member) -> None:
        created(bob)
        ahead = NOON + timedelta(minutes=4)

        made = order_steps.advance(source="default", number="1", status="paid", at=ahead, now=NOON)

        assert made.awarded_at == NOON
        assert figures(wallet_of(bob)) == {"active": 64, "earned": 64}
        assert steps() == [("created", NOON), ("paid", ahead)]

    def test_without_a_moment_happens_now(self, bob: Member) -> None:
        created(bob, placed_at=day(-2))

        assert advance("paid", None).awarded_at == NOON

    def test_says_what_for_and_where(self, bob: Member) -> None:
        store = Store.objects.create(code="jingan", name="静安寺店")
        created(bob, store="jingan", placed_at=day(-2))

        advance("paid", day(-1))

        for entry in Entry.objects.all():
            assert (entry.reference, entry.at, entry.store_id) == (
                "default/1",
                day(-1),
                store.pk,
            )
            assert entry.details == {
                "order": "1",
                "source": "default",
                "amount": "64.00",
                "store": "静安寺店",
            }

    def test_of_a_part_paid_with_points_leaves_that_part_out(self, bob: Member) -> None:
        created(bob, "10.00", "20.00", points_paid_amount=Decimal("10.00"))

        assert advance("paid").points == 20
        shares = stored().lines.order_by("position").values_list("share", flat=True)
        assert list(shares) == ["20/3", "40/3"]

    def test_of_nothing_makes_no_lot_and_no_entry(self, bob: Member) -> None:
        created(bob, "0.99")

        made = advance("paid")

        assert (made.points, made.awarded_at, made.active_from) == (0, NOON, None)
        assert Entry.objects.count() == Lot.objects.count() == 0

    def test_goes_on_for_a_frozen_member(self, bob: Member) -> None:
        created(bob)
        Member.objects.filter(pk=bob.pk).update(status="frozen")

        assert advance("paid").points == 64

    def test_gives_nothing_to_a_closed_member(self, bob: Member) -> None:
        created(bob)
        Member.objects.filter(pk=bob.pk).update(status="closed")

        made = advance("paid")

        assert made.status == "paid"
        assert_waits(made)

    def test_gives_nothing_for_a_passer_bys_order(self, db: None) -> None:
        created(None)

        made = advance("completed")

        assert made.status == "completed"
        assert_waits(made)


class TestRefundBeforeTheAward:
    def test_is_taken_off_when_the_points_are_given(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "10.50", "20.70", "5.00", member=bob, placed_at=day(-9)))  # 36.20 → 36

        first = refund("r1", B="20.70", at=day(-8))
        assert (first.refund.points_reversed, first.order.status) == (0, "partially_refunded")
        refund("r2", A="0.50", C="5.00", at=day(-7))
        made = advance("completed", day(-2))

        assert (made.points, made.points_reversed, made.status) == (36, 26, "partially_refunded")
        assert made.status_points_reversed == 26
        # As if the award had come first: 20.70 → 20, 26.20 → 26.
        taken = Refund.objects.order_by("id").values_list("points_reversed", flat=True)
        assert list(taken) == [20, 6]
        assert entries(wallet_of(bob)) == [
            ("earn", 36, 36),
            ("reverse", -20, 16),
            ("reverse", -6, 10),
        ]
        taken_at = Entry.objects.filter(kind="reverse").values_list("at", flat=True)
        assert set(taken_at) == {day(-2)}
        assert refund("r3", "10.00").refund.points_reversed == 10
        assert figures(wallet_of(bob)) == figures(wallet_of(bob, "status")) == {}
        assert_clean()

    def test_of_the_whole_order_leaves_nothing_to_be_given(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "64.00", member=bob))
        refund("r1", "64.00")
        before = everything()

        with pytest.raises(OrderClosed) as refusal:
            advance("completed")

        assert refusal.value.data == {"state": "refunded"}
        assert everything() == before

    def test_that_comes_again_says_what_it_took_in_the_end(self, bob: Member) -> None:
        program(award_on="completed")
        place(order("1", "64.00", member=bob))
        refund("r1", "32.00")
        advance("completed")

        again = refund("r1", "32.00")

        assert (again.is_new, again.refund.points_reversed) == (False, 32)
        assert figures(wallet_of(bob)) == {"active": 32, "earned": 32}

    @given(
        amounts=st.lists(st.integers(1, 9_999), min_size=1, max_size=4),
        paid=st.integers(0, 100),
        multiplier=st.sampled_from(["1", "1.2", "0.3333"]),
        parts=st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=5),
        award_after=st.integers(0, 5),
        ends=st.sampled_from(["", "refund", "cancel"]),
    )
    @examples(15)
    def test_gives_the_same_whenever_the_award_comes(
        self,
        bob: Member,
        amounts: list[int],
        paid: int,
        multiplier: str,
        parts: list[tuple[bool, int]],
        award_after: int,
        ends: str,
    ) -> None:
        outcomes = []
        for turn in (0, award_after):
            with sandbox():
                program(status_rate=Decimal("1.7"))
                Tier.objects.filter(code="base").update(multiplier=Decimal(multiplier))
                lines = [f"{Decimal(cents) / 100:.2f}" for cents in amounts]
                with_points = Decimal(sum(amounts) * paid // 100) / 100
                created(bob, *lines, points_paid_amount=with_points)
                outcomes.append(self.run(bob, parts, turn, ends))
        assert outcomes[0] == outcomes[1]

    def run(self, member: Member, parts: list[tuple[bool, int]], turn: int, ends: str) -> Any:
        """Refund some parts, with the award after so many of them; then perhaps the rest."""
        left = [line.amount for line in stored().lines.order_by("position")]
        for number, part in enumerate(parts):
            if number == turn:
                advance("paid")
            self.refund_some(f"r{number}", left, *part)
        if turn >= len(parts):
            advance("paid")
        if ends == "refund":
            refund("rest", f"{stored().amount - stored().refunded_amount}")
        elif ends == "cancel":
            advance("cancelled")
        assert_clean()
        made = stored()
        if ends:
            assert figures(wallet_of(member)) == figures(wallet_of(member, "status")) == {}
        return (
            figures(wallet_of(member)),
            figures(wallet_of(member, "status")),
            (made.points, made.points_reversed, made.status_points_reversed, made.status),
            list(Refund.objects.order_by("id").values_list("reference", "points_reversed")),
        )

    def refund_some(
        self, reference: str, left: list[Decimal], by_line: bool, percent: int
    ) -> None:
        """Give back a percentage of the first line or of all that is left, in whole cents."""
        whole = stored().amount - stored().refunded_amount
        part = left[0] if by_line else whole
        given = (part * percent / 100).quantize(Decimal("0.01"))
        if not 0 < given < whole:
            return
        if by_line:
            left[0] -= given
            refund(reference, A=f"{given}")
            return
        left[0] = Decimal(0)  # how much of the line is left is a fraction now
        refund(reference, f"{given}")


class TestCancelled:
    def test_takes_back_everything(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob, placed_at=day(-2)))

        made = advance("cancelled", day(-1))

        assert (made.status, made.points, made.points_reversed) == ("cancelled", 64, 64)
        assert (made.refunded_amount, made.status_points_reversed) == (Decimal("64.00"), 64)
        assert figures(wallet_of(bob)) == figures(wallet_of(bob, "status")) == {}
        entry = Entry.objects.get(wallet=wallet_of(bob), kind="reverse")
        assert (entry.reference, entry.at, entry.points) == ("default/1", day(-1), -64)
        assert entry.details == {
            "order": "1",
            "source": "default",
            "cancelled": True,
            "amount": "64.00",
        }
        part = {"rule": "cancelled", "kind": "refund", "points": -64, "target": 64, "before": 0}
        assert entry.explanation == [part]
        assert steps() == [("paid", day(-2)), ("cancelled", day(-1))]
        assert_clean()

    def test_after_refunds_takes_exactly_the_rest(self, bob: Member) -> None:
        place(order("1", "10.50", "20.70", "5.00", member=bob))  # 36
        refund("r1", B="20.70")  # 20

        assert order_steps.cancellation(order=stored()) == order_steps.Cancellation(16, 16, 0)
        advance("cancelled")

        assert entries(wallet_of(bob))[-2:] == [("reverse", -20, 16), ("reverse", -16, 0)]
        assert order_steps.cancellation(order=stored()) == order_steps.Cancellation(0, 0, 0)
        assert_clean()

    def test_after_the_points_were_spent_makes_debt(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        post(debit(wallet_of(bob), 60, "out"))

        advance("cancelled")

        assert figures(wallet_of(bob)) == {"debt": 60, "spent": 60}

    def test_before_the_award_leaves_nothing_to_be_given(self, bob: Member) -> None:
        created(bob)

        made = advance("cancelled")

        assert made.status == "cancelled"
        assert_waits(made)

    def test_again_changes_nothing(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        advance("cancelled")
        before = everything()

        assert advance("cancelled", day(1)).status == "cancelled"
        assert everything() == before

    @pytest.mark.parametrize("status", ["shipped", "completed"])
    def test_is_the_end_of_the_road(self, bob: Member, status: str) -> None:
        place(order("1", "64.00", member=bob))
        advance("cancelled")
        before = everything()

        with pytest.raises(OrderClosed) as refusal:
            advance(status, day(1))

        assert refusal.value.data == {"state": "cancelled"}
        assert everything() == before

    def test_lets_an_earlier_status_be_told_afterwards(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob, status="shipped"))
        advance("cancelled")
        before = books()

        assert advance("paid", day(-1)).status == "cancelled"
        assert books() == before
        assert steps()[-1] == ("paid", day(-1))

    def test_leaves_nothing_to_refund(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        advance("cancelled")

        with pytest.raises(AlreadyReversed) as refusal:
            refund("r1", "0.01")

        assert refusal.value.data == {"refundable": "0.00"}

    def test_after_a_full_refund_finds_nothing_to_do(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        refund("r1", "64.00")
        before = books()

        assert advance("cancelled").status == "refunded"
        assert books() == before
        assert steps() == [("paid", NOON), ("cancelled", NOON)]

    def test_as_first_report_earns_nothing(self, bob: Member) -> None:
        made = place(order("1", "64.00", member=bob, status="cancelled"))

        assert made.status == "cancelled"
        assert_waits(made)
        with pytest.raises(AlreadyReversed):
            refund("r1", "0.01")
        with pytest.raises(OrderClosed):
            advance("paid")
        assert advance("cancelled").status == "cancelled"

    def test_of_an_order_of_nothing(self, bob: Member) -> None:
        place(order("1", "0.00", member=bob))

        assert advance("cancelled").status == "cancelled"

    def test_of_a_passer_bys_order(self, db: None) -> None:
        place(order("1", "64.00", member=None))

        assert advance("cancelled").refunded_amount == Decimal("64.00")

    def test_does_not_mistake_another_orders_refund_for_it(self, bob: Member) -> None:
        place(order("1", "10.00", member=bob))
        place(order("1/r1", "20.00", member=bob))
        refund("r1", "10.00")

        advance("cancelled", number="1/r1")

        assert figures(wallet_of(bob)) == {}

    def test_goes_on_for_frozen_and_closed_members(self, bob: Member, mallory: Member) -> None:
        place(order("1", "64.00", member=bob))
        place(order("2", "64.00", member=mallory))
        Member.objects.filter(pk=bob.pk).update(status="frozen")
        Member.objects.filter(pk=mallory.pk).update(status="closed")

        advance("cancelled")
        advance("cancelled", number="2")

        assert figures(wallet_of(bob)) == figures(wallet_of(mallory)) == {}


class TestAfterAPartWasRefunded:
    def test_the_order_goes_on_and_shows_the_refund(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        refund("r1", "32.00")

        assert advance("shipped").status == "partially_refunded"
        assert advance("completed").status == "partially_refunded"
        assert steps() == [("paid", NOON), ("shipped", NOON), ("completed", NOON)]
        assert figures(wallet_of(bob)) == {"active": 32, "earned": 32}


STATUSES = st.sampled_from([*ROAD, "cancelled"])


class TestBatch:
    @given(
        award_on=st.sampled_from(LATER),
        plan=st.lists(
            st.tuples(STATUSES, st.integers(0, 2), st.integers(-9, 0)), min_size=1, max_size=8
        ),
    )
    @examples(15)
    def test_gives_what_the_orders_give_one_by_one(
        self, ada: Member, bob: Member, award_on: str, plan: list[tuple[str, int, int]]
    ) -> None:
        orders = [
            order(
                str(place),
                "3000.00",
                "10.50",
                member=(ada, bob, None)[who],
                status=status,
                placed_at=day(days),
            )
            for place, (status, who, days) in enumerate(plan)
        ]
        outcomes = []
        for batches in ([orders], [[each] for each in orders]):
            with sandbox():
                program(award_on=award_on)
                for batch in batches:
                    ordering.place_all(orders=batch, at=NOON)
                assert_clean()
                outcomes.append({**books(), "orders": told(), "steps": steps()})
        assert outcomes[0] == outcomes[1]


def told() -> list[dict[str, Any]]:
    """The orders without ids and moments of posting."""
    rows = [dict(row) for row in Order.objects.order_by("number").values()]
    return [
        {name: value for name, value in row.items() if name not in ("id", "created_at")}
        for row in rows
    ]


class TestMergedAndClosed:
    """Orders of members who are not there any more; everything goes on, on the books."""

    def test_a_merged_members_order_earns_and_returns_for_the_heir(
        self, bob: Member, ada: Member
    ) -> None:
        program(award_on="shipped")
        place(order("1", "10.50", "20.70", member=bob, status="shipped", placed_at=day(-3)))
        place(order("2", "50.00", member=bob, placed_at=day(-3)))
        merging.merge(source=bob.number, into=ada.number, by="owner", at=NOON)

        assert refund("r1", A="10.50").refund.status_points_reversed == 10
        assert advance("cancelled").points_reversed == 31
        assert advance("completed", number="2").points == 50

        assert figures(wallet_of(ada)) == {"active": 1050, "earned": 1050}
        assert figures(wallet_of(ada, "status")) == {"active": 50, "earned": 50}
        assert_clean()

    def test_the_same_report_of_a_merged_member_is_known(self, bob: Member, ada: Member) -> None:
        facts = order("1", "64.00", member=bob)
        place(facts)
        merging.merge(source=bob.number, into=ada.number, by="owner", at=NOON)

        assert not ordering.place(order=facts, at=NOON).is_new

    def test_a_closed_members_refund_makes_debt(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        closing.close(
            closing=closing.Closing(member=bob.number, forfeit=True), by="owner", at=NOON
        )

        done = refund("r1", "32.00")
        assert (done.refund.points_reversed, done.refund.debt_added) == (32, 32)
        assert advance("cancelled").points_reversed == 64

        assert figures(wallet_of(bob))["debt"] == 64
        with pytest.raises(MemberClosed):
            place(order("2", "64.00", member=bob))
        assert_clean()


class TestSameOrderAgain:
    @pytest.mark.parametrize("then", [("shipped",), ("shipped", "completed"), ("cancelled",)])
    def test_is_known_whatever_became_of_it(self, bob: Member, then: tuple[str, ...]) -> None:
        facts = order("1", "64.00", member=bob, status="created")
        place(facts)
        for status in then:
            advance(status)
        before = everything()

        again = ordering.place(order=facts, at=day(1))

        assert (again.is_new, again.order and again.order.status) == (False, then[-1])
        assert everything() == before

    @pytest.mark.parametrize("status", ["paid", "completed", "cancelled"])
    def test_with_another_status_is_refused(self, bob: Member, status: str) -> None:
        created(bob)

        with pytest.raises(ReferenceReused):
            place(order("1", "64.00", member=bob, status=status))


class TestRefusals:
    @pytest.mark.parametrize("status", ["created", "refunded", "partially_refunded", "lost", ""])
    def test_of_what_is_no_step(self, bob: Member, status: str) -> None:
        place(order("1", "64.00", member=bob))
        before = everything()

        with pytest.raises(InvalidInput) as refusal:
            advance(status)

        assert refusal.value.pointer == "/status"
        assert everything() == before

    def test_of_an_order_that_is_not_there(self, db: None) -> None:
        with pytest.raises(NotFound):
            advance("paid")


class TestPossible:
    @pytest.mark.parametrize(
        ("first", "then", "possible"),
        [
            ("created", [], ["paid", "shipped", "completed", "cancelled"]),
            ("paid", [], ["shipped", "completed", "cancelled"]),
            ("paid", ["completed"], ["cancelled"]),
            ("completed", ["paid"], ["cancelled"]),
            ("paid", ["cancelled"], []),
        ],
    )
    def test_steps_are_those_that_change_something(
        self, bob: Member, first: str, then: list[str], possible: list[str]
    ) -> None:
        made = place(order("1", "64.00", member=bob, status=first))
        for status in then:
            made = advance(status)

        assert order_steps.possible(order=made, steps=list(made.steps.all())) == possible


class TestAwaitingAward:
    def test_are_the_members_orders_that_will_still_earn(
        self, bob: Member, mallory: Member
    ) -> None:
        program(award_on="completed")
        for number, status in enumerate(["created", "paid", "completed", "cancelled"]):
            place(order(f"{number}", "64.00", member=bob, status=status))
        place(order("other", "64.00", member=mallory))

        waiting = queries.awaiting_award(member=bob)

        assert [each.number for each in waiting] == ["1", "0"]
