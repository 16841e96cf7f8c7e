import math
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.errors import InvalidInput
from rewards import floating
from rewards.floating import Facts

STOCK = {"type": "stock", "at_most": "0.1", "factor": "1.5"}
SEASON = {"type": "season", "from": "11-01", "to": "02-28", "factor": "0.8"}
DEMAND = {"type": "demand", "above": "2", "factor": "1.2"}


def facts(**said: Any) -> Facts:
    usual: dict[str, Any] = {
        "left": 8,
        "start": 100,
        "day": date(2026, 11, 21),
        "lately": 11,
        "before": 20,
    }
    return Facts(**(usual | said))


def price(pricing: dict[str, Any], *, base: int = 10_000, **said: Any) -> int:
    checked = floating.check(pricing, "/pricing")
    steps = floating.steps_of(pricing=checked, base=base, facts=facts(**said))
    return int(steps[-1]["points"]) if steps else base


class TestStepsOf:
    def test_is_the_worked_example_of_the_presets(self) -> None:
        pricing = {"floor": "0.5", "ceiling": "2", "step": 100, "rules": [STOCK, SEASON, DEMAND]}
        steps = floating.steps_of(pricing=pricing, base=10_000, facts=facts())
        assert [(step["kind"], step["points"]) for step in steps] == [
            ("stock", 15_000),
            ("season", 12_000),
            ("demand", 14_400),
        ]
        assert steps[0] == {
            "kind": "stock",
            "at_most": "0.1",
            "factor": "1.5",
            "left": 8,
            "start": 100,
            "points": 15_000,
        }

    def test_an_award_seat_in_season_with_eight_percent_left(self) -> None:
        pricing = {"floor": "0.5", "ceiling": "2", "rules": [STOCK, SEASON]}
        assert price(pricing, day=date(2026, 7, 1)) == 15_000

    @pytest.mark.parametrize(
        ("left", "start", "expected"),
        [
            (10, 100, 15_000),
            (11, 100, 10_000),
            (0, 100, 15_000),
            (1, 9, 10_000),  # 0.111…
            (1, 10, 15_000),
            (None, 100, 10_000),
            (5, None, 10_000),
            (0, 0, 10_000),
        ],
    )
    def test_stock_is_a_share_of_the_start(
        self, left: int | None, start: int | None, expected: int
    ) -> None:
        assert price({"rules": [STOCK]}, left=left, start=start) == expected

    @pytest.mark.parametrize(
        ("first", "last", "day", "holds"),
        [
            ("11-01", "02-28", (2026, 10, 31), False),
            ("11-01", "02-28", (2026, 11, 1), True),
            ("11-01", "02-28", (2026, 12, 31), True),
            ("11-01", "02-28", (2027, 1, 1), True),
            ("11-01", "02-28", (2027, 2, 28), True),
            ("11-01", "02-28", (2028, 2, 29), False),
            ("11-01", "02-28", (2027, 3, 1), False),
            ("11-01", "02-29", (2028, 2, 29), True),
            ("11-01", "02-29", (2027, 2, 28), True),
            ("11-01", "02-29", (2027, 3, 1), False),
            ("02-29", "03-31", (2027, 2, 28), False),
            ("02-29", "03-31", (2027, 3, 1), True),
            ("02-29", "03-31", (2028, 2, 29), True),
            ("06-01", "08-31", (2026, 5, 31), False),
            ("06-01", "08-31", (2026, 8, 31), True),
            ("06-01", "08-31", (2026, 9, 1), False),
            ("12-24", "12-24", (2026, 12, 24), True),
            ("12-24", "12-24", (2026, 12, 25), False),
            ("03-02", "03-01", (2026, 7, 1), True),  # all the year round
        ],
    )
    def test_a_season_is_days_of_any_year(
        self, first: str, last: str, day: tuple[int, int, int], holds: bool
    ) -> None:
        rule = {"type": "season", "from": first, "to": last, "factor": "0.8"}
        assert price({"rules": [rule]}, day=date(*day)) == (8_000 if holds else 10_000)

    @pytest.mark.parametrize(
        ("lately", "before", "expected"),
        [(10, 20, 10_000), (11, 20, 12_000), (1, 0, 10_000), (0, 20, 10_000), (1, 1, 12_000)],
    )
    def test_demand_is_above_so_many_usual_weeks(
        self, lately: int, before: int, expected: int
    ) -> None:
        assert price({"rules": [DEMAND]}, lately=lately, before=before) == expected

    @pytest.mark.parametrize(
        ("factor", "expected", "kind"),
        [("3", 20_000, "ceiling"), ("2", 20_000, "stock"), ("0.4", 5_000, "floor")],
    )
    def test_keeps_within_floor_and_ceiling_of_the_base(
        self, factor: str, expected: int, kind: str
    ) -> None:
        pricing = {"floor": "0.5", "ceiling": "2", "rules": [STOCK | {"factor": factor}]}
        steps = floating.steps_of(pricing=pricing, base=10_000, facts=facts())
        assert (steps[-1]["points"], steps[-1]["kind"]) == (expected, kind)

    @pytest.mark.parametrize(
        ("base", "step", "expected"), [(100, 1, 113), (100, 10, 120), (80, 10, 90), (1, 1, 2)]
    )
    def test_rounds_up_to_the_step(self, base: int, step: int, expected: int) -> None:
        assert price({"step": step, "rules": [STOCK | {"factor": "1.125"}]}, base=base) == expected

    def test_rounds_up_when_no_rule_holds_too(self) -> None:
        assert price({"step": 100, "rules": [STOCK]}, base=9_901, left=100) == 10_000

    def test_is_never_more_than_can_be_stored_nor_nothing(self) -> None:
        largest = 2**63 - 1
        assert price({"rules": [STOCK]}, base=largest) == largest
        assert price({"rules": [STOCK | {"factor": "0.0001"}]}, base=1) == 1

    def test_is_exact_for_the_largest_figures(self) -> None:
        rules = [STOCK | {"factor": "1.0001"}] * 10 + [STOCK | {"factor": "0.9999"}] * 10
        base = 2**62 + 12_345
        exact = base * Fraction(10_001, 10_000) ** 10 * Fraction(9_999, 10_000) ** 10
        assert price({"rules": rules}, base=base) == math.ceil(exact)


