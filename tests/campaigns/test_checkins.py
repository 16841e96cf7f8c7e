"""Signing in: once a program day, streaks, milestones, make-up cards."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import catching_up, checkins, sign_in_settings
from campaigns.checkins import SignedIn
from campaigns.errors import DayNotOver, NoCardLeft, SignedAlready, TooLongAgo
from campaigns.models import Act, CampaignAward, CheckIn
from campaigns.streaks import SignedDays
from loyalty import queries
from loyalty.errors import InsufficientPoints, WalletFrozen
from loyalty.ledger import statements
from loyalty.models import Entry
from members import enrolment
from members.errors import InvalidInput, MemberClosed, NotFound
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON, RealDatabase
from tests.loyalty.builders import examples, program, sandbox

TODAY = date(2026, 11, 21)


def on(day: date, hour: int = 4, minute: int = 0) -> datetime:
    """A moment of a day, noon in Shanghai unless said."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def days(*offsets: int) -> list[date]:
    """Days before today."""
    return [TODAY - timedelta(days=offset) for offset in offsets]


def sign(member: Member, day: date) -> SignedIn:
    return checkins.sign_in(member=member.number, at=on(day), now=max(on(day), NOON))


def make_up(member: Member, day: date, now: datetime = NOON) -> SignedIn:
    return checkins.make_up(member=member.number, day=day, now=now)


def active(member: Member) -> int:
    return queries.figures(member=member, at=NOON).active


def small_shop() -> None:
    """Ten points a day, fifty more on every seventh day in a row."""
    campaign("sign-in", trigger="check_in", effect=bonus(10))
    campaign("week", trigger="check_in", effect=bonus(50), event_data={"streak": {"every": 7}})


def long_member(member: Member) -> Member:
    """The same member, here for years."""
    Member.objects.filter(pk=member.pk).update(enrolled_at=NOON - timedelta(days=3_000))
    member.refresh_from_db()
    return member


