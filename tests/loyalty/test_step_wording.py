"""How a movement came to its points, step by step."""

from typing import Any

import pytest
from django.utils import translation

from loyalty import step_wording


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def told(*parts: dict[str, Any]) -> list[tuple[str, str, int, int]]:
    return [
        (step.title, step.detail, step.points, step.after) for step in step_wording.steps(parts)
    ]


BASE = {"rule": "base", "kind": "base", "points": 100, "amount": "100", "rate": "1"}


class TestSteps:
    def test_run_from_the_base_over_factors_and_bonuses_to_the_limits(self):
        assert told(
            BASE,
            {"rule": "d", "kind": "multiplier", "title": "Day", "factor": "2", "points": 100},
            {"rule": "b", "kind": "bonus", "title": "More", "points": 50},
            {"rule": "b", "kind": "cap", "title": "More", "cap": "budget_points", "points": -20},
        ) == [
            ("Base points", "¥100 × 1", 100, 100),
            ("Day ×2", "100 → 200", 100, 200),
            ("More", "200 → 250", 50, 250),
            ("More: cut by the campaign's budget", "250 → 230", -20, 230),
        ]

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ({"reward": "mug"}, "a gift: see your vouchers"),
            ({"tickets": 2}, "2 draw tickets"),
            ({"status_points": 1000}, "+1,000 status points"),
        ],
    )
    def test_say_what_is_no_points(self, more: dict[str, Any], words: str):
        part = {"rule": "b", "kind": "bonus", "title": "More", "points": 0, **more}

        assert told(BASE, part)[1] == ("More", words, 0, 100)

    def test_of_a_single_bonus_have_nothing_before_it(self):
        part = {"rule": "b", "kind": "bonus", "title": "Sign-in", "points": 10}

        assert told(part) == [("Sign-in", "", 10, 10)]

    def test_of_a_limit_nobody_knows_say_so(self):
        part = {"rule": "b", "kind": "cap", "title": "More", "cap": "moon", "points": -1}

        assert told(BASE, part)[1][0] == "More: cut by a limit"
