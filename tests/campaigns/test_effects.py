"""What a campaign may give, and in which form that is kept."""

from typing import Any

import pytest

from campaigns import effects, limits, triggers
from members.errors import InvalidInput, NotFound
from tests.rewards.conftest import new_reward

ORDER = "order.paid"
REFERRAL = "referral.converted"


@pytest.fixture(autouse=True)
def cake(db: None) -> None:
    new_reward("cake")


class TestCleaned:
    @pytest.mark.parametrize(
        ("trigger", "said", "kept"),
        [
            (ORDER, {"type": "multiplier", "value": "2"}, {"scope": "order"}),
            (ORDER, {"type": "multiplier", "value": "0", "scope": "matching_lines"}, {}),
            (ORDER, {"type": "bonus", "points": 100}, {"multiplied": False}),
            (ORDER, {"type": "bonus", "points": 100, "multiplied": True, "to": None}, {"to": ...}),
            (ORDER, {"type": "per_amount", "points": 1, "amount": "10"}, {"amount": "10.00"}),
            (ORDER, {"type": "per_unit", "points": 5}, {}),
            (ORDER, {"type": "status_points", "points": 100}, {}),
            (ORDER, {"type": "grant_reward", "reward": "cake"}, {}),
            (ORDER, {"type": "draw_ticket"}, {"tickets": 1}),
            (ORDER, {"type": "draw_ticket", "tickets": 3}, {}),
            ("review", {"type": "per_unit", "points": 5, "field": "photos"}, {}),
            (
                "booking",
                {"type": "per_amount", "points": 1, "amount": "0.5", "field": "paid"},
                {"amount": "0.50"},
            ),
            (REFERRAL, {"type": "bonus", "points": 9}, {"multiplied": False, "to": "both"}),
            (
                REFERRAL,
                {"type": "bonus", "points": 9, "to": "referrer", "pending_days": 0},
                {"multiplied": False},
            ),
        ],
        ids=repr,
    )
    def test_fills_in_what_was_left_out(self, trigger: str, said: Any, kept: Any):
        expected = {name: each for name, each in {**said, **kept}.items() if each is not ...}

        assert effects.cleaned(said, trigger=trigger) == expected

    @pytest.mark.parametrize(
        ("said", "kept"), [("2.0", "2"), ("1.2000", "1.2"), ("100", "100"), ("0.0", "0")]
    )
    def test_writes_multipliers_plainly(self, said: str, kept: str):
        effect = effects.cleaned({"type": "multiplier", "value": said}, trigger=ORDER)

        assert effect["value"] == kept


class TestRefusal:
    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            (None, "", "invalid"),
            ([], "", "invalid"),
            ({}, "/type", "required"),
            ({"type": "double"}, "/type", "invalid_choice"),
            ({"type": ["bonus"]}, "/type", "invalid_choice"),
            ({"type": "multiplier"}, "/value", "required"),
            ({"type": "multiplier", "value": None}, "/value", "invalid"),
            ({"type": "multiplier", "value": "-1"}, "/value", "min_value"),
            ({"type": "multiplier", "value": 2}, "/value", "invalid"),
            ({"type": "multiplier", "value": 1.5}, "/value", "invalid"),
            ({"type": "multiplier", "value": "two"}, "/value", "invalid"),
            ({"type": "multiplier", "value": "1.00001"}, "/value", "max_decimal_places"),
            ({"type": "multiplier", "value": "10000"}, "/value", "max_value"),
            ({"type": "multiplier", "value": "NaN"}, "/value", "invalid"),
            ({"type": "multiplier", "value": "2", "scope": "all"}, "/scope", "invalid_choice"),
            ({"type": "multiplier", "value": "2", "points": 5}, "/points", "unknown_field"),
            ({"type": "bonus"}, "/points", "required"),
            ({"type": "bonus", "points": 0}, "/points", "min_value"),
            ({"type": "bonus", "points": -5}, "/points", "min_value"),
            ({"type": "bonus", "points": "100"}, "/points", "invalid"),
            ({"type": "bonus", "points": 1.0}, "/points", "invalid"),
            ({"type": "bonus", "points": True}, "/points", "invalid"),
            ({"type": "bonus", "points": 2**63}, "/points", "max_value"),
            ({"type": "bonus", "points": 5, "multiplied": "yes"}, "/multiplied", "invalid"),
            ({"type": "bonus", "points": 5, "to": "both"}, "/to", "not_for_trigger"),
            (
                {"type": "bonus", "points": 5, "pending_days": 7},
                "/pending_days",
                "not_for_trigger",
            ),
            ({"type": "per_amount", "points": 1}, "/amount", "required"),
            ({"type": "per_amount", "points": 1, "amount": "0"}, "/amount", "min_value"),
            ({"type": "per_amount", "points": 1, "amount": 10}, "/amount", "invalid"),
            ({"type": "per_unit", "points": 1, "field": "x"}, "/field", "not_for_trigger"),
            ({"type": "status_points", "points": None}, "/points", "invalid"),
            ({"type": "grant_reward"}, "/reward", "required"),
            ({"type": "grant_reward", "reward": 5}, "/reward", "invalid"),
            ({"type": "draw_ticket", "tickets": 0}, "/tickets", "min_value"),
        ],
        ids=repr,
    )
    def test_names_the_place(self, said: Any, pointer: str, code: str):
        with pytest.raises(InvalidInput) as refused:
            effects.cleaned(said, trigger=ORDER)

        assert (refused.value.pointer, refused.value.code) == (f"/effect{pointer}", code)

    @pytest.mark.parametrize(
        ("trigger", "said", "pointer"),
        [
            ("birthday", {"type": "multiplier", "value": "2"}, "/type"),
            ("birthday", {"type": "bonus", "points": 5, "multiplied": True}, "/multiplied"),
            ("review", {"type": "bonus", "points": 5, "to": "referee"}, "/to"),
            (REFERRAL, {"type": "multiplier", "value": "2"}, "/type"),
            (REFERRAL, {"type": "grant_reward", "reward": "cake"}, "/type"),
            (REFERRAL, {"type": "bonus", "points": 5, "multiplied": True}, "/multiplied"),
        ],
        ids=repr,
    )
    def test_knows_what_a_trigger_cannot_give(self, trigger: str, said: Any, pointer: str):
        with pytest.raises(InvalidInput) as refused:
            effects.cleaned(said, trigger=trigger)

        assert (refused.value.pointer, refused.value.code) == (
            f"/effect{pointer}",
            "not_for_trigger",
        )

    def test_names_a_reward_that_is_not_there(self):
        with pytest.raises(NotFound) as missing:
            effects.cleaned({"type": "grant_reward", "reward": "pie"}, trigger=ORDER)

        assert missing.value.pointer == "/effect/reward"


