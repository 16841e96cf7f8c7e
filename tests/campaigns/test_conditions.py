"""What conditions may say, and in which form they are kept."""

from typing import Any

import pytest

from campaigns import conditions
from campaigns.models import Segment
from members.errors import InvalidInput
from members.models import Store

ORDER = "order.paid"


@pytest.fixture(autouse=True)
def shop(db: None) -> None:
    Store.objects.create(code="SH-1", name="静安寺店")
    Segment.objects.create(code="regulars", name="Regulars", rules={"all": []})


def cleaned(trigger: str = ORDER, **said: Any) -> dict[str, Any]:
    return conditions.cleaned(said, trigger=trigger)


def refusal(said: Any, trigger: str = ORDER) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refused:
        conditions.cleaned(said, trigger=trigger)
    assert str(refused.value)
    return refused.value.pointer, refused.value.code


EVERYTHING: dict[str, Any] = {
    "weekdays": [6, 7],
    "month_days": [8, 31],
    "hours": ["11:30-13:30", "20:00-24:00", "22:00-02:00", "23:00-00:00"],
    "stores": ["SH-1"],
    "channels": ["app"],
    "tiers": ["gold", "silver"],
    "segments": ["regulars"],
    "min_amount": "50.00",
    "max_amount": "500.00",
    "categories": ["tea"],
    "skus": ["latte"],
    "brands": ["ours"],
    "tags": ["new"],
    "exclude_categories": ["gift card"],
    "exclude_skus": ["bag"],
    "exclude_brands": ["theirs"],
    "exclude_tags": ["sale"],
    "payment_methods": ["wechat"],
    "every_nth_order": 5,
    "after_spend": {"amount": "500.00", "days": 30},
    "period_sum": {"period": "month", "amount": "1000.00"},
    "period_count": {"period": "quarter", "orders": 4},
    "enrolled_within_days": 30,
    "birthday_month": True,
    "percentage": 50,
    "coupon": "SPRING",
}


class TestCleaned:
    def test_keeps_every_condition_as_it_was_said(self):
        assert cleaned(**EVERYTHING) == EVERYTHING

    def test_leaves_out_what_is_null_empty_or_false(self):
        said: dict[str, Any] = {
            "stores": [],
            "min_amount": None,
            "event_data": {},
            "first_order": False,
        }

        assert cleaned(**said) == {}
        assert conditions.cleaned(None, trigger=ORDER) == {}

    @pytest.mark.parametrize("text", ["50", "50.0", "50.00", "050"])
    def test_writes_amounts_with_two_decimals(self, text: str):
        assert cleaned(min_amount=text) == {"min_amount": "50.00"}

    def test_names_what_is_said_twice_once(self):
        assert cleaned(weekdays=[7, 6, 7], brands=[" a", "a"]) == {
            "weekdays": [7, 6],
            "brands": ["a"],
        }

    def test_takes_a_first_order_in_a_channel_after_others(self):
        said: dict[str, Any] = {"first_order": True, "channels": ["app"], "every_nth_order": 3}

        assert cleaned(**said) == said

    def test_takes_data_of_events(self):
        data = {
            "has_photo": True,
            "level": "basic",
            "stars": {"gte": 4},
            "streak": {"every": 7},
            "x": 1.5,
        }

        assert cleaned("review", event_data=data) == {"event_data": data}

    def test_counts_events_for_events(self):
        said: dict[str, Any] = {"period_count": {"period": "week", "events": 3}}

        assert cleaned("review", **said) == said


