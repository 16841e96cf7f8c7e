from datetime import datetime, timedelta

import pytest

from rewards import guessing
from rewards.voucher_errors import TooManyMisses

MINUTE = timedelta(minutes=1)


def misses(count: int, at: datetime, subject: str = "key:1") -> None:
    for _number in range(count):
        guessing.miss(subject=subject, at=at)


def wait(at: datetime, subject: str = "key:1") -> int:
    """How many seconds somebody has to wait."""
    try:
        guessing.check(subject=subject, at=at)
    except TooManyMisses as refusal:
        return int(refusal.data["retry_after"])
    return 0


@pytest.mark.django_db
class TestMiss:
    def test_the_twentieth_in_ten_minutes_slows(self, noon: datetime) -> None:
        misses(19, noon)
        assert wait(noon) == 0
        misses(1, noon + 10 * MINUTE)
        assert wait(noon + 10 * MINUTE) == 60
        assert wait(noon + 10 * MINUTE + timedelta(seconds=59, milliseconds=1)) == 1
        assert wait(noon + 11 * MINUTE) == 0

    def test_those_spread_over_more_do_not(self, noon: datetime) -> None:
        for number in range(60):
            misses(1, noon + number * MINUTE)
        assert wait(noon + 60 * MINUTE) == 0

    def test_each_wait_is_twice_as_long_up_to_an_hour(self, noon: datetime) -> None:
        at, waits = noon, []
        misses(15, at)
        for _round in range(8):
            misses(5, at)
            waits.append(wait(at))
            at += timedelta(seconds=waits[-1])
        assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]

    def test_a_day_without_one_begins_anew(self, noon: datetime) -> None:
        misses(25, noon)
        later = noon + timedelta(days=1, microseconds=1)
        misses(1, later)
        assert wait(later) == 0
        misses(19, later)
        assert wait(later) == 60

    def test_others_are_not_slowed(self, noon: datetime) -> None:
        misses(20, noon)
        assert wait(noon, "key:2") == wait(noon, "member:1") == 0
