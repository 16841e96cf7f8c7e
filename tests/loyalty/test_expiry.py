import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from loyalty import awarding, expiry, ledger, queries
from loyalty.models import Entry, Hold, Program
from members import enrolment
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    credit,
    day,
    entries,
    figures,
    hold,
    lot_of,
    post,
    program,
    settle,
    wallet_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
A_MICROSECOND = timedelta(microseconds=1)


def lapses(start: str, **settings: object) -> str:
    """When points active from a local moment lapse, as a local moment of the program's zone."""
    settings = {"expiry_policy": "rolling", "expiry_months": 1, **settings}
    rules = Program(**settings)
    at = datetime.fromisoformat(start).replace(tzinfo=rules.zone)
    end = expiry.points_lapse_at(rules, at)
    return "never" if end is None else end.astimezone(rules.zone).isoformat()


class TestPointsLapseAt:
    @pytest.mark.parametrize(
        ("start", "months", "end"),
        [
            ("2026-11-21T12:00", 1, "2026-12-22T00:00:00+08:00"),
            ("2026-11-21T00:00", 1, "2026-12-22T00:00:00+08:00"),
            ("2026-11-21T23:59:59.999999", 1, "2026-12-22T00:00:00+08:00"),
            ("2026-11-22T00:00", 1, "2026-12-23T00:00:00+08:00"),
            ("2026-01-31T12:00", 1, "2026-03-01T00:00:00+08:00"),
            ("2024-01-31T12:00", 1, "2024-03-01T00:00:00+08:00"),
            ("2024-01-29T12:00", 1, "2024-03-01T00:00:00+08:00"),
            ("2024-01-28T12:00", 1, "2024-02-29T00:00:00+08:00"),
            ("2024-02-29T12:00", 12, "2025-03-01T00:00:00+08:00"),
            ("2024-02-29T12:00", 48, "2028-03-01T00:00:00+08:00"),
            ("2026-12-31T23:00", 24, "2029-01-01T00:00:00+08:00"),
            ("2026-08-31T12:00", 6, "2027-03-01T00:00:00+08:00"),
            ("2026-11-30T12:00", 1, "2026-12-31T00:00:00+08:00"),
            ("2026-11-21T12:00", 1200, "2126-11-22T00:00:00+08:00"),
        ],
    )
    def test_rolling_is_the_end_of_the_same_day_n_months_later(
        self, start: str, months: int, end: str
    ) -> None:
        assert lapses(start, expiry_months=months) == end

    @pytest.mark.parametrize(
        ("start", "months", "end"),
        [
            ("2026-11-01T00:00", 1, "2027-01-01T00:00:00+08:00"),
            ("2026-11-30T23:59:59.999999", 1, "2027-01-01T00:00:00+08:00"),
            ("2026-12-01T00:00", 1, "2027-02-01T00:00:00+08:00"),
            ("2026-01-31T12:00", 1, "2026-03-01T00:00:00+08:00"),
            ("2027-12-15T12:00", 2, "2028-03-01T00:00:00+08:00"),
            ("2026-11-30T12:00", 12, "2027-12-01T00:00:00+08:00"),
        ],
    )
    def test_month_end_is_the_end_of_the_nth_following_month(
        self, start: str, months: int, end: str
    ) -> None:
        assert lapses(start, expiry_policy="month_end", expiry_months=months) == end

    @pytest.mark.parametrize(
        ("start", "month_day", "end"),
        [
            ("2026-11-21T12:00", "12-31", "2027-01-01T00:00:00+08:00"),
            ("2026-12-31T00:00", "12-31", "2027-01-01T00:00:00+08:00"),
            ("2026-12-31T23:59:59.999999", "12-31", "2027-01-01T00:00:00+08:00"),
            ("2027-01-01T00:00", "12-31", "2028-01-01T00:00:00+08:00"),
            ("2026-11-21T12:00", "03-31", "2027-04-01T00:00:00+08:00"),
            ("2027-01-05T12:00", "02-29", "2027-03-01T00:00:00+08:00"),
            ("2028-01-05T12:00", "02-29", "2028-03-01T00:00:00+08:00"),
            ("2028-02-29T12:00", "02-29", "2028-03-01T00:00:00+08:00"),
            ("2028-03-01T00:00", "02-29", "2029-03-01T00:00:00+08:00"),
            ("2027-02-28T12:00", "02-29", "2027-03-01T00:00:00+08:00"),
            ("2027-03-01T00:00", "02-29", "2028-03-01T00:00:00+08:00"),
        ],
    )
    def test_fixed_date_is_the_end_of_the_first_such_day_on_or_after(
        self, start: str, month_day: str, end: str
    ) -> None:
        assert lapses(start, expiry_policy="fixed_date", expiry_date=month_day) == end

    def test_never_is_never(self) -> None:
        assert lapses("2026-11-21T12:00", expiry_policy="never") == "never"

    @pytest.mark.parametrize(
        ("zone", "start", "end"),
        [
            # 2026-11-21 04:00 UTC is the evening before in New York, the 21st in Auckland.
            ("America/New_York", "2026-11-20T23:00", "2026-12-21T00:00:00-05:00"),
            ("Pacific/Auckland", "2026-11-21T17:00", "2026-12-22T00:00:00+13:00"),
            # Summer time begins and ends: a day is as long as it is.
            ("Europe/Berlin", "2026-02-28T12:00", "2026-03-29T00:00:00+01:00"),
            ("Europe/Berlin", "2026-02-28T23:59", "2026-03-29T00:00:00+01:00"),
            ("Europe/Berlin", "2026-03-01T00:00", "2026-04-02T00:00:00+02:00"),
            ("Europe/Berlin", "2026-09-25T12:00", "2026-10-26T00:00:00+01:00"),
            ("Asia/Kathmandu", "2026-11-21T12:00", "2026-12-22T00:00:00+05:45"),
        ],
    )
    def test_days_are_those_of_the_programs_zone(self, zone: str, start: str, end: str) -> None:
        assert lapses(start, time_zone=zone) == end

    def test_a_day_whose_midnight_does_not_exist_begins_an_hour_later(self) -> None:
        # In Cairo the clocks went from 2026-04-23 24:00 to 2026-04-24 01:00.
        end = expiry.end_of_local_day(date(2026, 4, 23), ZoneInfo("Africa/Cairo"))

        assert end.astimezone(UTC) == datetime(2026, 4, 23, 22, 0, tzinfo=UTC)
        assert end.astimezone(UTC).astimezone(ZoneInfo("Africa/Cairo")).hour == 1

    @pytest.mark.parametrize(
        ("zone", "last_day", "end"),
        [
            # Midnight does not exist where summer time begins with the day.
            ("America/Sao_Paulo", date(2018, 11, 3), datetime(2018, 11, 4, 3, tzinfo=UTC)),
            ("Asia/Beirut", date(2026, 3, 28), datetime(2026, 3, 28, 22, tzinfo=UTC)),
            # It comes twice where summer time ends an hour after it: the first one counts.
            ("America/Havana", date(2026, 10, 31), datetime(2026, 11, 1, 4, tzinfo=UTC)),
            ("America/New_York", date(2026, 3, 7), datetime(2026, 3, 8, 5, tzinfo=UTC)),
            ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 9, 4, tzinfo=UTC)),
            # A day that a whole country left out: the 30th never was.
            ("Pacific/Apia", date(2011, 12, 29), datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ],
    )
    def test_a_day_ends_with_the_first_moment_of_the_next(
        self, zone: str, last_day: date, end: datetime
    ) -> None:
        found = expiry.end_of_local_day(last_day, ZoneInfo(zone))

        assert found == end
        before, after = (found - A_MICROSECOND, found)
        assert before.astimezone(ZoneInfo(zone)).date() == last_day
        assert after.astimezone(ZoneInfo(zone)).date() > last_day

    def test_inactivity_counts_from_what_was_last(self) -> None:
        settings = {"expiry_policy": "inactivity", "expiry_months": 6}
        rules = Program(**settings)
        earned = datetime(2026, 1, 31, 12, tzinfo=SHANGHAI)
        bought = datetime(2026, 8, 31, 12, tzinfo=SHANGHAI)

        assert lapses("2026-01-31T12:00", **settings) == "2026-08-01T00:00:00+08:00"
        for active_from, last_activity in [(earned, bought), (bought, earned), (bought, None)]:
            assert expiry.points_lapse_at(rules, active_from, last_activity) == datetime(
                2027, 3, 1, tzinfo=SHANGHAI
            )
        # Under the other policies it does not count.
        rules = Program(expiry_policy="rolling", expiry_months=6)
        assert expiry.points_lapse_at(rules, earned, bought) == datetime(
            2026, 8, 1, tzinfo=SHANGHAI
        )

    def test_depends_on_the_moment_not_on_how_it_was_written(self) -> None:
        rules = Program(expiry_policy="rolling", expiry_months=1)
        at = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)  # the 22nd in Shanghai

        assert expiry.points_lapse_at(rules, at) == expiry.points_lapse_at(
            rules, at.astimezone(ZoneInfo("America/New_York"))
        )
        assert expiry.points_lapse_at(rules, at) == datetime(2026, 12, 23, tzinfo=SHANGHAI)

    def test_status_has_its_own_policy(self) -> None:
        rules = Program(
            expiry_policy="never", status_expiry_policy="rolling", status_expiry_months=12
        )

        assert expiry.points_lapse_at(rules, NOON) is None
        assert expiry.status_lapses_at(rules, NOON) == datetime(2027, 11, 22, tzinfo=SHANGHAI)