class TestSignIn:
    def test_gives_what_the_campaigns_give_and_keeps_the_day(self, bob: Member):
        small_shop()

        done = sign(bob, TODAY)

        assert (done.day, done.points, done.streak, done.is_new) == (TODAY, 10, 1, True)
        row = CheckIn.objects.get()
        assert (row.member, row.day, row.points, row.streak, row.is_made_up) == (
            bob,
            TODAY,
            10,
            1,
            False,
        )
        assert active(bob) == 10
        act = Act.objects.get()
        assert (act.type, act.reference, act.source) == (
            "check_in",
            "check-in/2026-11-21",
            "system",
        )
        assert act.data == {"streak": 1, "total": 1, "month_total": 1, "day": "2026-11-21"}

    def test_of_a_week_gives_120(self, bob: Member):
        small_shop()

        gained = [sign(bob, day).points for day in days(6, 5, 4, 3, 2, 1, 0)]

        assert gained == [10, 10, 10, 10, 10, 10, 60]
        assert active(bob) == 120

    def test_answers_alike_when_the_day_was_signed(self, bob: Member):
        small_shop()
        first = sign(bob, TODAY)

        again = checkins.sign_in(
            member=bob.number, at=NOON + timedelta(hours=3), now=NOON + timedelta(hours=3)
        )

        assert not again.is_new
        assert (again.day, again.points, again.streak) == (first.day, first.points, first.streak)
        assert again.next_milestone == first.next_milestone
        assert active(bob) == 10

    def test_counts_without_any_campaign(self, bob: Member):
        done = sign(bob, TODAY)

        assert (done.points, done.streak, done.next_milestone) == (0, 1, None)
        assert not Entry.objects.exists()

    @pytest.mark.parametrize(
        ("at", "day"),
        [
            (datetime(2026, 11, 20, 15, 59, 59, 999_999, tzinfo=UTC), date(2026, 11, 20)),
            (datetime(2026, 11, 20, 16, 0, tzinfo=UTC), date(2026, 11, 21)),
            (datetime(2026, 11, 20, 16, 0, 0, 1, tzinfo=UTC), date(2026, 11, 21)),
            (datetime(2026, 2, 28, 15, 59, 59, 999_999, tzinfo=UTC), date(2026, 2, 28)),
            (datetime(2026, 2, 28, 16, 0, tzinfo=UTC), date(2026, 3, 1)),
            (datetime(2024, 2, 28, 16, 0, tzinfo=UTC), date(2024, 2, 29)),
            (datetime(2025, 12, 31, 15, 59, 59, 999_999, tzinfo=UTC), date(2025, 12, 31)),
            (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), date(2026, 1, 1)),
        ],
    )
    def test_belongs_to_the_programs_day(self, bob: Member, at: datetime, day: date):
        assert checkins.sign_in(member=bob.number, at=at, now=NOON).day == day

    def test_belongs_to_the_day_of_another_zone(self, bob: Member):
        program(time_zone="America/New_York")

        assert sign(bob, TODAY).day == date(2026, 11, 20)

    @pytest.mark.parametrize("ahead", [timedelta(minutes=5, microseconds=1), timedelta(days=1)])
    def test_refuses_the_future(self, bob: Member, ahead: timedelta):
        with pytest.raises(InvalidInput) as refused:
            checkins.sign_in(member=bob.number, at=NOON + ahead, now=NOON)

        assert (refused.value.pointer, refused.value.code) == ("/at", "future")
        assert not CheckIn.objects.exists()

    def test_takes_a_clock_that_is_a_little_ahead(self, bob: Member):
        at = NOON + timedelta(minutes=5)

        assert checkins.sign_in(member=bob.number, at=at, now=NOON).is_new

    @pytest.mark.parametrize("year", [1, 1969, 2000])
    def test_takes_any_past(self, bob: Member, year: int):
        at = datetime(year, 6, 1, 4, tzinfo=UTC)

        assert checkins.sign_in(member=bob.number, at=at, now=NOON).day.year == year

    def test_takes_the_first_day_of_the_calendar(self, bob: Member):
        at = datetime(1, 1, 1, tzinfo=UTC)

        assert checkins.sign_in(member=bob.number, at=at, now=NOON).streak == 1

    def test_refuses_what_no_calendar_holds(self, bob: Member):
        program(time_zone="America/New_York")

        with pytest.raises(InvalidInput):
            checkins.sign_in(member=bob.number, at=datetime(1, 1, 1, tzinfo=UTC), now=NOON)

    def test_refuses_strangers_and_the_closed(self, bob: Member):
        with pytest.raises(NotFound):
            checkins.sign_in(member="1", at=NOON, now=NOON)
        Member.objects.update(status="closed")
        with pytest.raises(MemberClosed):
            sign(bob, TODAY)
        assert not CheckIn.objects.exists()

    def test_goes_on_for_the_frozen(self, bob: Member):
        small_shop()
        Member.objects.update(status="frozen")

        assert sign(bob, TODAY).points == 10


class TestStreak:
    def test_ends_with_the_day_and_breaks_at_a_missed_one(self, bob: Member):
        for day in days(4, 3, 1):
            sign(bob, day)

        assert sign(bob, TODAY).streak == 2

    def test_goes_over_months_and_leap_days(self, bob: Member):
        found = [
            checkins.sign_in(member=bob.number, at=on(date(2024, month, day)), now=NOON).streak
            for month, day in [(2, 27), (2, 28), (2, 29), (3, 1), (3, 2)]
        ]

        assert found == [1, 2, 3, 4, 5]

    def test_of_a_month_begins_anew_with_it(self, bob: Member):
        for month, day in [(10, 30), (10, 31), (11, 1), (11, 2)]:
            checkins.sign_in(member=bob.number, at=on(date(2026, month, day)), now=NOON)

        data = Act.objects.get(reference="check-in/2026-11-02").data
        assert (data["streak"], data["total"], data["month_total"]) == (4, 4, 2)

    @given(
        st.sets(st.integers(0, 60), max_size=40),
        st.integers(0, 60),
    )
    @examples(200)
    def test_is_what_counting_back_finds(self, offsets: set[int], asked: int):
        signed = SignedDays(TODAY - timedelta(days=each) for each in offsets)
        day = TODAY - timedelta(days=asked)

        count = 0
        while asked + count in offsets:
            count += 1
        assert signed.streak(day) == count
        assert signed.total(day) == sum(each >= asked for each in offsets)


