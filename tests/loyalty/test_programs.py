from decimal import Decimal
from typing import Any

import pytest

from loyalty import programs
from loyalty.models import Program
from members.errors import InvalidInput


@pytest.mark.usefixtures("db")
class TestChange:
    def test_changes_what_is_named_and_leaves_the_rest(self) -> None:
        before = Program.objects.get()

        programs.change(
            changes={
                "name": " 积分 ",
                "earn_rate": Decimal("0.5"),
                "expiry": {"policy": "month_end", "months": 3},
                "status_expiry": {"policy": "fixed_date", "date": "02-29"},
                "monthly_redemption_cap": 5000,
                "rounding": "half_up",
            }
        )

        now = Program.objects.get()
        assert (now.name, now.earn_rate, now.rounding) == ("积分", Decimal("0.5"), "half_up")
        assert programs.expiry_of(now, "expiry") == {"policy": "month_end", "months": 3}
        assert programs.expiry_of(now, "status_expiry") == {
            "policy": "fixed_date",
            "date": "02-29",
        }
        assert now.monthly_redemption_cap == 5000
        assert (now.currency, now.status_rate) == (before.currency, before.status_rate)

    def test_replaces_the_rules_of_transfers_as_a_whole(self) -> None:
        programs.change(changes={"transfer": {"enabled": True, "min": 10, "fee": 5}})
        first = Program.objects.get().transfer
        programs.change(changes={"transfer": {"enabled": True, "per_day": 300, "fee": None}})
        second = Program.objects.get().transfer

        rest = {"per_transfer": None, "per_day": None}
        assert first == {"enabled": True, "min": 10, **rest, "fee": 5}
        assert second == {
            "enabled": True,
            "min": None,
            "per_transfer": None,
            "per_day": 300,
            "fee": 0,
        }

    def test_takes_months_of_inactivity_for_both(self) -> None:
        programs.change(
            changes={
                "expiry": {"policy": "inactivity", "months": 6},
                "status_expiry": {"policy": "inactivity"},
            }
        )

        now = Program.objects.get()
        assert programs.expiry_of(now, "expiry") == {"policy": "inactivity", "months": 6}
        assert programs.expiry_of(now, "status_expiry") == {"policy": "inactivity", "months": 12}

    def test_fills_left_out_months_with_the_usual_ones(self) -> None:
        programs.change(
            changes={"expiry": {"policy": "rolling"}, "status_expiry": {"policy": "rolling"}}
        )

        now = Program.objects.get()
        assert (now.expiry_months, now.status_expiry_months) == (24, 12)

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"earn_rate": Decimal("NaN")}, "/earn_rate"),
            ({"earn_rate": Decimal("Infinity")}, "/earn_rate"),
            ({"earn_rate": Decimal("-0.1")}, "/earn_rate"),
            ({"earn_rate": Decimal("1000000")}, "/earn_rate"),
            ({"earn_rate": Decimal("0.1234567")}, "/earn_rate"),
            ({"earn_rate": 0.5}, "/earn_rate"),
            ({"name": ""}, "/name"),
            ({"name": "x" * 101}, "/name"),
            ({"name": "a\x00b"}, "/name"),
            ({"currency": "cny"}, "/currency"),
            ({"time_zone": "Asia"}, "/time_zone"),
            ({"time_zone": "../etc"}, "/time_zone"),
            ({"time_zone": 8}, "/time_zone"),
            ({"monthly_redemption_cap": 0}, "/monthly_redemption_cap"),
            ({"monthly_redemption_cap": True}, "/monthly_redemption_cap"),
            ({"monthly_redemption_cap": 2**63}, "/monthly_redemption_cap"),
            ({"pending_days": -1}, "/pending_days"),
            ({"pending_days": 3651}, "/pending_days"),
            ({"return_grace_days": 1.5}, "/return_grace_days"),
            ({"rounding": "up"}, "/rounding"),
            ({"stacking": None}, "/stacking"),
            ({"reversal": "forget"}, "/reversal"),
            ({"award_on": "created"}, "/award_on"),
            ({"earn_on_points_paid": 1}, "/earn_on_points_paid"),
            ({"expiry": None}, "/expiry"),
            ({"expiry": "never"}, "/expiry"),
            ({"expiry": {}}, "/expiry/policy"),
            ({"expiry": {"policy": "inactivity", "months": 0}}, "/expiry/months"),
            ({"expiry": {"policy": "rolling", "months": 0}}, "/expiry/months"),
            ({"expiry": {"policy": "rolling", "months": True}}, "/expiry/months"),
            ({"expiry": {"policy": "rolling", "months": 1201}}, "/expiry/months"),
            ({"status_expiry": {"policy": "fixed_date"}}, "/status_expiry/date"),
            ({"expiry": {"policy": "fixed_date", "date": "02-30"}}, "/expiry/date"),
            ({"expiry": {"policy": "fixed_date", "date": "１２-３１"}}, "/expiry/date"),
            ({"transfer": None}, "/transfer"),
            ({"transfer": True}, "/transfer"),
            ({"transfer": {"enabled": 1}}, "/transfer/enabled"),
            ({"transfer": {"enabled": None}}, "/transfer/enabled"),
            ({"transfer": {"min": -1}}, "/transfer/min"),
            ({"transfer": {"per_transfer": 1.5}}, "/transfer/per_transfer"),
            ({"transfer": {"per_day": True}}, "/transfer/per_day"),
            ({"transfer": {"per_day": 2**63}}, "/transfer/per_day"),
            ({"transfer": {"fee": -1}}, "/transfer/fee"),
            ({"transfer": {"fee": "1"}}, "/transfer/fee"),
            ({"transfer": {"tax": 1}}, "/transfer/tax"),
            ({"pay_with_points": None}, "/pay_with_points"),
            ({"pay_with_points": {"max_share": "1.01"}}, "/pay_with_points/max_share"),
            ({"pay_with_points": {"max_share": "-0.1"}}, "/pay_with_points/max_share"),
            ({"pay_with_points": {"max_share": 0.5}}, "/pay_with_points/max_share"),
            ({"pay_with_points": {"max_share": None}}, "/pay_with_points/max_share"),
            ({"pay_with_points": {"min": 0}}, "/pay_with_points/min"),
            ({"pay_with_points": {"step": "100"}}, "/pay_with_points/step"),
            ({"pay_with_points": {"max": 5}}, "/pay_with_points/max"),
            ({"approval_threshold": -1}, "/approval_threshold"),
            ({"colour": "red"}, "/colour"),
        ],
    )
    def test_refuses_what_cannot_be_meant_and_changes_nothing(
        self, changes: dict[str, Any], pointer: str
    ) -> None:
        before = Program.objects.values().get()

        with pytest.raises(InvalidInput) as refusal:
            programs.change(changes={"name": "New", **changes})

        assert refusal.value.pointer == pointer
        assert Program.objects.values().get() == before