class TestActiveFrom:
    def test_is_the_moment_itself_or_so_many_days_later_to_the_moment(self) -> None:
        assert expiry.active_from(Program(), NOON) == NOON
        assert expiry.active_from(Program(pending_days=7), NOON) == day(7)

    def test_does_not_depend_on_the_zone_the_moment_was_written_in(self) -> None:
        # Summer time ends in Berlin on 25 October: seven of its wall-clock days are an hour longer.
        at = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
        rules = Program(pending_days=7)

        in_berlin = expiry.active_from(rules, at.astimezone(ZoneInfo("Europe/Berlin")))

        assert in_berlin == expiry.active_from(rules, at)
        assert in_berlin.astimezone(UTC) == datetime(2026, 10, 27, 12, 0, tzinfo=UTC)


class TestValidity:
    """Points live to the last microsecond of their last day in the program's zone."""

    @pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Auckland"])
    def test_ends_with_the_local_day(self, bob: Member, zone: str) -> None:
        rules = program(expiry_months=1, time_zone=zone)
        awarding.award(member=bob, points=10, reference="a", details={}, at=NOON)
        end = expiry.end_of_local_day(
            expiry.add_months(NOON.astimezone(rules.zone).date(), 1), rules.zone
        )
        assert lot_of(wallet_of(bob), "a").expires_at == end

        active = [
            queries.figures(member=bob, at=at).active
            for at in (end - A_MICROSECOND, end, end + A_MICROSECOND)
        ]

        assert active == [10, 0, 0]
        settle(wallet_of(bob), end - A_MICROSECOND)
        assert figures(wallet_of(bob)) == {"active": 10, "earned": 10}
        settle(wallet_of(bob), end + timedelta(days=400))
        assert figures(wallet_of(bob)) == {"earned": 10, "expired": 10}
        assert Entry.objects.get(kind="expire").at == end

    def test_starts_at_activation(self, bob: Member) -> None:
        program(expiry_months=1, pending_days=20)

        awarding.award(member=bob, points=10, reference="a", details={}, at=NOON)

        lot = lot_of(wallet_of(bob), "a")
        assert lot.active_from == day(20)  # 11 December
        assert lot.expires_at == datetime(2027, 1, 12, tzinfo=SHANGHAI)

    def test_of_lots_that_exist_stays_when_the_policy_changes(self, bob: Member) -> None:
        program(expiry_policy="never")
        awarding.award(member=bob, points=10, reference="a", details={}, at=NOON)

        program(expiry_policy="rolling", expiry_months=1)
        awarding.award(member=bob, points=5, reference="b", details={}, at=NOON)

        assert lot_of(wallet_of(bob), "a").expires_at is None
        settle(wallet_of(bob), day(700))
        assert figures(wallet_of(bob)) == {"active": 10, "earned": 15, "expired": 5}