class TestMilestones:
    def test_is_the_nearest_day_that_brings_more(self, bob: Member):
        small_shop()

        done = [sign(bob, day) for day in days(6, 5, 4, 3, 2, 1, 0)]

        near = [each.next_milestone for each in done]
        assert near[-1] is not None
        assert (near[-1].reached, near[-1].extra, near[-1].left) == (14, 50, 7)

    def test_before_it(self, bob: Member):
        small_shop()
        for day in days(3, 2, 1):
            sign(bob, day)

        near = sign(bob, TODAY).next_milestone

        assert near is not None
        assert (near.reached, near.extra, near.left, near.points) == (7, 50, 3, 60)

    def test_takes_its_days_from_the_conditions(self, bob: Member):
        campaign("one", trigger="check_in", effect=bonus(5), event_data={"streak": 30})
        campaign("two", trigger="check_in", effect=bonus(20), event_data={"total": {"gte": 3}})

        near = sign(bob, TODAY).next_milestone

        assert near is not None
        assert (near.kind, near.reached, near.extra, near.left) == ("total", 3, 20, 2)

    @pytest.mark.parametrize(
        "not_for_bob",
        [{"tiers": ["gold"]}, {"enrolled_within_days": 1, "event_data": {"streak": 7}}],
    )
    def test_leaves_out_what_is_for_others(self, bob: Member, not_for_bob: dict[str, Any]):
        campaign(
            "others",
            trigger="check_in",
            effect=bonus(50),
            **{"event_data": {"streak": {"every": 7}}, **not_for_bob},
        )

        assert sign(bob, TODAY).next_milestone is None

    def test_is_none_once_it_was_reached_for_good(self, bob: Member):
        campaign("ever", trigger="check_in", effect=bonus(5), event_data={"streak": {"gte": 2}})
        sign(bob, TODAY - timedelta(days=1))

        assert sign(bob, TODAY).next_milestone is None


class TestPast:
    def test_joins_two_runs_and_gives_later_days_what_they_reach(self, bob: Member):
        small_shop()
        for day in days(6, 5, 4, 2, 1, 0):
            sign(bob, day)

        done = sign(bob, TODAY - timedelta(days=3))

        assert (done.points, done.streak) == (60, 4)
        assert active(bob) == 120
        late = Act.objects.get(reference="check-in/2026-11-21/2026-11-18")
        assert late.data["streak"] == 7
        assert late.points == 50
        assert CheckIn.objects.get(day=TODAY).points == 10

    def test_gives_nothing_twice(self, bob: Member):
        small_shop()
        late = days(7)[0]
        for day in [*days(14, 13, 12, 11, 10, 9, 8), *days(6, 5, 4, 3, 2, 1, 0)]:
            sign(bob, day)
        assert active(bob) == 14 * 10 + 2 * 50

        done = sign(bob, late)

        # Fifteen days in a row: two weeks, both given already.
        assert done.points == 10
        assert active(bob) == 15 * 10 + 2 * 50

    def test_moves_no_sum_that_was_given(self, bob: Member):
        campaign("ten", trigger="check_in", effect=bonus(7), event_data={"total": {"every": 2}})
        for day in days(4, 3, 2, 1):
            sign(bob, day)
        assert active(bob) == 14

        sign(bob, TODAY - timedelta(days=9))
        assert active(bob) == 14
        sign(bob, TODAY - timedelta(days=10))
        assert active(bob) == 21

    @given(st.lists(st.integers(0, 20), min_size=1, max_size=14, unique=True))
    @examples(40)
    @pytest.mark.django_db
    def test_gives_as_much_as_signing_in_time(self, offsets: list[int]):
        """Whatever the order in which days are signed: never less than in time, more only where a run was split."""
        with sandbox():
            small_shop()
            late, early = (
                enrolment.enrol(newcomer=enrolment.Newcomer(phone=f"+86137000000{n}"), at=NOON)
                for n in (10, 11)
            )
            for offset in offsets:
                sign(late, TODAY - timedelta(days=offset))
            for offset in sorted(offsets, reverse=True):
                sign(early, TODAY - timedelta(days=offset))

            assert active(late) >= active(early)
            runs = {SignedDays(days(*offsets)).streak(day) for day in days(*offsets)}
            if max(runs) < 14:
                assert active(late) == active(early)