class TestLimits:
    def test_are_all_there(self):
        assert limits.cleaned({"per_member": 5, "budget_points": None}) == {
            "per_member_per_day": None,
            "per_member_per_month": None,
            "per_member": 5,
            "budget_points": None,
            "on_exceed": "cut",
        }
        assert limits.cleaned(None) == limits.NO_LIMITS
        assert limits.combination({"group": "A", "mode": "best"}) == {
            "group": "A",
            "mode": "best",
            "priority": 0,
        }

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ([], "", "invalid"),
            ({"per_week": None}, "/per_week", "unknown_field"),
            ({"per_member": -1}, "/per_member", "min_value"),
            ({"per_member": "5"}, "/per_member", "invalid"),
            ({"budget_points": 2**63}, "/budget_points", "max_value"),
            ({"on_exceed": "stop"}, "/on_exceed", "invalid_choice"),
        ],
        ids=repr,
    )
    def test_name_the_place(self, said: Any, pointer: str, code: str):
        with pytest.raises(InvalidInput) as refused:
            limits.cleaned(said)

        assert (refused.value.pointer, refused.value.code) == (f"/limits{pointer}", code)

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ("x", "", "invalid"),
            ({"group": ""}, "/group", "blank"),
            ({"mode": "worst"}, "/mode", "invalid_choice"),
            ({"priority": "10"}, "/priority", "invalid"),
            ({"priority": 10**7}, "/priority", "max_value"),
            ({"order": 1}, "/order", "unknown_field"),
        ],
        ids=repr,
    )
    def test_of_combinations_name_the_place(self, said: Any, pointer: str, code: str):
        with pytest.raises(InvalidInput) as refused:
            limits.combination(said)

        assert (refused.value.pointer, refused.value.code) == (f"/combine{pointer}", code)


class TestTriggers:
    @pytest.mark.parametrize(
        "trigger", [*triggers.KNOWN, "review", "course_completed", "hotel.night", "A-1"]
    )
    def test_are_ours_or_the_type_of_an_event(self, trigger: str):
        assert triggers.checked(trigger, "/trigger") == trigger
        assert triggers.label(trigger)

    @pytest.mark.parametrize(
        ("trigger", "code"),
        [
            ("order.payed", "invalid_choice"),
            ("member.left", "invalid_choice"),
            ("", "blank"),
            ("a b", "invalid"),
            ("评论", "invalid"),
            ("t" * 51, "max_length"),
            (5, "invalid"),
            (None, "invalid"),
        ],
        ids=repr,
    )
    def test_that_are_neither_are_refused(self, trigger: Any, code: str):
        with pytest.raises(InvalidInput) as refused:
            triggers.checked(trigger, "/trigger")

        assert (refused.value.pointer, refused.value.code) == ("/trigger", code)
