from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import earning, order_awards, stacking
from loyalty.earning import Base, Contribution, Facts, Multiplier
from loyalty.models import Program
from loyalty.order_facts import Line, OrderFacts
from loyalty.stacking import combine
from members.models import Tier
from tests.conftest import NOON
from tests.loyalty.builders import examples


def tier(multiplier: str = "1", name: str = "银卡") -> Tier:
    return Tier(code="silver", name=name, rank=1, threshold=5000, multiplier=Decimal(multiplier))


def facts(*amounts: str | Fraction, multiplier: str = "1", **settings: Any) -> Facts:
    return Facts(
        amounts=tuple(a if isinstance(a, Fraction) else Decimal(a) for a in amounts),
        tier=tier(multiplier),
        program=Program(**settings),
    )


def times(*factors: str) -> list[Contribution]:
    """What the base rule and order-wide rules with these factors contribute."""
    multipliers = [
        Multiplier(rule=f"rule-{factor}", kind="multiplier", title=factor, factor=Decimal(factor))
        for factor in factors
    ]
    return [Base(rule="base", rate=Decimal(1)), *multipliers]


def earned(*amounts: str, factors: tuple[str, ...] = (), **settings: Any) -> earning.Earned:
    return earning.combined(facts(*amounts, **settings), times(*factors))


class TestEvaluate:
    def test_gives_one_point_a_yuan_and_says_how(self) -> None:
        outcome = earning.evaluate(facts("64.00"))

        assert (outcome.points, outcome.status_points) == (64, 64)
        assert outcome.explanation == [
            {"rule": "base", "kind": "base", "points": 64, "amount": "64", "rate": "1"}
        ]
        assert outcome.shares == (Decimal(64),)

    def test_multiplies_by_the_tier_and_gives_status_without_it(self) -> None:
        outcome = earning.evaluate(facts("64.00", multiplier="1.2000"))

        assert (outcome.points, outcome.status_points) == (76, 64)
        assert outcome.explanation == [
            {"rule": "base", "kind": "base", "points": 64, "amount": "64", "rate": "1"},
            {"rule": "tier", "kind": "tier", "points": 12, "title": "银卡", "factor": "1.2"},
        ]

    @pytest.mark.parametrize(
        ("amount", "rounding", "points"),
        [
            ("9.99", "floor", 9),
            ("9.99", "half_up", 10),
            ("9.50", "half_up", 10),
            ("9.49", "half_up", 9),
            ("10.50", "half_up", 11),  # half up, not half to even
            ("0.99", "floor", 0),
            ("0.50", "half_up", 1),
            ("0.00", "half_up", 0),
        ],
    )
    def test_rounds_once_as_the_program_says(
        self, amount: str, rounding: str, points: int
    ) -> None:
        outcome = earning.evaluate(facts(amount, rounding=rounding))

        assert (outcome.points, outcome.status_points) == (points, points)

    def test_rounds_the_order_not_its_lines(self) -> None:
        assert earning.evaluate(facts("0.40", "0.40", "0.40")).points == 1
        assert earning.evaluate(facts("0.50", "0.50", rounding="half_up")).points == 1

    @pytest.mark.parametrize(
        ("stacking", "points"), [("multiply", 360), ("add", 270), ("best", 200)]
    )
    def test_combines_2_and_1_2_and_1_5_as_the_program_says(
        self, stacking: str, points: int
    ) -> None:
        outcome = earned("100", factors=("2", "1.2", "1.5"), stacking=stacking)

        assert outcome.points == points

    def test_is_exact_where_binary_floats_are_not(self) -> None:
        # Each of these loses a point in binary floats.
        pairs = [
            (int(100 * (1.2 * 1.5 * 2)), earned("100", factors=("1.2", "1.5", "2")).points),
            (int(0.29 * 100), earned("0.29", factors=("100",)).points),
            (int(1.15 * 100), earned("1.15", factors=("100",)).points),
            (int(4.35 * 100), earned("4.35", factors=("100",)).points),
        ]

        assert pairs == [(359, 360), (28, 29), (114, 115), (434, 435)]

    def test_explains_running_differences_of_the_floored_total(self) -> None:
        outcome = earned("33.33", factors=("1.2", "1.5"))

        # 33.33 → 33, × 1.2 = 39.996 → 39, × 1.5 = 59.994 → 59
        assert [part["points"] for part in outcome.explanation] == [33, 6, 20]
        assert outcome.points == 59

    def test_puts_the_rounding_into_the_last_part(self) -> None:
        outcome = earned("33.33", factors=("1.2",), rounding="half_up")

        # 39.996 rounds up to 40
        assert [part["points"] for part in outcome.explanation] == [33, 7]

    def test_takes_a_multiplier_of_0_seriously(self) -> None:
        outcome = earned("100", factors=("2", "0"))

        assert outcome.points == 0
        assert [part["points"] for part in outcome.explanation] == [100, 100, -200]
        assert outcome.shares == (Decimal(0),)
        assert outcome.status_points == 100

    def test_adds_no_less_than_nothing(self) -> None:
        assert earned("100", factors=("0.2", "0.1"), stacking="add").points == 0

    def test_uses_the_rates_of_the_program(self) -> None:
        outcome = earning.evaluate(
            facts("64.10", earn_rate=Decimal("0.5"), status_rate=Decimal("2.5"))
        )

        assert (outcome.points, outcome.status_points) == (32, 160)
        assert outcome.explanation[0]["rate"] == "0.5"

    def test_counts_sums_beyond_the_usual_28_digits(self) -> None:
        outcome = earning.evaluate(
            facts("99999999999999999.99", earn_rate=Decimal("123456.789123"), multiplier="1.0001")
        )

        exact = Fraction("99999999999999999.99") * Fraction("123456.789123") * Fraction("1.0001")
        assert outcome.points == exact // 1

    @given(
        cents=st.lists(st.integers(0, 10**7), min_size=1, max_size=6),
        factors=st.lists(st.integers(0, 50), max_size=4),
        stacking=st.sampled_from(["multiply", "add", "best"]),
        rounding=st.sampled_from(["floor", "half_up"]),
        rate=st.integers(0, 3000),
    )
    @examples(200)
    def test_always_adds_up(
        self, cents: list[int], factors: list[int], stacking: str, rounding: str, rate: int
    ) -> None:
        outcome = earning.combined(
            facts(*(str(Decimal(c) / 100) for c in cents), stacking=stacking, rounding=rounding),
            [Base(rule="base", rate=Decimal(rate) / 1000), *times(*map(_tenths, factors))[1:]],
        )

        assert sum(part["points"] for part in outcome.explanation) == outcome.points
        exact = sum(Fraction(share) for share in outcome.shares)
        combined = Fraction(combine([Decimal(f) / 10 for f in factors], stacking))
        assert exact == Fraction(sum(cents), 100) * Fraction(rate, 1000) * combined
        if rounding == "floor":
            assert outcome.points == exact // 1
        else:
            assert outcome.points == (exact + Fraction(1, 2)) // 1


