from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.errors import AlreadyReversed
from loyalty.models import Entry, Order, Refund
from loyalty.order_facts import Line
from loyalty.refunds import Refunded
from members.errors import InvalidInput, NotFound, ReferenceReused
from members.models import Member, Tier
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
    open_lots,
    order,
    post,
    program,
    sandbox,
    wallet_of,
)
from tests.loyalty.order_builders import place, refund


def taken(*refunded: Refunded) -> list[tuple[int, int]]:
    return [(each.refund.points_reversed, each.refund.status_points_reversed) for each in refunded]


class TestRefund:
    def test_of_the_whole_order_takes_all_its_points_back(self, bob: Member) -> None:
        place(order("1", "33.33", "11.11", member=bob))

        done = refund("r1", "44.44")

        assert taken(done) == [(44, 44)]
        assert (done.is_new, done.refund.debt_added) == (True, 0)
        assert (done.order.status, done.order.refunded_amount) == ("refunded", Decimal("44.44"))
        assert (done.order.points, done.order.points_reversed) == (44, 44)
        assert figures(wallet_of(bob)) == figures(wallet_of(bob, "status")) == {}
        assert entries(wallet_of(bob)) == [("earn", 44, 44), ("reverse", -44, 0)]
        assert_clean()

    def test_of_a_part_floors_and_the_last_takes_what_is_left(self, bob: Member) -> None:
        place(
            order("1", "10.00", "10.00", "10.00", member=bob, points_paid_amount=Decimal("0.10"))
        )

        # 29.90 earn 29; each line's share is 9.9666…
        parts = [refund(f"r{number}", "10.00") for number in range(3)]

        assert taken(*parts) == [(9, 9), (10, 10), (10, 10)]
        assert [each.order.status for each in parts] == [
            "partially_refunded",
            "partially_refunded",
            "refunded",
        ]
        assert figures(wallet_of(bob)) == {}
        assert_clean()

    def test_by_lines_takes_their_shares(self, bob: Member) -> None:
        place(order("1", "10.50", "20.70", "5.00", member=bob))  # 36.20 → 36

        by_line = [refund("r1", B="20.70"), refund("r2", A="0.50", C="5.00"), refund("r3", A="10")]

        # 20.70 → 20, 26.20 → 26, all → 36
        assert taken(*by_line) == [(20, 20), (6, 6), (10, 10)]

    def test_by_amount_spreads_over_what_is_left_of_each_line(self, bob: Member) -> None:
        place(order("1", "60.00", "40.00", member=bob))

        done = [refund("r1", A="30.00"), refund("r2", "35.00"), refund("r3", B="20.00")]

        # After r1 30 + 40 are left; r2 halves both to 15 + 20.
        assert taken(*done) == [(30, 30), (35, 35), (20, 20)]
        with pytest.raises(AlreadyReversed) as refusal:
            refund("r4", B="0.01")
        assert refusal.value.data == {"refundable": "0.00"}
        assert taken(refund("r5", A="15.00")) == [(15, 15)]

    def test_takes_points_at_the_tier_they_were_earned_at(self, bob: Member) -> None:
        place(order("0", "5000.00", member=bob, placed_at=day(-2)))
        made = place(order("1", "33.33", "66.67", member=bob, placed_at=day(-1)))
        assert (made.points, made.status_points) == (120, 100)

        # 33.33 × 1.2 = 39.996
        assert taken(refund("r1", A="33.33"), refund("r2", B="66.67")) == [(39, 33), (81, 67)]

    def test_takes_what_was_really_given_after_rates_have_changed(self, bob: Member) -> None:
        program(earn_rate=Decimal("0.5"), status_rate=Decimal("3"))
        place(order("1", "50.00", "51.00", member=bob))  # 50.5 → 50, 303
        program(earn_rate=Decimal(7), status_rate=Decimal(9), rounding="half_up")
        Tier.objects.filter(code="base").update(multiplier=Decimal(5))

        assert taken(refund("r1", A="50.00"), refund("r2", B="51.00")) == [(25, 150), (25, 153)]
        assert figures(wallet_of(bob)) == figures(wallet_of(bob, "status")) == {}

    def test_floors_the_target_though_the_program_rounds_half_up(self, bob: Member) -> None:
        program(rounding="half_up")
        place(order("1", "10.60", "10.60", member=bob))  # 21.2 → 21

        assert taken(refund("r1", A="10.60"), refund("r2", B="10.60")) == [(10, 10), (11, 11)]

    def test_takes_status_points_where_no_points_were_earned(self, bob: Member) -> None:
        program(earn_rate=Decimal(0))
        place(order("1", "10.00", member=bob))

        assert taken(refund("r1", "5.00")) == [(0, 5)]
        assert figures(wallet_of(bob)) == {}

    def test_of_an_order_of_0_points_takes_none(self, bob: Member) -> None:
        place(order("1", "0.50", "0.40", member=bob))

        done = refund("r1", A="0.50")

        assert taken(done) == [(0, 0)]
        assert done.order.refunded_amount == Decimal("0.50")
        assert Entry.objects.count() == 0

    def test_of_a_passer_bys_order_takes_none(self, db: None) -> None:
        place(order("1", "64.00", member=None))

        done = refund("r1", "64.00")

        assert (taken(done), done.order.status) == ([(0, 0)], "refunded")
        assert Entry.objects.count() == 0

    def test_of_an_order_paid_whole_with_points_takes_none(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob, points_paid_amount=Decimal("64.00")))

        assert taken(refund("r1", "64.00")) == [(0, 0)]

    def test_after_the_points_were_spent_makes_debt(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        post(debit(wallet_of(bob), 60, "out"))

        done = refund("r1", "64.00")

        assert (taken(done), done.refund.debt_added) == ([(64, 64)], 60)
        assert figures(wallet_of(bob)) == {"debt": 60, "spent": 60}
        assert_clean()

    def test_clamped_takes_what_is_there(self, bob: Member) -> None:
        program(reversal="clamp")
        place(order("1", "64.00", member=bob))
        post(debit(wallet_of(bob), 60, "out"))

        first, second = refund("r1", "32.00"), refund("r2", "32.00")

        assert taken(first, second) == [(4, 32), (0, 32)]
        assert (first.refund.debt_added, second.order.points_reversed) == (0, 64)
        assert figures(wallet_of(bob)) == {"earned": 60, "spent": 60}
        assert_clean()

    def test_after_the_points_expired_takes_only_what_did_not(self, bob: Member) -> None:
        program(expiry_months=1, status_expiry_months=1)
        place(order("1", "64.00", member=bob))
        post(debit(wallet_of(bob), 10, "out"))

        done = refund("r1", "64.00", at=day(60))

        # 54 lapsed: nothing to take of them; the 10 spent are owed. All status lapsed.
        assert (taken(done), done.refund.debt_added) == ([(10, 0)], 10)
        assert figures(wallet_of(bob)) == {"debt": 10, "earned": 54, "spent": 10, "expired": 54}
        assert figures(wallet_of(bob, "status")) == {"earned": 64, "expired": 64}
        assert_clean()

    def test_takes_pending_points_before_they_are_active(self, bob: Member) -> None:
        program(pending_days=7)
        place(order("1", "64.00", member=bob))
        place(order("2", "10.00", member=bob))

        assert taken(refund("r1", "32.00")) == [(32, 32)]
        assert figures(wallet_of(bob)) == {"pending": 42, "earned": 42}

    def test_leaves_the_orders_of_others_alone(self, bob: Member, ada: Member) -> None:
        place(order("1", "64.00", member=bob))

        refund("r1", "64.00")

        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}

    def test_writes_entries_that_say_what_for(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))

        refund("r1", "32.00", at=day(-1))

        entry = Entry.objects.get(wallet=wallet_of(bob), kind="reverse")
        assert (entry.reference, entry.at) == ("default/1/r1", day(-1))
        assert entry.details == {
            "order": "1",
            "source": "default",
            "refund": "r1",
            "amount": "32.00",
        }
        part = {"rule": "refund", "kind": "refund", "points": -32, "target": 32, "before": 0}
        assert entry.explanation == [part]

    def test_without_a_moment_happens_now(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))

        assert refund("r1", "32.00", at=None).refund.at == NOON
        assert not refund("r1", "32.00", at=None).is_new

    def test_accepts_a_line_of_0_00_beside_others(self, bob: Member) -> None:
        place(order("1", "10.00", "0.00", member=bob))

        assert taken(refund("r1", A="10.00", B="0.00")) == [(10, 10)]

    def test_takes_lines_with_one_sku_together(self, bob: Member) -> None:
        lines = tuple(Line(sku="A", amount=Decimal("10.50")) for _ in range(2))
        place(order("1", member=bob, lines=lines))

        assert taken(refund("r1", A="15.00")) == [(15, 15)]
        with pytest.raises(AlreadyReversed) as refusal:
            refund("r2", A="6.01")
        assert refusal.value.data == {"refundable": "6.00"}
        assert taken(refund("r3", A="6.00")) == [(6, 6)]

    def test_does_not_mistake_a_slash_in_a_number_for_the_one_before_the_refund(
        self, bob: Member
    ) -> None:
        place(order("1", "10.00", member=bob))
        place(order("1/2", "10.00", member=bob))

        done = [refund("2/3", "10.00"), refund("3", "10.00", number="1/2")]

        assert taken(*done) == [(10, 10), (10, 10)]
        assert figures(wallet_of(bob)) == {}


