"""Days, hours and windows on the program's clock: one moment before, exactly at, after."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns import periods
from campaigns.histories import Past
from campaigns.judging import rule_of
from campaigns.models import Campaign
from campaigns.moment_checks import minutes_of
from campaigns.occasions import Occasion, of_order
from loyalty.order_facts import Line, OrderFacts
from members.models import Member, Tier

SHANGHAI = ZoneInfo("Asia/Shanghai")
TICK = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def occasion(moment: datetime, zone: ZoneInfo = SHANGHAI, **member: Any) -> Occasion:
    facts = OrderFacts(number="1", placed_at=moment, lines=(Line(sku="A", amount=Decimal(10)),))
    return of_order(
        facts=facts,
        member=Member(pk=1, number="1", enrolled_at=at("2026-01-01T00:00"), **member),
        tier=Tier(code="base"),
        zone=zone,
        history=Past(),
    )


def rule(**conditions: Any) -> Any:
    effect = {"type": "multiplier", "value": "3", "scope": "order"}
    return rule_of(Campaign(code=f"c{conditions}", name="c", effect=effect, conditions=conditions))


def matches(moment: datetime, zone: ZoneInfo = SHANGHAI, **conditions: Any) -> bool:
    return bool(rule(**conditions).matches(occasion(moment, zone)))


class TestMemberDay:
    @pytest.mark.parametrize(
        ("moment", "is_in"),
        [
            (at("2026-11-08T00:00") - TICK, False),
            (at("2026-11-08T00:00"), True),
            (at("2026-11-09T00:00") - TICK, True),
            (at("2026-11-09T00:00"), False),
        ],
    )
    def test_is_the_whole_eighth_and_nothing_else(self, moment: datetime, is_in: bool) -> None:
        assert matches(moment, month_days=[8]) is is_in

    def test_follows_the_program_to_another_zone(self) -> None:
        moment = at("2026-11-08T00:00")

        assert not matches(moment, ZoneInfo("America/New_York"), month_days=[8])
        assert matches(moment + timedelta(hours=13), ZoneInfo("America/New_York"), month_days=[8])

    @pytest.mark.parametrize(
        ("day", "is_in"),
        [("2028-02-29", True), ("2027-02-28", False), ("2027-03-01", False)],
    )
    def test_the_29th_is_there_where_the_month_has_one(self, day: str, is_in: bool) -> None:
        assert matches(at(f"{day}T12:00"), month_days=[29]) is is_in


class TestLunch:
    CONDITIONS: dict[str, Any] = {"weekdays": [1, 2, 3, 4, 5], "hours": ["11:30-13:30"]}

    @pytest.mark.parametrize(
        ("moment", "is_in"),
        [
            (at("2026-11-20T11:30") - TICK, False),
            (at("2026-11-20T11:30"), True),  # a Friday
            (at("2026-11-20T13:30") - TICK, True),
            (at("2026-11-20T13:30"), False),
            (at("2026-11-21T12:00"), False),  # a Saturday
        ],
    )
    def test_is_on_weekdays_within_its_hours(self, moment: datetime, is_in: bool) -> None:
        assert matches(moment, **self.CONDITIONS) is is_in


class TestAcrossMidnight:
    @pytest.mark.parametrize(
        ("moment", "is_in"),
        [
            (at("2026-11-20T22:00") - TICK, False),
            (at("2026-11-20T22:00"), True),
            (at("2026-11-21T00:00"), True),
            (at("2026-11-21T02:00") - TICK, True),
            (at("2026-11-21T02:00"), False),
        ],
    )
    def test_a_night_is_one_window(self, moment: datetime, is_in: bool) -> None:
        assert matches(moment, hours=["22:00-02:00"]) is is_in

    def test_24_is_the_end_of_the_day(self) -> None:
        assert matches(at("2026-11-21T00:00") - TICK, hours=["20:00-24:00"])
        assert not matches(at("2026-11-21T00:00"), hours=["20:00-24:00"])

    @pytest.mark.parametrize(
        "window", ["11:00-11:00", "24:00-01:00", "10:60-11:00", "10:00-24:01", "10-11", ""]
    )
    def test_what_is_no_window_is_refused(self, window: str) -> None:
        with pytest.raises(ValueError, match=window or "^$"):
            minutes_of(window)


class TestBirthdayMonth:
    @pytest.mark.parametrize(
        ("moment", "is_in"),
        [
            (at("2026-02-01T00:00") - TICK, False),
            (at("2026-02-01T00:00"), True),
            (at("2026-03-01T00:00") - TICK, True),
            (at("2026-03-01T00:00"), False),
        ],
    )
    def test_is_all_of_february_for_the_29th(self, moment: datetime, is_in: bool) -> None:
        born = at("2000-02-29T00:00").date()
        seen = occasion(moment, birthday=born)

        assert rule(birthday_month=True).matches(seen) is is_in

    def test_nobody_without_a_birthday_has_one(self) -> None:
        assert not matches(at("2026-02-01T00:00"), birthday_month=True)


class TestEnrolledWithin:
    @pytest.mark.parametrize(
        ("moment", "is_in"),
        [
            (at("2026-01-31T00:00"), True),
            (at("2026-01-31T00:00") + TICK, False),
        ],
    )
    def test_counts_days_of_24_hours(self, moment: datetime, is_in: bool) -> None:
        assert matches(moment, enrolled_within_days=30) is is_in


class TestPeriods:
    @pytest.mark.parametrize(
        ("period", "day", "first", "following", "name"),
        [
            ("day", "2026-12-31", "2026-12-31", "2027-01-01", "2026-12-31"),
            ("week", "2027-01-01", "2026-12-28", "2027-01-04", "2026-W53"),
            ("month", "2028-02-29", "2028-02-01", "2028-03-01", "2028-02"),
            ("quarter", "2026-12-31", "2026-10-01", "2027-01-01", "2026-Q4"),
            ("year", "2026-06-15", "2026-01-01", "2027-01-01", "2026"),
            ("ever", "2026-06-15", "1970-01-01", None, "ever"),
        ],
    )
    def test_of_a_day(
        self, period: str, day: str, first: str, following: str | None, name: str
    ) -> None:
        on = at(f"{day}T00:00").date()
        after = periods.next_first_day(period, on)

        assert str(periods.first_day(period, on)) == first
        assert (None if after is None else str(after)) == following
        assert periods.name_of(period, on) == name

    def test_begin_with_the_calendar_where_they_would_begin_before_it(self) -> None:
        first = datetime.min.replace(tzinfo=UTC)

        assert periods.starts_at(first.date(), SHANGHAI) == first