class TestRefusal:
    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ([], "", "invalid"),
            ("x", "", "invalid"),
            ({"weekday": [1]}, "/weekday", "unknown_field"),
            ({"exclude": None}, "/exclude", "unknown_field"),
            ({"weekdays": [0]}, "/weekdays/0", "min_value"),
            ({"weekdays": [1, 8]}, "/weekdays/1", "max_value"),
            ({"weekdays": [True]}, "/weekdays/0", "invalid"),
            ({"weekdays": ["6"]}, "/weekdays/0", "invalid"),
            ({"weekdays": 6}, "/weekdays", "invalid"),
            ({"weekdays": [[]]}, "/weekdays/0", "invalid"),
            ({"month_days": [0]}, "/month_days/0", "min_value"),
            ({"month_days": [32]}, "/month_days/0", "max_value"),
            ({"hours": ["11:00-11:00"]}, "/hours/0", "empty_window"),
            ({"hours": ["00:00-00:00"]}, "/hours/0", "empty_window"),
            ({"hours": ["11:30-13:30", "9:00-10:00"]}, "/hours/1", "invalid"),
            ({"hours": ["24:00-02:00"]}, "/hours/0", "invalid"),
            ({"hours": ["11:30-24:01"]}, "/hours/0", "invalid"),
            ({"hours": ["11:60-12:00"]}, "/hours/0", "invalid"),
            ({"hours": ["１1:30-12:00"]}, "/hours/0", "invalid"),
            ({"hours": [1130]}, "/hours/0", "invalid"),
            ({"hours": "11:30-13:30"}, "/hours", "invalid"),
            ({"stores": ["SH-1", "SH-2"]}, "/stores/1", "unknown"),
            ({"stores": [5]}, "/stores/0", "invalid"),
            ({"stores": [" ", "SH-1"]}, "/stores/0", "blank"),
            ({"stores": ["\x00"]}, "/stores/0", "invalid"),
            ({"tiers": ["wood"]}, "/tiers/0", "unknown"),
            ({"segments": ["regulars", "nobody"]}, "/segments/1", "unknown"),
            ({"channels": [""]}, "/channels/0", "blank"),
            ({"channels": ["c" * 51]}, "/channels/0", "max_length"),
            ({"skus": [None]}, "/skus/0", "invalid"),
            ({"skus": ["s"] * 1001}, "/skus", "max_length"),
            ({"min_amount": "fifty"}, "/min_amount", "invalid"),
            ({"min_amount": 50}, "/min_amount", "invalid"),
            ({"min_amount": 50.0}, "/min_amount", "invalid"),
            ({"min_amount": "-1"}, "/min_amount", "min_value"),
            ({"min_amount": "1.005"}, "/min_amount", "max_decimal_places"),
            ({"min_amount": "9" * 19}, "/min_amount", "max_value"),
            ({"min_amount": "50", "max_amount": "49.99"}, "/max_amount", "below_min_amount"),
            (
                {"categories": ["a", "b"], "exclude_categories": ["c", "b"]},
                "/exclude_categories/1",
                "contradiction",
            ),
            ({"skus": ["a"], "exclude_skus": ["a"]}, "/exclude_skus/0", "contradiction"),
            ({"brands": ["a"], "exclude_brands": ["a"]}, "/exclude_brands/0", "contradiction"),
            ({"tags": ["a"], "exclude_tags": ["a"]}, "/exclude_tags/0", "contradiction"),
            ({"first_order": 1}, "/first_order", "invalid"),
            ({"first_order": True, "every_nth_order": 5}, "/every_nth_order", "contradiction"),
            (
                {"first_order": True, "after_spend": {"amount": "5", "days": 1}},
                "/after_spend",
                "contradiction",
            ),
            (
                {"first_order": True, "period_count": {"period": "month", "orders": 2}},
                "/period_count",
                "contradiction",
            ),
            ({"every_nth_order": 0}, "/every_nth_order", "min_value"),
            ({"every_nth_order": "5"}, "/every_nth_order", "invalid"),
            ({"after_spend": {"amount": "500"}}, "/after_spend/days", "required"),
            ({"after_spend": {"days": 3}}, "/after_spend/amount", "required"),
            ({"after_spend": {"amount": "0", "days": 3}}, "/after_spend/amount", "min_value"),
            ({"after_spend": {"amount": "5", "days": 0}}, "/after_spend/days", "min_value"),
            (
                {"after_spend": {"amount": "5", "days": 1, "x": 1}},
                "/after_spend/x",
                "unknown_field",
            ),
            ({"after_spend": "500"}, "/after_spend", "invalid"),
            (
                {"period_sum": {"period": "moon", "amount": "5"}},
                "/period_sum/period",
                "invalid_choice",
            ),
            ({"period_sum": {"period": "day"}}, "/period_sum/amount", "required"),
            ({"period_count": {"orders": 4}}, "/period_count/period", "required"),
            ({"period_count": {"period": "day"}}, "/period_count/orders", "required"),
            (
                {"period_count": {"period": "day", "orders": 0}},
                "/period_count/orders",
                "min_value",
            ),
            (
                {"period_count": {"period": "day", "events": 2}},
                "/period_count/events",
                "not_for_trigger",
            ),
            ({"enrolled_within_days": 0}, "/enrolled_within_days", "min_value"),
            ({"birthday_month": "yes"}, "/birthday_month", "invalid"),
            ({"percentage": 0}, "/percentage", "min_value"),
            ({"percentage": 101}, "/percentage", "max_value"),
            ({"coupon": ""}, "/coupon", "blank"),
            ({"coupon": 5}, "/coupon", "invalid"),
            ({"event_data": {"a": 1}}, "/event_data", "not_for_trigger"),
        ],
        ids=repr,
    )
    def test_names_the_place(self, said: Any, pointer: str, code: str):
        assert refusal(said) == (f"/conditions{pointer}", code)

    @pytest.mark.parametrize(
        ("data", "pointer"),
        [
            ({"a": None}, "/a"),
            ({"a": []}, "/a"),
            ({"a": {}}, "/a"),
            ({"a/b~": {"lt": 5}}, "/a~1b~0/lt"),
            ({"a": {"gte": "5"}}, "/a/gte"),
            ({"a": {"gte": True}}, "/a/gte"),
            ({"a": {"every": 0}}, "/a/every"),
            ({"a": {"gte": 1, "every": 2}}, "/a"),
            ({"": 1}, ""),
            ("x", ""),
        ],
        ids=repr,
    )
    def test_names_the_field_of_an_event(self, data: Any, pointer: str):
        where, _code = refusal({"event_data": data}, "review")

        assert where == f"/conditions/event_data{pointer}"

    @pytest.mark.parametrize("trigger", ["birthday", "check_in", "member.enrolled", "review"])
    @pytest.mark.parametrize(
        "said",
        [
            {"min_amount": "50"},
            {"skus": ["a"]},
            {"first_order": True},
            {"period_sum": {"period": "day", "amount": "5"}},
            {"coupon": "x"},
            {"payment_methods": ["card"]},
        ],
        ids=repr,
    )
    def test_knows_what_a_moment_without_an_order_cannot_show(self, said: Any, trigger: str):
        assert refusal(said, trigger) == (f"/conditions/{next(iter(said))}", "not_for_trigger")
