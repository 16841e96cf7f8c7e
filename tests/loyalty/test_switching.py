"""Switching expiry on: what never expired gets a date, never before one full period."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty import awarding, ledger, queries, switching, tasks
from loyalty.ledger import extending, loading, writing
from loyalty.models import Lot, Program, Wallet
from members import enrolment
from members.errors import InvalidInput
from members.models import Member
from tests.conftest import NOON
from tests.console import desk, filled
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    figures,
    hold,
    lot_of,
    post,
    program,
    settle,
    wallet_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
MICROSECOND = timedelta(microseconds=1)
PROGRAM = "/console/loyalty/program/1/change/"


@pytest.fixture
def eternal(bob: Member) -> Member:
    """Bob with 100 points that never expire in a program without expiry."""
    program(expiry_policy="never", status_expiry_policy="never")
    post(credit(wallet_of(bob), 100, "old", at=day(-900), active_from=day(-900)))
    return bob


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def switch(at: datetime = NOON, field: str = "expiry", **setting: Any) -> switching.Changed:
    return switching.change_program(changes={field: setting}, at=at)


def expires(member: Member, reference: str = "old", code: str = "points") -> datetime | None:
    return lot_of(wallet_of(member, code), reference).expires_at


class TestSwitchingOn:
    @pytest.mark.parametrize(
        ("at", "setting", "end"),
        [
            ("2026-11-21T12:00", {"policy": "rolling", "months": 24}, "2028-11-22"),
            ("2026-11-21T23:59:59.999999", {"policy": "rolling", "months": 1}, "2026-12-22"),
            ("2026-11-22T00:00", {"policy": "rolling", "months": 1}, "2026-12-23"),
            ("2027-01-31T12:00", {"policy": "rolling", "months": 1}, "2027-03-01"),
            ("2028-01-31T12:00", {"policy": "rolling", "months": 1}, "2028-03-01"),
            ("2026-11-21T12:00", {"policy": "month_end", "months": 1}, "2027-01-01"),
            ("2026-11-21T12:00", {"policy": "inactivity", "months": 6}, "2027-05-22"),
            ("2026-11-21T12:00", {"policy": "fixed_date", "date": "12-31"}, "2028-01-01"),
            ("2026-11-21T12:00", {"policy": "fixed_date", "date": "11-21"}, "2027-11-22"),
            ("2026-11-21T12:00", {"policy": "fixed_date", "date": "11-20"}, "2028-11-21"),
            ("2028-02-29T12:00", {"policy": "fixed_date", "date": "02-29"}, "2029-03-01"),
            ("2027-02-28T12:00", {"policy": "fixed_date", "date": "02-29"}, "2028-03-01"),
            ("2026-12-31T23:59:59", {"policy": "fixed_date", "date": "12-31"}, "2028-01-01"),
        ],
    )
    def test_gives_lots_a_date_one_full_period_away(
        self, eternal: Member, at: str, setting: dict[str, Any], end: str
    ) -> None:
        changed = switch(local(at), **setting)

        assert (changed.is_switched, changed.dated) == (True, 1)
        assert expires(eternal) == local(f"{end}T00:00")
        assert_clean()

    def test_lets_them_lapse_then_and_not_before(self, eternal: Member) -> None:
        switch(policy="rolling", months=6)
        end = local("2027-05-22T00:00")

        shown = [
            queries.figures(member=eternal, at=at).active
            for at in (end - MICROSECOND, end, end + MICROSECOND)
        ]

        assert shown == [100, 0, 0]
        settle(wallet_of(eternal), end)
        assert figures(wallet_of(eternal)) == {"earned": 100, "expired": 100}

    def test_counts_a_pending_lot_from_its_activation(self, eternal: Member) -> None:
        wallet = wallet_of(eternal)
        post(credit(wallet, 5, "later", active_from=local("2027-06-15T12:00")))

        switch(policy="rolling", months=1)

        assert expires(eternal) == local("2026-12-22T00:00")
        assert expires(eternal, "later") == local("2027-07-16T00:00")
        assert queries.wallet_of(member=eternal).next_due_at == local("2026-12-22T00:00")
        assert_clean()

    def test_leaves_other_lots_and_the_other_point_type_alone(
        self, eternal: Member, mallory: Member
    ) -> None:
        wallet = wallet_of(eternal)
        post(
            credit(wallet, 5, "dated", expires_at=day(3)),
            credit(wallet_of(eternal, "status"), 7, "status"),
        )
        post(credit(wallet, 9, "spent", expires_at=None), at=NOON)

        changed = switch(policy="rolling", months=12)

        assert changed.dated == 2
        assert expires(eternal, "dated") == day(3)
        assert expires(eternal, "status", "status") is None
        assert figures(wallet) == {"active": 114, "earned": 114}

    def test_of_status_dates_status_and_the_next_look_at_the_tier(self, eternal: Member) -> None:
        post(credit(wallet_of(eternal, "status"), 7, "status"))

        changed = switch(field="status_expiry", policy="rolling", months=12)

        assert changed.dated == 1
        end = local("2027-11-22T00:00")
        assert expires(eternal, "status", "status") == end
        assert expires(eternal) is None
        assert Member.objects.get(pk=eternal.pk).tier_review_at == end

    def test_of_both_at_once_dates_both(self, eternal: Member) -> None:
        post(credit(wallet_of(eternal, "status"), 7, "status"))

        changed = switching.change_program(
            changes={
                "expiry": {"policy": "rolling", "months": 24},
                "status_expiry": {"policy": "rolling", "months": 12},
            },
            at=NOON,
        )

        assert changed.dated == 2

    def test_follows_a_zone_that_changes_along(self, eternal: Member) -> None:
        switching.change_program(
            changes={
                "time_zone": "America/New_York",
                "expiry": {"policy": "rolling", "months": 1},
            },
            at=NOON,
        )

        assert expires(eternal) == datetime(
            2026, 12, 21, 5, tzinfo=UTC
        )  # the evening of 20 November there

    def test_does_not_disturb_a_hold(self, eternal: Member) -> None:
        row = hold(wallet_of(eternal), 40, until=day(1))

        switch(policy="rolling", months=1)

        assert figures(wallet_of(eternal)) == {"active": 60, "reserved": 40, "earned": 100}
        settle(wallet_of(eternal), day(400))
        assert figures(wallet_of(eternal)) == {"earned": 100, "expired": 100}
        row.refresh_from_db()
        assert row.state == "expired"
        assert_clean()

    def test_gives_lots_made_afterwards_their_own_date(self, eternal: Member) -> None:
        switch(policy="rolling", months=12)

        awarding.award(member=eternal, points=5, reference="new", details={}, at=day(30))

        assert expires(eternal, "new") == local("2027-12-22T00:00")

    def test_refused_for_another_setting_changes_nothing(self, eternal: Member) -> None:
        before = (books(), Program.objects.values().get())

        with pytest.raises(InvalidInput):
            switching.change_program(
                changes={"expiry": {"policy": "rolling"}, "pending_days": -1}, at=NOON
            )

        assert (books(), Program.objects.values().get()) == before


class TestOtherChanges:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("rolling", {"policy": "never"}),
            ("rolling", {"policy": "rolling", "months": 1}),
            ("rolling", {"policy": "inactivity", "months": 1}),
            ("inactivity", {"policy": "fixed_date", "date": "12-31"}),
            ("never", {"policy": "never"}),
        ],
    )
    def test_leave_existing_lots_as_they_are(
        self, bob: Member, before: str, after: dict[str, Any]
    ) -> None:
        program(expiry_policy=before)
        post(credit(wallet_of(bob), 5, "eternal"))
        post(credit(wallet_of(bob), 5, "dated", expires_at=day(9)))
        books_before = books()

        changed = switch(**after)

        assert (changed.is_switched, changed.dated) == (False, 0)
        assert books() == books_before
        assert Program.objects.get().lots_to_date == {}

    def test_of_the_time_zone_leave_the_moments_and_new_lots_follow(self, bob: Member) -> None:
        program(expiry_months=1)
        awarding.award(member=bob, points=5, reference="a", details={}, at=NOON)

        switching.change_program(changes={"time_zone": "America/New_York"}, at=NOON)
        awarding.award(member=bob, points=5, reference="b", details={}, at=NOON)

        assert expires(bob, "a") == local("2026-12-22T00:00")
        assert expires(bob, "b") == datetime(
            2026, 12, 21, 5, tzinfo=UTC
        )  # the evening of 20 November there


@pytest.fixture
def many(eternal: Member, mallory: Member, monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    """Two members with more lots than are dated at once, one wallet a batch."""
    monkeypatch.setattr(switching, "AT_ONCE", 2)
    monkeypatch.setattr(switching, "WALLETS_IN_BATCH", 1)
    for number in range(3):
        post(credit(wallet_of(mallory), 10, f"m{number}"))
    return [eternal, mallory]


class TestManyLots:
    def test_are_left_to_the_task(self, many: list[Member]) -> None:
        changed = switch(policy="rolling", months=6)

        assert (changed.is_switched, changed.dated) == (True, None)
        assert Lot.objects.filter(expires_at=None).count() == 4

        assert switching.date_lots(at=day(1)) == 4

        # One full period from the moment of switching, not of the task.
        assert set(Lot.objects.values_list("expires_at", flat=True)) == {local("2027-05-22T00:00")}
        assert Program.objects.get().lots_to_date == {}
        assert_clean()

    def test_the_task_finishes_what_a_broken_run_left(
        self, many: list[Member], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        switch(policy="rolling", months=6)
        as_it_is = ledger.date_eternal
        done: list[int] = []

        def once(**words: Any) -> int:
            if done:
                raise KeyboardInterrupt
            done.append(as_it_is(**words))
            return done[0]

        monkeypatch.setattr(ledger, "date_eternal", once)
        with pytest.raises(KeyboardInterrupt):
            switching.date_lots(at=day(1))
        monkeypatch.setattr(ledger, "date_eternal", as_it_is)
        assert Program.objects.get().lots_to_date != {}

        assert switching.date_lots(at=day(2)) == 4 - done[0]
        assert switching.date_lots(at=day(2)) == 0
        assert set(Lot.objects.values_list("expires_at", flat=True)) == {local("2027-05-22T00:00")}

    def test_what_is_made_since_is_left_alone(self, many: list[Member]) -> None:
        switch(policy="rolling", months=6)
        awarding.award(member=many[0], points=5, reference="new", details={}, at=day(30))
        awarding.award(
            member=many[0], points=5, reference="gift", details={}, at=day(30), expires_at=None
        )

        switching.date_lots(at=day(30))

        assert expires(many[0], "new") == local(
            "2027-06-22T00:00"
        )  # noon of 21 December + 6 months
        assert expires(many[0], "gift") is None

    def test_what_is_switched_off_again_stays_eternal(self, many: list[Member]) -> None:
        switch(policy="rolling", months=6)
        switch(at=day(1), policy="never")

        assert switching.date_lots(at=day(1)) == 0
        assert Program.objects.get().lots_to_date == {}
        assert Lot.objects.filter(expires_at=None).count() == 4

    def test_switched_off_and_on_again_the_last_moment_counts(self, many: list[Member]) -> None:
        switch(policy="rolling", months=6)
        switch(at=day(1), policy="never")
        switch(at=day(10), policy="rolling", months=6)

        assert switching.date_lots(at=day(11)) == 4
        assert set(Lot.objects.values_list("expires_at", flat=True)) == {local("2027-06-02T00:00")}

    def test_other_settings_changed_meanwhile_change_nothing_of_it(
        self, many: list[Member]
    ) -> None:
        switch(policy="rolling", months=6)
        switch(at=day(1), policy="rolling", months=1)

        assert switching.date_lots(at=day(1)) == 4
        assert set(Lot.objects.values_list("expires_at", flat=True)) == {local("2027-05-22T00:00")}

    def test_the_task_of_the_timetable_does_it(self, many: list[Member]) -> None:
        switch(policy="rolling", months=6)

        assert tasks.date_lots() == 4
        assert tasks.date_lots() == 0

    def test_a_few_are_looked_at_once_more_for_what_others_were_just_writing(
        self, eternal: Member
    ) -> None:
        switch(policy="rolling", months=6)
        assert set(Program.objects.get().lots_to_date) == {"points"}

        assert tasks.date_lots() == 0
        assert Program.objects.get().lots_to_date == {}


class TestAtTheSameTime:
    def test_two_workers_and_spenders_leave_clean_books(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(switching, "AT_ONCE", 1)
        monkeypatch.setattr(switching, "WALLETS_IN_BATCH", 3)
        program(expiry_policy="never")
        newcomers = [enrolment.Newcomer(phone=f"+86136{n:08d}") for n in range(10)]
        members = [
            each.member
            for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)
            if each.member
        ]
        wallets = [wallet_of(member) for member in members]
        for wallet in wallets:
            post(*(credit(wallet, 10, f"{n}") for n in range(5)))
        switch(policy="rolling", months=6)

        def work(number: int) -> Any:
            if number < 4:
                return switching.date_lots(at=NOON)
            return post(debit(wallets[number % 10], 12, f"D{number}"))

        results = committed_db.run_parallel(work, 24, 12)

        assert [each for each in results if isinstance(each, Exception)] == []
        switching.date_lots(at=NOON)
        open_lots = Lot.objects.filter(remaining__gt=0)
        assert set(open_lots.values_list("expires_at", flat=True)) == {local("2027-05-22T00:00")}
        assert Program.objects.get().lots_to_date == {}
        due = Wallet.objects.filter(pk__in=wallets).values_list("next_due_at", flat=True)
        assert set(due) == {local("2027-05-22T00:00")}
        assert_clean()


class TestWhileSomebodySpends:
    """A spender has read a lot that never expires, and writes it back when it has been dated."""

    @pytest.fixture
    def spender(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], set[datetime | None]]:
        monkeypatch.setattr(switching, "AT_ONCE", 0)
        program(expiry_policy="never")
        member = enrolment.enrol(newcomer=enrolment.Newcomer(phone="+8613600000001"), at=NOON)
        wallet = wallet_of(member)
        post(credit(wallet, 100, "old"))
        switch(policy="rolling", months=6)
        has_read, is_dated = threading.Event(), threading.Event()

        def slowly(*words: Any) -> None:
            loading.load_lots(*words)
            has_read.set()
            is_dated.wait(timeout=3)  # in vain where the lock keeps the others waiting

        def work(number: int) -> Any:
            if number == 0:
                return post(debit(wallet, 12, "D"))
            has_read.wait(timeout=30)
            dated = switching.date_lots(at=NOON)
            is_dated.set()
            return dated

        def run() -> set[datetime | None]:
            monkeypatch.setattr(writing, "load_lots", slowly)
            results = committed_db.run_parallel(work, 2, 2)
            assert results[1] == 1
            return set(Lot.objects.values_list("expires_at", flat=True))

        return run

    def test_the_date_stays(self, spender: Callable[[], set[datetime | None]]) -> None:
        assert spender() == {local("2027-05-22T00:00")}

    def test_without_the_lock_it_is_lost(
        self,
        spender: Callable[[], set[datetime | None]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def unlocked(*, wallets: list[int], at: datetime) -> ledger.Held:
            return ledger.Held({}, at)

        monkeypatch.setattr(ledger, "lock_wallets", unlocked)
        # Writing the wallet would wait for the spender too.
        monkeypatch.setattr(extending, "_DUE", "SELECT %s::timestamptz, %s::bigint[]")

        assert spender() == {None}


class TestInTheConsole:
    def test_the_page_says_how_many_lots_got_a_date(self, eternal: Member) -> None:
        client = desk("owner")
        form = filled(client.get(PROGRAM), expiry_policy="inactivity", expiry_months="9")

        page = client.post(PROGRAM, form, follow=True)

        said = [str(each) for each in page.context["messages"]]
        assert len(said) == 2
        assert "1" in said[0]
        assert Program.objects.get().expiry_policy == "inactivity"
        assert expires(eternal) is not None
