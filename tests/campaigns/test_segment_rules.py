"""How rules of segments are read: one spelling is kept, everything that is wrong is named with its place."""

from typing import Any

import pytest

from campaigns import segment_rules
from campaigns.segment_fields import FIELDS
from members import stores
from members.errors import InvalidInput


def condition(
    field: Any = "active", op: Any = "gt", value: Any = 5, **more: Any
) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


def problem(rules: Any) -> tuple[str, str]:
    """Pointer and code of what is wrong."""
    with pytest.raises(InvalidInput) as raised:
        segment_rules.checked(rules)
    assert raised.value.detail
    return raised.value.pointer, raised.value.code


class TestSpellings:
    @pytest.mark.parametrize(
        ("op", "kept"),
        [
            ("=", "eq"),
            ("==", "eq"),
            ("!=", "ne"),
            ("<>", "ne"),
            (">", "gt"),
            (">=", "gte"),
            ("<", "lt"),
            ("<=", "lte"),
            ("gte", "gte"),
        ],
    )
    def test_of_comparisons_become_one(self, op: str, kept: str):
        assert segment_rules.checked({"all": [condition(op=op)]}) == {"all": [condition(op=kept)]}

    def test_of_fields_become_one(self):
        found = segment_rules.checked({"any": [condition("points"), condition("purchases")]})

        assert [each["field"] for each in found["any"]] == ["active", "orders"]

    def test_one_value_is_a_list_of_one(self, db: None):
        found = segment_rules.checked({"all": [condition("tier", "in", "gold")]})

        assert found == {"all": [condition("tier", "in", ["gold"])]}

    def test_money_has_two_decimals(self):
        found = segment_rules.checked({"all": [condition("spend", "gte", "500", days=30)]})

        assert found == {"all": [condition("spend", "gte", "500.00", days=30)]}

    def test_groups_may_stand_in_each_other(self, db: None):
        rules = {
            "all": [
                condition(),
                {
                    "any": [
                        condition("tags", "has", ["vip"]),
                        {"not": condition("orders", "eq", 0)},
                    ]
                },
            ]
        }

        assert segment_rules.checked(rules) == rules
        assert [each["field"] for each in segment_rules.conditions(rules)] == [
            "active",
            "tags",
            "orders",
        ]

    def test_read_again_they_are_the_same(self, db: None):
        stores.create(changes={"code": "SH-1", "name": "静安寺店"})
        values: dict[str, Any] = {
            "tier": "gold",
            "store": "SH-1",
            "bought_in": "SH-1",
            "spend": "1.5",
            "average_order": "1.5",
            "birthday_month": "this",
            "birthday_known": True,
            "channel": "app",
            "tags": "vip",
            "status": "active",
        }
        for field in FIELDS.values():
            for op in field.ops:
                value = values.get(field.name, 7)
                asked = [value, value] if op == "between" else value
                once = segment_rules.checked({"all": [condition(field.name, op, asked)]})
                assert segment_rules.checked(once) == once

    def test_everybody_is_all_of_nothing(self):
        assert segment_rules.checked({"all": []}) == {"all": []}