factors = st.integers(1, 40_000).map(lambda parts: f"{parts / 10_000:.4f}")
rules = st.one_of(
    st.builds(lambda f: STOCK | {"factor": f}, factors),
    st.builds(lambda f: SEASON | {"factor": f}, factors),
    st.builds(lambda f: DEMAND | {"factor": f}, factors),
)


class TestLaw:
    @given(
        base=st.integers(1, 10**12),
        said=st.lists(rules, min_size=1, max_size=6),
        floor=st.sampled_from([None, "0", "0.5", "0.3333", "1"]),
        ceiling=st.sampled_from([None, "1", "1.7", "2"]),
        step=st.integers(1, 1_000),
        left=st.integers(0, 30),
        lately=st.integers(0, 30),
        before=st.integers(0, 30),
        day=st.dates(date(2024, 1, 1), date(2029, 1, 1)),
    )
    def test_is_the_product_within_bounds_rounded_up(
        self,
        base: int,
        said: list[dict[str, str]],
        floor: str | None,
        ceiling: str | None,
        step: int,
        left: int,
        lately: int,
        before: int,
        day: date,
    ) -> None:
        product = Fraction(base)
        for rule in said:
            holds = {
                "stock": left * 10 <= 100,
                "season": day.month >= 11 or day.month == 1 or (day.month == 2 and day.day < 29),
                "demand": before > 0 and lately / (before / 4) > 2,
            }[rule["type"]]
            product *= Fraction(rule["factor"]) if holds else 1
        product = max(product, base * Fraction(floor)) if floor else product
        product = min(product, base * Fraction(ceiling)) if ceiling else product
        expected = math.ceil(product / step) * step
        pricing = {"floor": floor, "ceiling": ceiling, "step": step, "rules": said}
        seen = {"left": left, "lately": lately, "before": before, "day": day}
        assert price(pricing, base=base, **seen) == expected


class TestCheck:
    @pytest.mark.parametrize("value", [None, {}])
    def test_nothing_does_not_float(self, value: object) -> None:
        assert floating.check(value, "/pricing") == {}

    def test_keeps_decimals_without_needless_zeros(self) -> None:
        rule = {"factor": "1.50", "type": "stock", "at_most": "0.10"}
        checked = floating.check({"floor": None, "ceiling": "2.0", "rules": [rule]}, "/pricing")
        assert checked == {"ceiling": "2", "rules": [STOCK]}

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ([], "", "invalid"),
            ({"step": 10}, "/rules", "required"),
            ({"rules": []}, "/rules", "invalid"),
            ({"rules": [STOCK] * 21}, "/rules", "max_length"),
            ({"rules": ["stock"]}, "/rules/0", "invalid"),
            ({"rules": [{"factor": "1"}]}, "/rules/0/type", "required"),
            ({"rules": [{"type": "moon", "factor": "1"}]}, "/rules/0/type", "invalid_choice"),
            ({"rules": [{"type": "stock", "factor": "1"}]}, "/rules/0/at_most", "required"),
            ({"rules": [STOCK, STOCK | {"at_most": "1.1"}]}, "/rules/1/at_most", "max_value"),
            ({"rules": [STOCK | {"at_most": 0.1}]}, "/rules/0/at_most", "invalid"),
            ({"rules": [STOCK | {"factor": "0"}]}, "/rules/0/factor", "min_value"),
            ({"rules": [STOCK | {"factor": "-1"}]}, "/rules/0/factor", "min_value"),
            ({"rules": [STOCK | {"factor": "100.1"}]}, "/rules/0/factor", "max_value"),
            (
                {"rules": [STOCK | {"factor": "1.00001"}]},
                "/rules/0/factor",
                "max_decimal_places",
            ),
            ({"rules": [STOCK | {"above": "2"}]}, "/rules/0/above", "unknown_field"),
            ({"rules": [SEASON | {"from": "02-30"}]}, "/rules/0/from", "invalid"),
            ({"rules": [SEASON | {"to": "2-28"}]}, "/rules/0/to", "invalid"),
            ({"rules": [SEASON | {"to": 228}]}, "/rules/0/to", "invalid"),
            ({"rules": [SEASON | {"to": "13-01"}]}, "/rules/0/to", "invalid"),
            ({"rules": [DEMAND | {"above": "1000.5"}]}, "/rules/0/above", "max_value"),
            ({"floor": "1.1", "rules": [STOCK]}, "/floor", "max_value"),
            ({"ceiling": "0.9", "rules": [STOCK]}, "/ceiling", "min_value"),
            ({"step": 0, "rules": [STOCK]}, "/step", "min_value"),
            ({"step": "10", "rules": [STOCK]}, "/step", "invalid"),
            ({"base": 1, "rules": [STOCK]}, "/base", "unknown_field"),
        ],
    )
    def test_points_at_what_is_wrong(self, said: object, pointer: str, code: str) -> None:
        with pytest.raises(InvalidInput) as problem:
            floating.check(said, "/pricing")
        assert (problem.value.pointer, problem.value.code) == (f"/pricing{pointer}", code)
