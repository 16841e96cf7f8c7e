"""Birthdays and anniversaries: once a year, on the right day, whatever night was missed."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from campaigns import act_awards, anniversaries
from campaigns.models import Act, Campaign
from loyalty import closing
from loyalty.ledger import statements
from loyalty.models import Entry
from members import enrolment
from members.enrolment import Newcomer
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.loyalty.builders import assert_clean, entries, program, wallet_of
from tests.loyalty.test_races import LOCKING, broken, outcomes

LONG_AGO = datetime(2019, 3, 1, tzinfo=UTC)


def night(day: date, hour: float = 0.5) -> datetime:
    """A moment of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 8)


def member(birthday: date | None = None, enrolled_at: datetime = LONG_AGO, n: int = 0) -> Member:
    newcomer = Newcomer(phone=f"+86137{n:08d}", birthday=birthday, enrolled_at=enrolled_at)
    return enrolment.enrol(newcomer=newcomer, at=night(date(2026, 1, 1)))


@pytest.fixture
def gift(db: None) -> None:
    campaign("birthday", trigger="birthday", effect=bonus(100))


@pytest.fixture
def yearly(db: None) -> None:
    campaign("anniversary", trigger="anniversary", effect=bonus(10))


def kept() -> list[tuple[str, int]]:
    return list(Act.objects.order_by("id").values_list("reference", "points"))


@pytest.mark.usefixtures("gift")
class TestBirthday:
    @pytest.mark.parametrize(
        ("at", "count"),
        [
            (datetime(2026, 5, 31, 15, 59, 59, 999999, tzinfo=UTC), 0),
            (datetime(2026, 5, 31, 16, 0, tzinfo=UTC), 1),
            (datetime(2026, 5, 31, 16, 0, 0, 1, tzinfo=UTC), 1),
        ],
        ids=str,
    )
    def test_begins_with_the_first_moment_of_the_programs_day(
        self, at: datetime, count: int
    ) -> None:
        member(date(1990, 6, 1))

        assert anniversaries.keep(at=at) == count
        if count:
            assert Entry.objects.get().at == datetime(2026, 5, 31, 16, 0, tzinfo=UTC)

    def test_in_another_zone_it_is_that_zones_day(self) -> None:
        program(time_zone="America/New_York")
        member(date(1990, 6, 1))

        assert anniversaries.keep(at=datetime(2026, 6, 1, 3, 59, tzinfo=UTC)) == 0
        assert anniversaries.keep(at=datetime(2026, 6, 1, 4, 0, tzinfo=UTC)) == 1

    def test_comes_once_however_often_the_night_comes(self) -> None:
        bob = member(date(1990, 6, 1))

        found = [anniversaries.keep(at=night(date(2026, 6, day))) for day in (1, 1, 2, 14)]

        assert found == [1, 0, 0, 0]
        assert entries(wallet_of(bob)) == [("earn", 100, 100)]
        assert_clean()

    def test_comes_every_year(self) -> None:
        member(date(1990, 6, 1))

        for year in (2026, 2027):
            anniversaries.keep(at=night(date(year, 6, 1)))

        assert kept() == [("birthday/2026", 100), ("birthday/2027", 100)]

    @pytest.mark.parametrize(("late", "count"), [(1, 1), (14, 1), (15, 0)])
    def test_missed_nights_are_made_up_for(self, late: int, count: int) -> None:
        member(date(1990, 6, 1))

        assert anniversaries.keep(at=night(date(2026, 6, 1) + timedelta(days=late))) == count

    def test_a_night_missed_over_the_new_year_counts_for_the_old_one(self) -> None:
        member(date(1990, 12, 31))

        anniversaries.keep(at=night(date(2027, 1, 2)))
        anniversaries.keep(at=night(date(2027, 12, 31)))

        assert [reference for reference, _ in kept()] == ["birthday/2026", "birthday/2027"]

    @pytest.mark.parametrize(
        ("day", "count"),
        [
            (date(2027, 2, 27), 0),
            (date(2027, 2, 28), 1),  # a common year
            (date(2028, 2, 28), 0),
            (date(2028, 2, 29), 1),  # a leap year
        ],
        ids=str,
    )
    def test_29_february_is_kept_on_the_28th_of_common_years(self, day: date, count: int) -> None:
        member(date(1992, 2, 29))

        assert anniversaries.keep(at=night(day)) == count

    def test_a_day_of_birth_on_28_february_comes_once(self) -> None:
        member(date(1992, 2, 28))

        assert [anniversaries.keep(at=night(date(2028, 2, day))) for day in (28, 29)] == [1, 0]

    def test_an_edited_birthday_gives_no_second_gift_in_the_year(self) -> None:
        bob = member(date(1990, 6, 1))
        anniversaries.keep(at=night(date(2026, 6, 1)))

        enrolment.change(
            member=bob, changes={"birthday": date(1990, 9, 1)}, at=night(date(2026, 8, 1))
        )

        assert anniversaries.keep(at=night(date(2026, 9, 1))) == 0
        assert anniversaries.keep(at=night(date(2027, 9, 1))) == 1

    def test_needs_to_be_a_member_before_the_day(self) -> None:
        start = night(date(2026, 6, 1), 0)
        member(date(1990, 6, 1), enrolled_at=start, n=1)
        member(date(1990, 6, 1), enrolled_at=start - timedelta(microseconds=1), n=2)

        assert anniversaries.keep(at=night(date(2026, 6, 1))) == 1

    def test_not_of_who_was_closed(self) -> None:
        bob = member(date(1990, 6, 1))
        asked = closing.Closing(member=bob.number)
        closing.close(closing=asked, by="eve", at=night(date(2026, 1, 2)))

        assert anniversaries.keep(at=night(date(2026, 6, 1))) == 0

    def test_without_a_campaign_nothing_is_looked_for(
        self, django_assert_max_num_queries: Any
    ) -> None:
        Campaign.objects.update(state="paused")
        member(date(1990, 6, 1))

        with django_assert_max_num_queries(20):
            assert anniversaries.keep(at=night(date(2026, 6, 1))) == 0
        assert Act.objects.count() == 0

    def test_goes_on_set_by_set(self) -> None:
        for n in range(7):
            member(date(1990, 6, 1), n=n)

        assert anniversaries.keep(at=night(date(2026, 6, 1)), limit=3) == 7
        assert Entry.objects.filter(points=100).count() == 7
        assert_clean()


