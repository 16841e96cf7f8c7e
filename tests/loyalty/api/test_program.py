"""The program's settings over the API."""

from typing import Any

import pytest

from loyalty.models import Program
from tests.tills import Till, pointers

DEFAULTS = {
    "name": "积分计划",
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "earn_rate": "1",
    "status_rate": "1",
    "award_on": "paid",
    "rounding": "floor",
    "stacking": "multiply",
    "point_value": "0.01",
    "expiry": {"policy": "rolling", "months": 24},
    "status_expiry": {"policy": "rolling", "months": 12},
    "pending_days": 0,
    "reversal": "debt",
    "return_grace_days": 0,
    "monthly_redemption_cap": None,
    "transfer": {"enabled": False, "min": None, "per_transfer": None, "per_day": None, "fee": 0},
    "approval_threshold": None,
    "campaigns_need_approval": False,
    "earn_on_points_paid": False,
    "pay_with_points": {"max_share": "1", "min": None, "step": None},
    "refund_first": "points",
}


class TestRead:
    def test_has_the_defaults(self, till: Till):
        assert till.get("program").json() == DEFAULTS

    def test_needs_manage_or_read(self, db: None):
        assert Till("read").get("program").status_code == 200
        assert Till("manage").get("program").status_code == 200


class TestChange:
    def test_changes_what_is_named_and_nothing_else(self, till: Till):
        changes = {
            "name": "咖啡会员",
            "earn_rate": "0.5",
            "point_value": "0.0125",
            "rounding": "half_up",
            "stacking": "best",
            "expiry": {"policy": "fixed_date", "date": "12-31"},
            "status_expiry": {"policy": "never"},
            "pending_days": 7,
            "monthly_redemption_cap": 5000,
            "earn_on_points_paid": True,
        }

        response = till.patch("program", changes)

        assert response.status_code == 200
        assert response.json() == till.get("program").json() == {**DEFAULTS, **changes}
        assert till.patch("program", {"monthly_redemption_cap": None}).json() == {
            **DEFAULTS,
            **changes,
            "monthly_redemption_cap": None,
        }

    def test_replaces_a_nested_object_as_a_whole(self, till: Till):
        till.patch("program", {"expiry": {"policy": "rolling", "months": 6}})
        till.patch("program", {"transfer": {"enabled": False, "min": 5, "fee": 1}})
        till.patch("program", {"pay_with_points": {"max_share": "0.5", "step": 100}})

        answer = till.patch(
            "program",
            {
                "expiry": {"policy": "rolling"},
                "transfer": {"per_day": 100},
                "pay_with_points": {"min": 10},
            },
        ).json()

        assert answer["expiry"] == {"policy": "rolling", "months": 24}
        assert answer["transfer"] == {**DEFAULTS["transfer"], "per_day": 100}  # type: ignore[dict-item]
        assert answer["pay_with_points"] == {"max_share": "1", "min": 10, "step": None}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"name": None}, "/name"),
            ({"currency": "yuan"}, "/currency"),
            ({"time_zone": "Mars"}, "/time_zone"),
            ({"time_zone": "../etc/passwd"}, "/time_zone"),
            ({"earn_rate": 2}, "/earn_rate"),
            ({"earn_rate": "-1"}, "/earn_rate"),
            ({"earn_rate": "1e3"}, "/earn_rate"),
            ({"earn_rate": "0.0000001"}, "/earn_rate"),
            ({"earn_rate": "10000000"}, "/earn_rate"),
            ({"award_on": "ordered"}, "/award_on"),
            ({"rounding": "up"}, "/rounding"),
            ({"stacking": None}, "/stacking"),
            ({"expiry": None}, "/expiry"),
            ({"expiry": {}}, "/expiry/policy"),
            ({"expiry": {"policy": "sometimes"}}, "/expiry/policy"),
            ({"expiry": {"policy": "rolling", "months": 0}}, "/expiry/months"),
            ({"expiry": {"policy": "rolling", "months": "6"}}, "/expiry/months"),
            ({"expiry": {"policy": "fixed_date"}}, "/expiry/date"),
            ({"expiry": {"policy": "fixed_date", "date": "13-01"}}, "/expiry/date"),
            ({"expiry": {"policy": "never", "years": 2}}, "/expiry/years"),
            ({"pending_days": -1}, "/pending_days"),
            ({"pending_days": 1.5}, "/pending_days"),
            ({"monthly_redemption_cap": 0}, "/monthly_redemption_cap"),
            ({"earn_on_points_paid": "yes"}, "/earn_on_points_paid"),
            ({"transfer": {"enabled": "yes"}}, "/transfer/enabled"),
            ({"transfer": {"min": -1}}, "/transfer/min"),
            ({"transfer": {"per_transfer": 0}}, "/transfer/per_transfer"),
            ({"transfer": {"per_day": 1.5}}, "/transfer/per_day"),
            ({"transfer": {"fee": -1}}, "/transfer/fee"),
            ({"transfer": {"tax": 1}}, "/transfer/tax"),
            ({"pay_with_points": {"max_share": "1.5"}}, "/pay_with_points/max_share"),
            ({"colour": "red"}, "/colour"),
        ],
    )
    def test_says_where_the_input_is_bad_and_changes_nothing(
        self, till: Till, change: dict[str, Any], pointer: str
    ):
        response = till.patch("program", {"pending_days": 3, **change})

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert Program.objects.get().pending_days == 0
