"""The steps of an order, one by one, in batches and again."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import closing, merging, order_steps, ordering, queries
from loyalty.models import Entry, Order
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    day,
    examples,
    figures,
    order,
    program,
    sandbox,
    wallet_of,
)
from tests.loyalty.order_builders import (
    LATER,
    ROAD,
    advance,
    assert_waits,
    created,
    everything,
    place,
    refund,
    steps,
    stored,
)

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