@pytest.mark.usefixtures("yearly")
class TestAnniversary:
    def test_counts_the_years(self) -> None:
        member(enrolled_at=night(date(2024, 6, 1), 23.9))

        anniversaries.keep(at=night(date(2026, 6, 1)))

        act = Act.objects.get()
        assert (act.reference, act.data, act.points) == ("anniversary/2026", {"years": 2}, 10)

    @pytest.mark.parametrize(("hour", "count"), [(0, 1), (23.999, 1), (24, 0), (-0.001, 0)])
    def test_is_that_of_the_local_day(self, hour: float, count: int) -> None:
        member(enrolled_at=night(date(2024, 6, 1), hour))

        anniversaries.keep(at=night(date(2026, 6, 1)))

        assert sum(act.at == night(date(2026, 6, 1), 0) for act in Act.objects.all()) == count

    def test_not_on_the_day_itself(self) -> None:
        member(enrolled_at=night(date(2026, 6, 1), 0))

        assert anniversaries.keep(at=night(date(2026, 6, 1), 2)) == 0
        assert anniversaries.keep(at=night(date(2027, 6, 1))) == 1

    @pytest.mark.parametrize(
        ("enrolled", "day", "count"),
        [
            (date(2024, 2, 29), date(2027, 2, 28), 1),
            (date(2024, 2, 29), date(2028, 2, 28), 0),
            (date(2024, 2, 29), date(2028, 2, 29), 1),
            (date(2025, 2, 28), date(2028, 2, 28), 1),
            (date(2025, 2, 28), date(2027, 2, 28), 1),
            (date(2023, 3, 1), date(2027, 2, 28), 0),
        ],
        ids=str,
    )
    def test_keeps_29_february_as_birthdays_do(
        self, enrolled: date, day: date, count: int
    ) -> None:
        member(enrolled_at=night(enrolled, 12))

        assert anniversaries.keep(at=night(day)) == count

    def test_with_nobody_there_is_none(self) -> None:
        assert anniversaries.keep(at=night(date(2026, 6, 1))) == 0

    def test_of_many_years_on_one_day_says_each(self) -> None:
        for n in range(3):
            member(enrolled_at=night(date(2020 + n, 6, 1), 12), n=n)

        assert anniversaries.keep(at=night(date(2026, 6, 1))) == 3
        found = sorted(act.data["years"] for act in Act.objects.all())
        assert found == [4, 5, 6]


class TestTwoWorkers:
    DAY = date(2026, 6, 1)

    def members(self, count: int) -> None:
        campaign("birthday", trigger="birthday", effect=bonus(100))
        for n in range(count):
            member(date(1990, 6, 1), n=n)

    def test_at_once_give_each_gift_once(self, committed_db: Any) -> None:
        self.members(30)

        results = committed_db.run_parallel(
            lambda _: anniversaries.keep(at=night(self.DAY), limit=7), 4, connections_at_once=4
        )

        assert outcomes(results) == {"int": 4}
        assert Act.objects.count() == 30
        assert Entry.objects.filter(points=100).count() == 30
        assert_clean()

    def test_without_locks_they_meet_the_unique_key(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.members(5)
        for name in ("LOCK_BY_MEMBER", "LOCK_BY_ID"):
            statement = getattr(statements, name)
            monkeypatch.setattr(statements, name, statement.replace(LOCKING, ""))
        as_it_is = act_awards.give

        def slowly(**what: Any) -> None:
            time.sleep(0.3)
            as_it_is(**what)

        monkeypatch.setattr(act_awards, "give", slowly)

        results = committed_db.run_parallel(
            lambda _: anniversaries.keep(at=night(self.DAY)), 2, connections_at_once=2
        )

        assert broken(results) > 0