class TestExpireDue:
    def test_settles_points_and_status_of_everybody(self, bob: Member, mallory: Member) -> None:
        program(expiry_months=1)
        for member in (bob, mallory):
            awarding.award(member=member, points=10, reference="a", details={}, at=NOON)

        assert expiry.expire_due(at=day(30)) == 0
        assert expiry.expire_due(at=day(31)) == 2
        assert expiry.expire_due(at=day(31)) == 0
        assert entries(wallet_of(bob)) == [("earn", 10, 10), ("expire", -10, 0)]

    def test_takes_the_same_few_statements_for_one_wallet_and_for_many(
        self, bob: Member, mallory: Member
    ) -> None:
        program(expiry_months=1)
        for number in range(30):
            awarding.award(member=bob, points=10, reference=f"{number}", details={}, at=NOON)
        awarding.award(member=mallory, points=10, reference="a", details={}, at=NOON)
        statements: list[str] = []

        def count(execute, sql, params, many, context):
            statements.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            assert expiry.expire_due(at=day(40)) == 2

        assert len([each for each in statements if "SAVEPOINT" not in each]) == 1
        assert figures(wallet_of(bob)) == {"earned": 300, "expired": 300}


class TestTheNight:
    """Many workers, holds that time out, and a run that is killed: each thing happens once."""

    MEMBERS = 12

    @pytest.fixture
    def crowd(self, committed_db: Any) -> list[int]:
        """Wallets with a lot of 100 that lapses on day 1; a hold keeps 30 of it until day 2 in every second one."""
        newcomers = [
            enrolment.Newcomer(phone=f"+86136{number:08d}") for number in range(self.MEMBERS)
        ]
        found = enrolment.enrol_all(newcomers=newcomers, at=NOON)
        wallets = [wallet_of(each.member) for each in found if each.member]
        post(*(credit(wallet, 100, "in", expires_at=day(1)) for wallet in wallets))
        for wallet in wallets[::2]:
            hold(wallet, 30, until=day(2))
        return wallets

    def work(self, at: datetime, limit: int = 2) -> int:
        settled = 0
        while count := expiry.expire_due(at=at, limit=limit):
            settled += count
        return settled

    def test_a_wallet_is_due_when_a_hold_times_out(self, crowd: list[int]) -> None:
        assert self.work(day(1)) == self.MEMBERS
        assert figures(crowd[0]) == {"reserved": 30, "earned": 100, "expired": 70}
        assert figures(crowd[1]) == {"earned": 100, "expired": 100}
        assert self.work(day(2) - A_MICROSECOND) == 0

        assert self.work(day(2)) == self.MEMBERS // 2

        assert figures(crowd[0]) == {"earned": 100, "expired": 100}
        row = Hold.objects.get(wallet=crowd[0])
        assert (row.state, row.closed_at) == ("expired", day(2))
        lapses = Entry.objects.filter(wallet=crowd[0], kind="expire").order_by("sequence")
        assert [(each.points, each.at) for each in lapses] == [(-70, day(1)), (-30, day(1))]
        assert_clean()

    def test_workers_share_it(self, committed_db: Any, crowd: list[int]) -> None:
        results = committed_db.run_parallel(lambda _: self.work(day(3)), 6, 6)

        assert sum(results) == self.MEMBERS
        self.assert_all_lapsed_once(crowd)

    def test_a_killed_run_is_run_again(
        self, committed_db: Any, crowd: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        as_it_is = ledger.settle
        batches: list[int] = []

        def killed_in_the_third(**words: Any) -> int:
            batches.append(as_it_is(**words))
            if len(batches) == 3:
                raise KeyboardInterrupt  # written, and not committed
            return batches[-1]

        monkeypatch.setattr(ledger, "settle", killed_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            self.work(day(3))
        monkeypatch.setattr(ledger, "settle", as_it_is)
        assert Entry.objects.filter(kind="expire").values("wallet").distinct().count() == 4
        assert_clean()

        assert self.work(day(3)) == self.MEMBERS - 4

        self.assert_all_lapsed_once(crowd)

    def test_what_somebody_holds_is_left_to_the_next_run(
        self, committed_db: Any, crowd: list[int]
    ) -> None:
        def work(number: int) -> int:
            if number:
                barrier.wait(timeout=30)
                try:
                    return self.work(day(3))
                finally:
                    done.set()
            with transaction.atomic():
                ledger.lock_wallets(wallets=crowd[:3], at=NOON)
                barrier.wait(timeout=30)
                done.wait(timeout=30)
            return 0

        barrier, done = threading.Barrier(2), threading.Event()

        assert committed_db.run_parallel(work, 2, 2) == [0, self.MEMBERS - 3]
        assert self.work(day(3)) == 3
        self.assert_all_lapsed_once(crowd)

    def assert_all_lapsed_once(self, crowd: list[int]) -> None:
        assert [figures(wallet) for wallet in crowd] == [
            {"earned": 100, "expired": 100}
        ] * self.MEMBERS
        lapses = Entry.objects.filter(kind="expire")
        assert lapses.count() == self.MEMBERS  # both parts of a lot at once: one entry
        assert set(lapses.values_list("at", flat=True)) == {day(1)}
        assert set(Hold.objects.values_list("state", flat=True)) == {"expired"}
        assert_clean()