class TestSameRefundAgain:
    def test_takes_nothing_more_and_answers_the_same(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        first = refund("r1", A="32.00")
        before = books()

        again = refund("r1", A="32.0")

        assert (again.refund, again.is_new) == (first.refund, False)
        assert taken(again) == [(32, 32)]
        assert books() == before
        assert Refund.objects.count() == 1

    def test_that_took_nothing_takes_nothing_later_either(self, bob: Member) -> None:
        program(reversal="clamp")
        place(order("1", "64.00", member=bob))
        post(debit(wallet_of(bob), 64, "out"))
        refund("r1", "64.00")
        place(order("2", "100.00", member=bob))

        assert taken(refund("r1", "64.00")) == [(0, 64)]
        assert figures(wallet_of(bob))["active"] == 100

    @pytest.mark.parametrize(
        "other",
        [
            {"amount": "32.00"},
            {"A": "31.00"},
            {"A": "32.00", "at": day(-1)},
            {"A": "16.00", "B": "16.00"},
        ],
    )
    def test_with_other_content_is_refused(self, bob: Member, other: dict[str, Any]) -> None:
        place(order("1", "64.00", "16.00", member=bob))
        refund("r1", A="32.00")
        before = books()

        with pytest.raises(ReferenceReused) as refusal:
            refund("r1", **other)

        assert refusal.value.data == {"reference": "r1"}
        assert books() == before

    def test_of_another_order_is_another_refund(self, bob: Member) -> None:
        place(order("1", "64.00", member=bob))
        place(order("2", "64.00", member=bob))

        assert taken(refund("r1", "64.00"), refund("r1", "64.00", number="2")) == [(64, 64)] * 2


class TestRefusals:
    @pytest.fixture
    def placed(self, bob: Member) -> Order:
        return place(order("1", "60.00", "40.00", "0.00", "-7.00", member=bob))

    @pytest.mark.parametrize(
        ("said", "refundable"),
        [
            ({"amount": "100.01"}, "100.00"),
            ({"A": "60.01"}, "60.00"),
            ({"C": "0.01"}, "0.00"),
            ({"D": "0.01"}, "0.00"),
            ({"A": "60.00", "B": "40.01"}, "100.00"),
        ],
    )
    def test_more_than_is_left(self, placed: Order, said: dict[str, str], refundable: str) -> None:
        before = books()

        with pytest.raises(AlreadyReversed) as refusal:
            refund("r1", **said)

        assert refusal.value.data == {"refundable": refundable}
        assert refundable in str(refusal.value)
        self.assert_nothing_written(before)

    def test_more_than_is_left_after_an_earlier_refund(self, placed: Order) -> None:
        refund("r1", "99.99")

        with pytest.raises(AlreadyReversed) as refusal:
            refund("r2", "0.02")

        assert refusal.value.data == {"refundable": "0.01"}

    def test_an_unknown_sku(self, placed: Order) -> None:
        before = books()

        with pytest.raises(InvalidInput) as refusal:
            refund("r1", A="1.00", X="1.00")

        assert (refusal.value.pointer, refusal.value.code) == ("/lines/1/sku", "unknown_sku")
        self.assert_nothing_written(before)

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"amount": "0.00"}, "/amount"),
            ({"amount": "-1.00"}, "/amount"),
            ({}, "/amount"),
            ({"A": "0.00"}, "/lines"),
            ({"A": "5.00", "B": "-1.00"}, "/lines/1/amount"),
        ],
    )
    def test_nothing_given_back(self, placed: Order, said: dict[str, str], pointer: str) -> None:
        before = books()

        with pytest.raises(InvalidInput) as refusal:
            refund("r1", **said)

        assert refusal.value.pointer == pointer
        self.assert_nothing_written(before)

    def test_an_order_that_is_not_there(self, placed: Order) -> None:
        with pytest.raises(NotFound):
            refund("r1", "1.00", number="2")

    def assert_nothing_written(self, before: dict[str, Any]) -> None:
        assert books() == before
        assert Refund.objects.count() == 0
        kept = Order.objects.get()
        assert (kept.status, kept.points_reversed) == ("paid", 0)
        assert kept.refunded_amount == 0


