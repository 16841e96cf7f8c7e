"""What the last four similar days say about a campaign that is to come."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns import forecasting
from campaigns.forecasting import Forecast
from members.models import Member
from tests.campaigns.builders import bonus, campaign, double, place

# A Saturday, 20:00 in Shanghai.
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def local(day: int, hour: int, month: int = 11) -> str:
    return f"2026-{month:02d}-{day:02d}T{hour:02d}:00:00+08:00"


def content(**changes: Any) -> dict[str, Any]:
    """A content as it is stored: doubles next Sunday, the whole day."""
    return {
        "code": "sunday",
        "name": "Sunday",
        "trigger": "order.paid",
        "starts_at": local(22, 0),
        "ends_at": local(23, 0),
        "conditions": {},
        "effect": double(),
        "limits": {},
        "combine": {},
        **changes,
    }


def forecast(**changes: Any) -> Forecast:
    found = forecasting.forecast(content=content(**changes), at=NOW)
    assert found is not None
    return found


@pytest.fixture
def sundays(bob: Member, mallory: Member) -> None:
    """Orders of 100, 200, 300 and 400 on the last four Sundays, one at night; others on other days."""
    for week in range(1, 6):
        noon = datetime(2026, 11, 22, 4, 0, tzinfo=UTC) - timedelta(weeks=week)
        place(f"s{week}", f"{week}00.00", member=bob, placed_at=noon)
        place(f"m{week}", "50.00", member=bob, placed_at=noon + timedelta(days=1))
    night = datetime(2026, 11, 15, 14, 0, tzinfo=UTC)
    place("night", "40.00", member=mallory, placed_at=night)


@pytest.mark.usefixtures("sundays")
class TestForecast:
    def test_averages_the_last_four_same_days(self) -> None:
        found = forecast()

        # (100 + 40), 200, 300 and 400
        assert (found.points, found.least, found.most) == (260, 140, 400)
        assert (found.orders, found.members, found.orders_seen) == (1, 1, 5)
        assert found.cost == Decimal("2.60")
        assert [str(day) for day in found.days] == [
            "2026-11-15",
            "2026-11-08",
            "2026-11-01",
            "2026-10-25",
        ]
        assert (found.one_in, found.budget_share, found.is_open_ended) == (1, None, False)

    def test_looks_at_the_hours_of_the_window_alone(self) -> None:
        assert forecast(starts_at=local(22, 20), ends_at=local(23, 0)).points == 10
        assert forecast(starts_at=local(22, 20), ends_at=local(22, 21)).orders_seen == 0

    def test_asks_the_conditions(self) -> None:
        assert forecast(conditions={"min_amount": "300.00"}).points == 175
        assert forecast(conditions={"weekdays": [1]}).has_data is False

    def test_counts_every_day_of_a_long_window(self) -> None:
        found = forecast(ends_at=local(13, 0, month=12))

        # Three weeks: three Sundays and three Mondays.
        assert found.points == 3 * 260 + 3 * 50
        assert found.members == 1

    def test_says_when_it_is_for_a_week_only(self) -> None:
        found = forecast(starts_at=None, ends_at=None)

        assert found.is_open_ended
        assert found.points == 260 + 50

    def test_limits_each_member_in_each_similar_time(self) -> None:
        assert forecast(limits={"per_member": 150}).points == 148

    def test_stops_at_the_budget(self) -> None:
        found = forecast(limits={"budget_points": 200})

        assert (found.points, found.budget_share) == (200, Decimal(1))
        assert forecast(limits={"budget_points": 1040}).budget_share == Decimal("0.25")

    def test_looks_at_the_same_day_of_the_month(self) -> None:
        found = forecast(
            conditions={"month_days": [8]}, starts_at=None, ends_at=local(31, 0, month=12)
        )

        # 8 November: 200; nothing on the eighths before.
        assert found.points == 50

    def test_compares_with_the_campaigns_that_run_then(self) -> None:
        campaign("triple", effect=double("3"))

        assert forecast().points == 3 * 260

    def test_knows_what_came_before(self) -> None:
        assert forecast(effect=bonus(7), conditions={"first_order": True}).pieces == 0
        assert forecast(effect=bonus(8), conditions={"first_order": True}).points == 2

    def test_judges_a_part_of_the_members_where_there_are_many(
        self, monkeypatch: pytest.MonkeyPatch, bob: Member, mallory: Member
    ) -> None:
        monkeypatch.setattr(forecasting, "MOST_ORDERS", 3)

        found = forecast()

        assert found.one_in == 2
        kept = {bob.pk: [100, 200, 300, 400], mallory.pk: [40]}
        chosen = sum(sum(kept[pk]) for pk in kept if pk % 2 == 0)
        assert found.points == chosen * 2 / 4

    def test_a_campaign_for_acts_has_none(self) -> None:
        assert forecasting.forecast(content=content(trigger="check_in"), at=NOW) is None

    def test_asks_a_fixed_number_of_questions(self, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(20):
            forecast()
