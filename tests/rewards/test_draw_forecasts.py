from decimal import Decimal
from fractions import Fraction

import pytest

from rewards.draw_forecasts import Stake, course, expected_pieces, forecast


def stake(weight: int, stock: int | None, cost: str) -> Stake:
    return Stake(name="A", weight=weight, stock=stock, cost=Decimal(cost))


CAR, SWEET, NOTHING = stake(1, 1, "100"), stake(2, None, "0.50"), stake(1, None, "0")


class TestForecast:
    def test_of_one_go_is_the_sum_of_odds_times_cost(self):
        found = forecast(stakes=[CAR, SWEET, NOTHING], goes=1)
        assert (found.per_go, found.expected, found.dearest) == (
            Decimal("25.25"),
            Decimal("25.25"),
            Decimal("100.00"),
        )

    def test_stops_counting_what_is_gone(self):
        # The car is expected to go in 4 goes, with 2 sweets; the 6 goes after it win 4 sweets.
        found = forecast(stakes=[CAR, SWEET, NOTHING], goes=10)
        assert [each.pieces for each in found.shares] == [1, 6, 3]
        assert found.expected == Decimal("103.00")
        assert found.dearest == Decimal("104.50")
        assert (found.all_gone, found.endless) == (Decimal(100), Decimal("0.50"))

    def test_is_over_when_all_is_gone(self):
        found = forecast(stakes=[stake(1, 2, "3"), stake(1, 1, "5")], goes=100)
        assert (found.expected, found.dearest, found.all_gone) == (Decimal(11),) * 3

    @pytest.mark.parametrize("goes", [1, 7, 1_000, 10**9])
    def test_of_nothing_is_nothing(self, goes: int):
        found = forecast(stakes=[NOTHING], goes=goes)
        assert found.expected == found.dearest == 0
        assert forecast(stakes=[], goes=goes).expected == 0


class TestExpectedPieces:
    def test_are_exact(self):
        found = expected_pieces(stakes=[stake(1, None, "1"), stake(2, None, "1")], goes=10)
        assert found == [Fraction(10, 3), Fraction(20, 3)]


class TestCourse:
    def test_has_ten_points_and_flattens(self):
        found = course(stakes=[CAR, NOTHING], goes=10)
        assert [goes for goes, _cost in found] == list(range(1, 11))
        assert [int(cost) for _goes, cost in found] == [50, *[100] * 9]
        assert [goes for goes, _cost in course(stakes=[CAR], goes=3)] == [1, 2, 3]
