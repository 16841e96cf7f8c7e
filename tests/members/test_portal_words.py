"""How the portal writes days."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.utils import translation

from members.templatetags import portal

# In Shanghai this is New Year's Eve and the first moment of the new year.
LAST, FIRST = (
    datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC),
    datetime(2026, 12, 31, 16, tzinfo=UTC),
)
NOON = datetime(2026, 11, 28, 4, tzinfo=UTC)


class TestDaysOfAboutNow:
    @pytest.mark.parametrize(
        ("moment", "chinese", "english"),
        [
            (LAST, "12 月 31 日", "Dec 31"),
            (FIRST, "2027 年 1 月 1 日", "Jan 1, 2027"),
            (datetime(2025, 11, 28, 4, tzinfo=UTC), "2025 年 11 月 28 日", "Nov 28, 2025"),
        ],
    )
    def test_name_the_year_unless_it_is_this_one(self, moment, chinese, english):
        with time_machine.travel(NOON, tick=False):
            with translation.override("zh-hans"):
                assert portal.short_day(moment) == chinese
            with translation.override("en"):
                assert portal.short_day(moment) == english

    def test_name_it_with_the_time_too(self):
        with time_machine.travel(NOON, tick=False):
            assert portal.stamp(LAST) == "12-31 23:59"
            assert portal.stamp(FIRST) == "2027-01-01 00:00"