class TestRefusals:
    @pytest.mark.parametrize(
        ("rules", "pointer", "code"),
        [
            (None, "/rules", "invalid"),
            ([], "/rules", "invalid"),
            ("all", "/rules", "invalid"),
            ({}, "/rules", "invalid"),
            ({"all": [], "any": []}, "/rules", "invalid"),
            ({"none": []}, "/rules", "invalid"),
            ({"all": {}}, "/rules/all", "invalid"),
            ({"all": None}, "/rules/all", "invalid"),
            ({"any": []}, "/rules/any", "empty"),
            ({"all": ["x"]}, "/rules/all/0", "invalid"),
            ({"all": [None]}, "/rules/all/0", "invalid"),
            ({"all": [{}]}, "/rules/all/0", "invalid"),
            ({"not": []}, "/rules/not", "invalid"),
            ({"all": [{"not": [condition()]}]}, "/rules/all/0/not", "invalid"),
            ({"all": [{"field": "active"}]}, "/rules/all/0/op", "required"),
            ({"all": [{"op": "gt", "value": 1}]}, "/rules/all/0/field", "required"),
            ({"all": [{"field": "active", "op": "gt"}]}, "/rules/all/0/value", "required"),
            ({"all": [condition(extra=1)]}, "/rules/all/0/extra", "unknown_field"),
            ({"all": [condition(), condition("colour")]}, "/rules/all/1/field", "unknown"),
            ({"all": [condition(None)]}, "/rules/all/0/field", "unknown"),
            ({"all": [condition(["active"])]}, "/rules/all/0/field", "unknown"),
            ({"all": [condition(op="like")]}, "/rules/all/0/op", "invalid_choice"),
            ({"all": [condition(op=None)]}, "/rules/all/0/op", "invalid_choice"),
            ({"all": [condition(op={})]}, "/rules/all/0/op", "invalid_choice"),
            ({"all": [condition("tier", "gt", "gold")]}, "/rules/all/0/op", "invalid_choice"),
            (
                {"all": [condition("days_since_last_order", "eq")]},
                "/rules/all/0/op",
                "invalid_choice",
            ),
            ({"all": [condition(value="5")]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition(value=5.0)]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition(value=True)]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition(value=-1)]}, "/rules/all/0/value", "min_value"),
            ({"all": [condition(value=2**63)]}, "/rules/all/0/value", "max_value"),
            ({"all": [condition(value=None)]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition("spend", "gt", 5)]}, "/rules/all/0/value", "invalid"),
            (
                {"all": [condition("spend", "gt", "1.234")]},
                "/rules/all/0/value",
                "max_decimal_places",
            ),
            ({"all": [condition("tier", "in", [])]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition("tags", "has", ["x"] * 101)]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition("tags", "has", ["ok", 5])]}, "/rules/all/0/value/1", "invalid"),
            ({"all": [condition("tags", "has", "")]}, "/rules/all/0/value", "blank"),
            ({"all": [condition("tags", "has", "\x00")]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition("birthday_month", "eq", 13)]}, "/rules/all/0/value", "max_value"),
            ({"all": [condition("birthday_month", "eq", "may")]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition("birthday_known", "eq", 1)]}, "/rules/all/0/value", "invalid"),
            (
                {"all": [condition("status", "eq", "closed")]},
                "/rules/all/0/value",
                "invalid_choice",
            ),
            (
                {"all": [condition("status", "eq", ["active"])]},
                "/rules/all/0/value",
                "invalid_choice",
            ),
            ({"all": [condition(op="between", value=5)]}, "/rules/all/0/value", "invalid"),
            ({"all": [condition(op="between", value=[1])]}, "/rules/all/0/value", "invalid"),
            (
                {"all": [condition(op="between", value=[1, "2"])]},
                "/rules/all/0/value/1",
                "invalid",
            ),
            ({"all": [condition(op="between", value=[2, 1])]}, "/rules/all/0/value", "not_rising"),
            ({"all": [condition(days=30)]}, "/rules/all/0/days", "unknown_field"),
            ({"all": [condition("orders", days=0)]}, "/rules/all/0/days", "min_value"),
            ({"all": [condition("orders", days="30")]}, "/rules/all/0/days", "invalid"),
            ({"all": [condition("orders", days=36_501)]}, "/rules/all/0/days", "max_value"),
        ],
    )
    def test_name_the_part_that_is_wrong(self, rules: Any, pointer: str, code: str):
        assert problem(rules) == (pointer, code)

    @pytest.mark.parametrize("field", ["tier", "store", "bought_in"])
    def test_of_codes_that_nothing_has(self, db: None, field: str):
        assert problem({"all": [condition(field, "in", ["nowhere"])]}) == (
            "/rules/all/0/value/0",
            "unknown",
        )

    def test_of_rules_that_are_too_deep_or_too_many(self):
        deep: Any = condition()
        for _ in range(6):
            deep = {"all": [deep]}
        assert problem(deep) == ("/rules/all/0/all/0/all/0/all/0/all/0", "too_deep")
        assert problem({"all": [condition()] * 101}) == ("/rules/all/100", "too_many")

    def test_say_what_would_be_possible(self):
        with pytest.raises(InvalidInput) as raised:
            segment_rules.checked({"all": [condition("colour")]})
        assert "days_since_last_order" in raised.value.detail
        with pytest.raises(InvalidInput) as raised:
            segment_rules.checked({"all": [condition("tags", "gt", 1)]})
        assert "has, has_none" in raised.value.detail