CENTS = st.integers(1, 9_999)
SPLITS = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 100)), max_size=6)


class TestAnySplit:
    @given(
        amounts=st.lists(CENTS, min_size=1, max_size=5),
        paid=st.integers(0, 100),
        multiplier=st.sampled_from(["1", "1.2", "1.5", "0.3333"]),
        rounding=st.sampled_from(["floor", "half_up"]),
        rate=st.sampled_from(["1", "0.37", "12.5"]),
        splits=SPLITS,
    )
    @examples(20)
    def test_sums_exactly_to_the_award(
        self,
        bob: Member,
        amounts: list[int],
        paid: int,
        multiplier: str,
        rounding: str,
        rate: str,
        splits: list[tuple[bool, int, int]],
    ) -> None:
        with sandbox():
            program(rounding=rounding, earn_rate=Decimal(rate), status_rate=Decimal("1.7"))
            Tier.objects.filter(code="base").update(multiplier=Decimal(multiplier))
            lines = [f"{Decimal(cents) / 100:.2f}" for cents in amounts]
            with_points = Decimal(sum(amounts) * paid // 100) / 100
            made = place(order("1", *lines, member=bob, points_paid_amount=with_points))
            left = [Fraction(cents) for cents in amounts]
            sums = [0, 0]
            for number, split in enumerate(splits):
                done = self.refund_some(f"r{number}", left, *split)
                if done is not None:
                    self.check(done, sums, left, amounts)
            rest = sum(left)
            if rest:
                done = refund("rest", f"{Decimal(int(rest)) / 100:.2f}")
                sums[0] += done.refund.points_reversed
                sums[1] += done.refund.status_points_reversed
            assert sums == [made.points, made.status_points]
            assert figures(wallet_of(bob)) == figures(wallet_of(bob, "status")) == {}
            assert_clean()

    def refund_some(
        self, reference: str, left: list[Fraction], by_line: bool, pick: int, percent: int
    ) -> Refunded | None:
        """Give a percentage of a line or of all back, in whole cents; keeps count in `left`."""
        index = pick % len(left)
        cents = int((left[index] if by_line else sum(left)) * percent / 100)
        if not cents:
            return None
        money = f"{Decimal(cents) / 100:.2f}"
        if by_line:
            left[index] -= cents
            return refund(reference, **{chr(ord("A") + index): money})
        share = 1 - Fraction(cents) / sum(left)
        left[:] = [each * share for each in left]
        return refund(reference, money)

    def check(
        self, done: Refunded, sums: list[int], left: list[Fraction], amounts: list[int]
    ) -> None:
        """After each refund what was taken is the floor of the shares refunded so far."""
        sums[0] += done.refund.points_reversed
        sums[1] += done.refund.status_points_reversed
        made = done.order
        if not any(left):
            assert sums == [made.points, made.status_points]
            return
        shares = [Fraction(line.share) for line in made.lines.order_by("position")]
        target = sum(
            share * (1 - rest / cents)
            for share, rest, cents in zip(shares, left, amounts, strict=True)
        )
        assert sums[0] == target // 1


class TestLot:
    def test_of_the_earn_pays_its_own_refund_though_another_expires_sooner(
        self, bob: Member
    ) -> None:
        place(order("1", "64.00", member=bob))
        place(order("2", "64.00", member=bob, placed_at=day(-300)))

        refund("r1", "64.00")

        assert open_lots(wallet_of(bob)) == {"default/2": 64}
        assert lot_of(wallet_of(bob), "default/1").remaining == 0