class TestMakeUp:
    def test_signs_a_missed_day_with_a_card(self, bob: Member):
        small_shop()
        long_member(bob)
        for day in days(6, 5, 4, 2, 1, 0):
            sign(bob, day)

        done = make_up(bob, TODAY - timedelta(days=3))

        assert (done.points, done.streak, done.is_new) == (60, 4, True)
        row = CheckIn.objects.get(is_made_up=True)
        assert (row.day, row.at, row.points) == (TODAY - timedelta(days=3), NOON, 60)
        assert active(bob) == 120

    def test_takes_its_price(self, ada: Member):
        small_shop()
        long_member(ada)
        sign_in_settings.change(changes={"make_up_points": 30})

        make_up(ada, TODAY - timedelta(days=1))

        assert active(ada) == 1000 - 30 + 10
        entry = Entry.objects.get(kind="redeem")
        assert (entry.reference, entry.details) == (
            "make-up/2026-11-20",
            {"make_up": "2026-11-20"},
        )

    def test_refuses_what_cannot_be_made_up(self, bob: Member):
        long_member(bob)
        sign(bob, TODAY - timedelta(days=1))
        for day, refusal in [
            (TODAY, DayNotOver),
            (TODAY + timedelta(days=1), DayNotOver),
            (TODAY - timedelta(days=1), SignedAlready),
            (TODAY - timedelta(days=8), TooLongAgo),
        ]:
            with pytest.raises(refusal):
                make_up(bob, day)
        assert CheckIn.objects.count() == 1
        assert make_up(bob, TODAY - timedelta(days=7)).is_new

    def test_refuses_days_before_the_membership(self, bob: Member):
        with pytest.raises(TooLongAgo) as refused:
            make_up(bob, TODAY - timedelta(days=1))

        assert refused.value.data == {"earliest": "2026-11-21"}

    def test_has_so_many_cards_a_month(self, bob: Member):
        long_member(bob)
        make_up(bob, days(1)[0])
        make_up(bob, days(2)[0])

        with pytest.raises(NoCardLeft):
            make_up(bob, days(3)[0])

        # The month of use counts, on the program's clock.
        midnight = datetime(2026, 11, 30, 16, tzinfo=UTC)
        with pytest.raises(NoCardLeft):
            make_up(bob, date(2026, 11, 29), midnight - timedelta(microseconds=1))
        assert make_up(bob, date(2026, 11, 29), midnight).is_new

    def test_is_switched_off_without_cards(self, bob: Member):
        long_member(bob)
        sign_in_settings.change(changes={"make_up_cards": 0})

        with pytest.raises(NoCardLeft) as refused:
            make_up(bob, days(1)[0])
        assert refused.value.data == {"cards": 0}

    def test_takes_nothing_when_the_price_cannot_be_paid(self, bob: Member):
        long_member(bob)
        sign_in_settings.change(changes={"make_up_points": 30})

        with pytest.raises(InsufficientPoints):
            make_up(bob, days(1)[0])
        Member.objects.update(status="frozen")
        with pytest.raises(WalletFrozen):
            make_up(bob, days(1)[0])
        Member.objects.update(status="closed")
        with pytest.raises(MemberClosed):
            make_up(bob, days(1)[0])
        assert not CheckIn.objects.exists()
        assert not Act.objects.exists()