def _tenths(factor: int) -> str:
    return str(Decimal(factor) / 10)


class TestCombine:
    def test_of_nothing_is_one(self) -> None:
        assert {stacking.combine([], each) for each in Program.Stacking.values} == {Decimal(1)}


class TestEarnable:
    def order(self, *amounts: str, paid: str = "0") -> OrderFacts:
        lines = tuple(Line(sku="A", amount=Decimal(amount)) for amount in amounts)
        return OrderFacts(
            number="1", placed_at=NOON, lines=lines, points_paid_amount=Decimal(paid)
        )

    def test_leaves_out_negative_lines_which_take_nothing_from_others(self) -> None:
        order = self.order("10.00", "-3.00", "0.00")

        assert order.amount == Decimal("10.00")
        assert order_awards.earnable(order, Program()) == (Decimal(10), Decimal(0), Decimal(0))

    def test_spreads_what_was_paid_with_points_exactly(self) -> None:
        order = self.order("10.00", "10.00", "10.00", paid="10.00")

        amounts = order_awards.earnable(order, Program())

        assert amounts == (Fraction(20, 3),) * 3
        outcome = earning.evaluate(facts(*amounts))
        assert (outcome.points, outcome.status_points) == (20, 20)
        assert outcome.shares == (Fraction(20, 3),) * 3
        assert outcome.explanation[0]["amount"] == "20"

    def test_rounds_fractions_like_decimals(self) -> None:
        thirds = (Fraction(1, 3), Fraction(1, 6))

        assert earning.evaluate(facts(*thirds)).points == 0
        assert earning.evaluate(facts(*thirds, rounding="half_up")).points == 1
        assert stacking.text(Fraction(1, 3)) == "1/3"

    def test_of_an_order_paid_whole_with_points_is_nothing(self) -> None:
        order = self.order("10.00", "5.00", paid="15.00")

        assert earning.evaluate(facts(*order_awards.earnable(order, Program()))).points == 0

    def test_is_everything_when_the_program_says_so(self) -> None:
        order = self.order("10.00", paid="10.00")

        assert order_awards.earnable(order, Program(earn_on_points_paid=True)) == (Decimal(10),)


class TestText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (Decimal("1.2000"), "1.2"),
            (Decimal("100"), "100"),
            (Decimal("1E+3"), "1000"),
            (Decimal("0.000001"), "0.000001"),
            (Decimal("-0.00"), "-0"),
            (Fraction(359, 3), "359/3"),
            (Fraction(20), "20"),
        ],
    )
    def test_is_short_and_exact(self, value: Decimal | Fraction, text: str) -> None:
        assert stacking.text(value) == text