class TestSettings:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("make_up_cards", -1),
            ("make_up_cards", 32),
            ("make_up_cards", "2"),
            ("make_up_days", 0),
            ("make_up_points", 1_000_001),
            ("nothing", 1),
        ],
    )
    @pytest.mark.django_db
    def test_refuse_what_makes_no_sense(self, field: str, value: object):
        with pytest.raises(InvalidInput) as refused:
            sign_in_settings.change(changes={field: value})

        assert refused.value.pointer == f"/{field}"

    @pytest.mark.django_db
    def test_are_kept_in_one_row(self):
        sign_in_settings.change(changes={"make_up_cards": 5})
        sign_in_settings.change(changes={"make_up_days": 3})

        found = sign_in_settings.current()
        assert (found.make_up_cards, found.make_up_days, found.make_up_points) == (5, 3, 0)


# ---- at once ----------------------------------------------------------------------------------------
def _tap(bob: Member) -> Any:
    return lambda _number: checkins.sign_in(member=bob.number, at=NOON, now=NOON)


def _newcomer() -> Member:
    return enrolment.enrol(newcomer=enrolment.Newcomer(phone="+8613700000001"), at=NOON)


def test_fifty_taps_at_once_sign_once(committed_db: RealDatabase):
    small_shop()
    bob = _newcomer()

    results = committed_db.run_parallel(_tap(bob), times=50, connections_at_once=25)

    assert all(isinstance(each, SignedIn) for each in results)
    assert sum(each.is_new for each in results) == 1
    assert {(each.points, each.streak) for each in results} == {(10, 1)}
    assert CheckIn.objects.count() == Act.objects.count() == CampaignAward.objects.count() == 1
    assert active(bob) == 10


def test_without_the_lock_taps_meet_what_nobody_may_see(
    committed_db: RealDatabase, monkeypatch: pytest.MonkeyPatch
):
    """The twin: everybody has read before anybody writes, so all but one run into the unique key."""
    small_shop()
    bob = _newcomer()
    everybody = threading.Barrier(20)
    original = checkins._sign

    def read_together(signer: Any, day: date, at: datetime) -> Any:
        assert not signer.rows
        everybody.wait(timeout=30)
        return original(signer, day, at)

    for name in ("LOCK_BY_MEMBER", "LOCK_BY_ID"):
        statement = getattr(statements, name)
        monkeypatch.setattr(statements, name, statement.replace(" FOR NO KEY UPDATE OF w", ""))
    monkeypatch.setattr(checkins, "_sign", read_together)

    results = committed_db.run_parallel(_tap(bob), times=20, connections_at_once=20)

    broken = [each for each in results if isinstance(each, Exception)]
    assert len(broken) == 19
    assert CheckIn.objects.count() == 1


def test_two_missed_days_at_once_use_a_card_each(committed_db: RealDatabase):
    small_shop()
    bob = long_member(_newcomer())
    missed = days(1, 2, 3, 4, 5, 6, 7)

    results = committed_db.run_parallel(
        lambda number: make_up(bob, missed[number % 7]), times=21, connections_at_once=21
    )

    assert sum(isinstance(each, SignedIn) for each in results) == 2
    assert {type(each) for each in results} <= {SignedIn, NoCardLeft, SignedAlready}
    assert CheckIn.objects.filter(is_made_up=True).count() == 2


def test_later_days_need_no_more_queries(bob: Member, django_assert_max_num_queries: Any):
    small_shop()
    for offset in range(30, 0, -1):
        sign(bob, TODAY - timedelta(days=offset))

    with django_assert_max_num_queries(40):
        sign(bob, TODAY)
    assert (
        catching_up.occurrences(
            member=bob, family=[bob.pk], before=SignedDays([]), day=TODAY, moments={}
        )
        == []
    )
