import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty import ledger, ordering, refunds, spending, tasks, tiers
from loyalty.models import Wallet
from loyalty.ordering import OrderFacts
from loyalty.refunds import RefundFacts
from members import enrolment, tiering
from members import queries as member_queries
from members.models import Member, Tier
from tests.conftest import NOON, RealDatabase
from tests.loyalty.builders import credit, day, order, post, program, wallet_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
TICK = timedelta(microseconds=1)
TOLD: list[tuple[str, str, str, datetime]] = []


def listen(event: str, members: Any, at: datetime) -> None:
    """A handler of MEMBER_EVENTS that remembers the steps of tiers."""
    if event.startswith("tier_"):
        TOLD.extend((event, member.name, member.tier.code, at) for member in members)


@pytest.fixture
def told(settings: Any) -> Iterator[list[tuple[str, str, str, datetime]]]:
    """What is told about tiers: event, member, tier, moment."""
    TOLD.clear()
    settings.MEMBER_EVENTS = [*settings.MEMBER_EVENTS, "tests.loyalty.test_tiers.listen"]
    yield TOLD
    TOLD.clear()


def falling(policy: str = "to_eligible", **more: Any) -> None:
    """Every tier falls by this policy."""
    Tier.objects.exclude(code="base").update(downgrade=policy, **more)


def place(member: Member, number: str, amount: str, at: datetime, now: datetime = NOON) -> None:
    facts = order(number, amount, member=member, placed_at=at)
    ordering.place(order=facts, at=max(now, at))


def refund(number: str, at: datetime = NOON, amount: str | None = None) -> None:
    money = amount or str(ordering_of(number).amount)
    facts = RefundFacts(reference=f"refund-{number}-{money}", at=at, amount=Decimal(money))
    refunds.refund(source="default", number=number, facts=facts, now=max(at, NOON))


def ordering_of(number: str) -> Any:
    from loyalty import queries

    return queries.order(source="default", number=number)


def history(member: Member) -> list[tuple[datetime, str, str]]:
    """(moment, tier, reason) in the order of time, without the enrolment."""
    rows = member.tier_changes.exclude(reason="enrolled").order_by("at", "id")
    return list(rows.values_list("at", "tier__code", "reason"))


def fresh(member: Member) -> Member:
    return Member.objects.select_related("tier").get(pk=member.pk)


def shown(member: Member, at: datetime) -> str:
    """The tier that pages show at a moment."""
    found = fresh(member)
    tiers.show(members=[found], at=at)
    return found.tier.code


def review(at: datetime) -> int:
    return tiers.review_due(at=at)


LAPSE = datetime(2027, 11, 22, tzinfo=SHANGHAI)  # of what is earned on the tests' day


class TestLoadWalks:
    def test_reads_the_credits_only_of_those_who_may_reach_a_tier(
        self, bob: Member, mallory: Member
    ) -> None:
        for member in (bob, mallory):
            post(credit(wallet_of(member, "status"), 3000, "before"))

        walks = tiers.load_walks(
            expected={bob.pk: 2000, mallory.pk: 1999},
            lifetimes={bob.pk: 3000, mallory.pk: 3000},
            since=NOON,
        )

        climb = walks[bob.pk].climb
        assert climb is not None
        assert [each.points for each in climb.credits] == [3000]
        assert walks[mallory.pk].climb is None

    def test_leaves_out_what_had_lapsed_before(self, bob: Member) -> None:
        status = wallet_of(bob, "status")
        post(
            credit(status, 3000, "lapsed", active_from=day(-9), expires_at=day(-2)),
            credit(status, 4000, "then", active_from=day(-9), expires_at=day(-1)),
            credit(status, 5000, "now"),
        )

        walks = tiers.load_walks(expected={bob.pk: 1}, lifetimes={bob.pk: 12000}, since=day(-2))

        climb = walks[bob.pk].climb
        assert climb is not None
        assert sorted(each.points for each in climb.credits) == [4000, 5000]

    def test_reads_no_credits_of_a_tier_that_is_not_due(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)

        later = tiers.load_walks(
            expected={bob.pk: 10}, lifetimes={bob.pk: 5000}, since=day(1), at=day(1)
        )
        due = tiers.load_walks(
            expected={bob.pk: 10}, lifetimes={bob.pk: 5000}, since=LAPSE, at=LAPSE
        )

        assert later[bob.pk].climb is None
        assert due[bob.pk].climb is not None


class TestRecord:
    def test_writes_history_tier_review_and_tells(
        self, bob: Member, told: list[tuple[str, str, str, datetime]]
    ) -> None:
        falling()
        place(bob, "1", "6000.00", day(-3))
        place(bob, "2", "14000.00", day(-2))

        changes = (
            bob.tier_changes.exclude(reason="enrolled")
            .order_by("at")
            .values_list("before__code", "tier__code", "at", "reason", "details")
        )
        assert list(changes) == [
            ("base", "silver", day(-3), "reached", {"status_points": 6000, "threshold": 5000}),
            ("silver", "gold", day(-2), "reached", {"status_points": 20000, "threshold": 20000}),
        ]
        member = fresh(bob)
        assert member.tier.code == "gold"
        # The first order's lot lapses with 18 November 2027.
        assert member.tier_review_at == datetime(2027, 11, 19, tzinfo=SHANGHAI)
        assert told == [
            ("tier_upgraded", "Bob", "silver", day(-3)),
            ("tier_upgraded", "Bob", "gold", day(-2)),
        ]

    def test_notes_no_review_where_no_tier_falls(self, bob: Member) -> None:
        place(bob, "1", "6000.00", NOON)

        assert fresh(bob).tier_review_at is None

    def test_walks_old_orders_through_the_falls_between_them(self, bob: Member) -> None:
        falling("one_down")
        place(bob, "1", "20000.00", datetime(2022, 1, 10, tzinfo=SHANGHAI))
        place(bob, "2", "100.00", datetime(2023, 3, 1, tzinfo=SHANGHAI))
        place(bob, "3", "100.00", datetime(2024, 3, 1, tzinfo=SHANGHAI))

        assert [ordering_of(number).points for number in "123"] == [20000, 120, 100]
        assert history(bob) == [
            (datetime(2022, 1, 10, tzinfo=SHANGHAI), "gold", "reached"),
            (datetime(2023, 1, 11, tzinfo=SHANGHAI), "silver", "not_kept"),
            (datetime(2024, 1, 12, tzinfo=SHANGHAI), "base", "not_kept"),
        ]

    def test_shuffled_orders_end_at_the_same_tier(self, db: None) -> None:
        falling(grace_days=20, retain_threshold=3000)
        program(status_expiry_months=2)
        orders = [
            ("3000.00", 0),
            ("2500.00", 40),
            ("3000.00", 75),
            ("9000.00", 200),
            ("50.00", 330),
        ]
        ends = set()
        for number, arrival in enumerate(itertools.permutations(orders)):
            if number % 7:
                continue
            person = enrolment.enrol(
                newcomer=enrolment.Newcomer(phone=f"+86138{number:08d}"), at=NOON
            )
            for place_in_time, (amount, after) in enumerate(arrival):
                place(person, f"{number}-{place_in_time}", amount, day(after - 400))
            walked = tiers.load_walks(
                expected={person.pk: 1}, lifetimes={person.pk: 9**9}, since=day(-400), at=NOON
            )[person.pk]
            ends.add(
                (
                    shown(person, NOON),
                    *(walked.told_at(day(after - 400)).code for _amount, after in orders),
                )
            )

        assert ends == {("base", "base", "silver", "silver", "silver", "base")}

    def test_a_batch_gives_what_the_orders_give_one_by_one(self, db: None) -> None:
        falling("one_down", grace_days=10)
        program(status_expiry_months=1)
        chance = random.Random(7)
        said = [
            (chance.choice(["100.00", "2500.00", "5000.00", "20000.00"]), chance.randrange(500))
            for _order in range(40)
        ]
        ends = []
        for name, size in (("1", 1), ("2", 40), ("3", 7)):
            person = enrolment.enrol(
                newcomer=enrolment.Newcomer(phone=f"+8613900000{name}00"), at=NOON
            )
            facts: list[OrderFacts] = [
                order(f"{name}-{place}", amount, member=person, placed_at=day(after - 500))
                for place, (amount, after) in enumerate(said)
            ]
            for start in range(0, len(facts), size):
                ordering.place_all(orders=facts[start : start + size], at=NOON)
            changes = person.tier_changes.order_by("id").values_list(
                "before__code", "tier__code", "at", "reason", "details"
            )
            ends.append((list(changes), fresh(person).tier.code, fresh(person).tier_review_at))

        assert ends[0] == ends[1] == ends[2]
        assert len(ends[0][0]) > 10


class TestShow:
    @pytest.mark.parametrize(
        ("at", "code"), [(LAPSE - TICK, "silver"), (LAPSE, "base"), (LAPSE + TICK, "base")]
    )
    def test_knows_a_fall_before_anybody_wrote_it(
        self, bob: Member, at: datetime, code: str
    ) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)

        assert shown(bob, at) == code
        assert fresh(bob).tier.code == "silver"
        assert history(bob) == [(NOON, "silver", "reached")]

    def test_asks_nothing_where_nothing_is_due(self, bob: Member) -> None:
        member = fresh(bob)

        with CaptureQueriesContext(connection) as asked:
            tiers.show(members=[member], at=day(9999))

        assert len(asked) == 0

    def test_decides_what_a_member_may_redeem(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)

        assert spending.lock_member(member=bob, at=LAPSE - TICK).tier.code == "silver"
        assert spending.lock_member(member=bob, at=LAPSE).tier.code == "base"

    def test_takes_as_many_queries_for_many(self, bob: Member, mallory: Member) -> None:
        falling()
        for member in (bob, mallory):
            place(member, member.name, "5000.00", NOON)
        members = [fresh(bob), fresh(mallory)]

        with CaptureQueriesContext(connection) as asked:
            tiers.show(members=members, at=LAPSE)

        assert len(asked) == 4
        assert [each.tier.code for each in members] == ["base", "base"]


class TestReviewDue:
    def test_writes_the_falls_that_came_due_once(
        self, bob: Member, mallory: Member, told: list[tuple[str, str, str, datetime]]
    ) -> None:
        falling(grace_days=30)
        place(bob, "1", "20000.00", NOON)
        place(mallory, "2", "5000.00", day(1))
        told.clear()
        fall = datetime(2027, 12, 23, tzinfo=SHANGHAI)

        assert review(fall - TICK) == 0
        assert review(fall) == 1
        assert review(fall) == 0

        assert history(bob)[1:] == [(fall, "base", "not_kept")]
        assert bob.tier_changes.get(at=fall).details == {
            "status_points": 0,
            "keep": 20000,
            "policy": "to_eligible",
            "since": "2027-11-21T16:00:00+00:00",
        }
        assert (fresh(bob).tier.code, fresh(bob).tier_review_at) == ("base", None)
        assert fresh(mallory).tier.code == "silver"
        assert told == [("tier_downgraded", "Bob", "base", fall)]

    def test_comes_again_when_a_lower_tier_may_fall_too(self, bob: Member) -> None:
        falling("one_down")
        place(bob, "1", "20000.00", NOON)

        assert review(LAPSE) == 1

        assert fresh(bob).tier.code == "silver"
        assert fresh(bob).tier_review_at == datetime(2028, 11, 23, tzinfo=SHANGHAI)
        assert review(day(5000)) == 1
        assert [each[1] for each in history(bob)] == ["gold", "silver", "base"]

    def test_moves_the_review_where_points_came_meanwhile(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)
        place(bob, "2", "5000.00", day(100))
        assert fresh(bob).tier_review_at == LAPSE  # the order did not have to look

        assert review(LAPSE) == 1

        assert history(bob) == [(NOON, "silver", "reached")]
        assert fresh(bob).tier_review_at == datetime(2028, 3, 2, tzinfo=SHANGHAI)

    def test_judges_those_whose_tier_could_not_fall_before(self, bob: Member) -> None:
        place(bob, "1", "5000.00", NOON)
        assert review(day(900)) == 0
        falling()

        assert shown(bob, day(900)) == "silver"  # until somebody judges it by the new settings
        assert review(day(900)) == 1
        assert review(day(900)) == 0

        assert history(bob)[1:] == [(day(900), "base", "not_kept")]

    def test_takes_as_many_statements_for_many(self, db: None) -> None:
        falling()
        newcomers = [enrolment.Newcomer(phone=f"+86137{number:08d}") for number in range(60)]
        members = [each.member for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)]
        orders = [order(str(n), "5000.00", member=member) for n, member in enumerate(members)]
        ordering.place_all(orders=orders, at=NOON)

        with CaptureQueriesContext(connection) as few:
            assert tiers.review_due(at=LAPSE, limit=2) == 2
        with CaptureQueriesContext(connection) as many:
            assert tiers.review_due(at=LAPSE, limit=50) == 50

        assert len(many) == len(few)

    def test_the_task_goes_on_to_the_end(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", timezone.now() - timedelta(days=500), now=timezone.now())

        assert tasks.review_tiers() == 1
        assert tasks.review_tiers() == 0
        assert fresh(bob).tier.code == "base"


def _enrolled_with_silver(count: int) -> list[Member]:
    falling()
    newcomers = [enrolment.Newcomer(phone=f"+86137{number:08d}") for number in range(count)]
    members = [each.member for each in enrolment.enrol_all(newcomers=newcomers, at=NOON)]
    orders = [order(str(n), "5000.00", member=member) for n, member in enumerate(members)]
    ordering.place_all(orders=orders, at=NOON)
    return [member for member in members if member]


class TestRaces:
    def test_two_workers_write_each_fall_once(self, committed_db: RealDatabase) -> None:
        members = _enrolled_with_silver(60)

        def work(_number: int) -> int:
            done = 0
            while count := tiers.review_due(at=LAPSE, limit=7):
                done += count
            return done

        answers = committed_db.run_parallel(work, 4, 4)

        assert all(isinstance(answer, int) for answer in answers), answers
        assert sum(answers) == 60
        assert [len(history(member)) for member in members] == [2] * 60

    def test_without_the_lock_falls_are_written_twice(self, committed_db: RealDatabase) -> None:
        members = _enrolled_with_silver(20)
        unlocked = tiers._DUE_BY_TIME.replace("FOR NO KEY UPDATE OF w, m SKIP LOCKED", "")

        def work(_number: int) -> int:
            return tiers.review_due(at=LAPSE, limit=20)

        with mock.patch.object(tiers, "_DUE_BY_TIME", unlocked):
            committed_db.run_parallel(work, 8, 8)

        assert sum(len(history(member)) for member in members) > 40

    def test_an_order_and_the_review_agree(self, committed_db: RealDatabase) -> None:
        members = _enrolled_with_silver(12)

        def work(number: int) -> Any:
            if number % 2:
                return tiers.review_due(at=LAPSE, limit=6)
            member = members[number // 2]
            facts = order(f"late-{number}", "5000.00", member=member, placed_at=LAPSE - TICK)
            return ordering.place(order=facts, at=LAPSE)

        answers = committed_db.run_parallel(work, 24, 12)

        assert not [answer for answer in answers if isinstance(answer, Exception)]
        while tiers.review_due(at=LAPSE):
            pass
        assert {fresh(member).tier.code for member in members} == {"silver"}
        for member in members:
            walked = tiers.load_walks(
                expected={member.pk: 1}, lifetimes={member.pk: 0}, since=LAPSE, at=LAPSE
            )[member.pk]
            assert walked.told_at(LAPSE).code == "silver"


class TestRefunds:
    @pytest.mark.parametrize("policy", ["none", "one_down", "to_eligible"])
    def test_take_a_tier_that_their_points_reached_at_once(
        self, bob: Member, policy: str, told: list[tuple[str, str, str, datetime]]
    ) -> None:
        falling(policy, grace_days=90)
        place(bob, "1", "5000.00", day(-9))
        place(bob, "2", "15000.00", day(-5))
        place(bob, "3", "100.00", day(-4))
        told.clear()

        refund("2", day(-1))

        assert history(bob)[2:] == [(day(-1), "silver", "refunded")]
        assert fresh(bob).tier.code == "silver"
        assert told == [("tier_downgraded", "Bob", "silver", day(-1))]
        assert ordering_of("3").points == 150  # what was awarded keeps its multiplier

    def test_of_a_part_take_it_too(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-9))

        refund("1", day(-1), "1.00")

        assert fresh(bob).tier.code == "base"
        assert bob.tier_changes.get(reason="refunded").details == {
            "status_points": 4999,
            "threshold": 5000,
        }

    @pytest.mark.parametrize("policy", ["none", "one_down", "to_eligible"])
    def test_leave_a_tier_that_would_have_been_reached_anyhow(
        self, bob: Member, policy: str
    ) -> None:
        falling(policy)
        place(bob, "1", "5000.00", day(-9))
        place(bob, "2", "5000.00", day(-5))

        refund("1", day(-1))

        assert fresh(bob).tier.code == "silver"
        assert len(history(bob)) == 1

    def test_leave_a_tier_of_long_ago_that_only_the_policy_keeps(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-900))
        place(bob, "2", "100.00", day(-5))

        refund("2", day(-1))

        assert fresh(bob).tier.code == "silver"

    def test_leave_a_tier_in_its_days_of_grace(self, bob: Member) -> None:
        falling(grace_days=60)
        place(bob, "1", "5000.00", day(-380))
        place(bob, "2", "100.00", day(-5))

        refund("2", day(-1))

        assert shown(bob, NOON) == "silver"

    def test_leave_a_tier_reached_by_a_threshold_that_was_raised(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-9))
        place(bob, "2", "100.00", day(-5))
        Tier.objects.filter(code="silver").update(threshold=8000)

        refund("2", day(-1))

        assert fresh(bob).tier.code == "silver"

    def test_of_points_that_averted_a_fall_let_it_fall(self, bob: Member) -> None:
        falling()
        place(bob, "1", "5000.00", day(-380))
        place(bob, "2", "5000.00", day(-20))
        assert shown(bob, NOON) == "silver"

        refund("2", day(-1))

        assert history(bob)[-1] == (day(-1), "base", "refunded")
        assert fresh(bob).tier.code == "base"

    def test_write_first_what_time_had_done(self, bob: Member) -> None:
        falling("one_down")
        place(bob, "1", "20000.00", day(-380))
        place(bob, "2", "100.00", day(-379))

        refund("2", day(-1))

        assert history(bob)[1:] == [(datetime(2026, 11, 7, tzinfo=SHANGHAI), "silver", "not_kept")]

    def test_never_lift(self, bob: Member) -> None:
        place(bob, "1", "3000.00", day(-9))
        place(bob, "2", "100.00", day(-5))
        Tier.objects.filter(code="silver").update(threshold=1000)

        refund("2", day(-1))

        assert fresh(bob).tier.code == "base"

    def test_do_not_come_back_with_a_late_order(self, bob: Member) -> None:
        place(bob, "1", "5000.00", day(-9))
        refund("1", day(-5))

        place(bob, "2", "100.00", day(-8))
        place(bob, "3", "100.00", day(-4))

        assert fresh(bob).tier.code == "base"
        # It was held then, and orders are judged by what was held.
        assert ordering_of("2").points == 120
        assert ordering_of("3").points == 100

    def test_leave_a_tier_given_by_hand(self, bob: Member) -> None:
        from loyalty import tier_grants

        silver = Tier.objects.get(code="silver")
        place(bob, "1", "20000.00", day(-9))
        tier_grants.give(member=bob, tier=silver, until=None, reason="", by="owner", at=day(-2))

        refund("1", day(-1))

        assert fresh(bob).tier.code == "silver"


class TestJudge:
    def test_lifts_by_points_that_came_otherwise(self, bob: Member) -> None:
        post(credit(wallet_of(bob, "status"), 5000, "opening", active_from=day(-3)))

        tiers.judge(members=[bob.pk], since=day(-3), at=NOON)

        assert history(bob) == [(day(-3), "silver", "reached")]
        assert fresh(bob).tier.code == "silver"


def merge(source: Member, target: Member, at: datetime) -> None:
    """What a merge does to status wallets and tiers."""
    with transaction.atomic():
        held = ledger.lock(members=[source.pk, target.pk], at=at, types=["status"])
        tiers.settle(members=[source.pk, target.pk], at=at)
        giver, taker = held.of(source.pk, "status").id, held.of(target.pk, "status").id
        ledger.merge(source=giver, target=taker, reference="merge", at=at, held=held)
        tiers.merged(source_member=source, target_member=target, at=at)


class TestMerged:
    def test_gives_what_both_reach_together(self, bob: Member, mallory: Member) -> None:
        place(bob, "1", "3000.00", day(-9))
        place(mallory, "2", "2000.00", day(-5))

        merge(bob, mallory, NOON)

        assert history(mallory) == [(NOON, "silver", "merged")]
        assert fresh(mallory).tier.code == "silver"
        assert Wallet.objects.get(pk=wallet_of(mallory, "status")).active == 5000
        # The next order counts with what came over.
        place(mallory, "3", "15000.00", day(1))
        assert fresh(mallory).tier.code == "gold"

    def test_never_takes_a_tier(self, bob: Member, mallory: Member) -> None:
        place(mallory, "1", "5000.00", day(-900))
        Tier.objects.filter(code="silver").update(threshold=9000)

        merge(bob, mallory, NOON)

        assert fresh(mallory).tier.code == "silver"
        place(mallory, "2", "10.00", day(1))
        assert fresh(mallory).tier.code == "silver"

    def test_moves_the_higher_tier_given_by_hand(self, bob: Member, mallory: Member) -> None:
        from loyalty import tier_grants

        codes = {tier.code: tier for tier in member_queries.tiers()}
        until = day(30)
        words: dict[str, Any] = {"reason": "", "by": "owner", "at": day(-1)}
        tier_grants.give(member=bob, tier=codes["gold"], until=until, **words)
        tier_grants.give(member=mallory, tier=codes["silver"], until=None, **words)

        merge(bob, mallory, NOON)

        member = fresh(mallory)
        assert (member.tier.code, member.tier_floor, member.tier_floor_until) == (
            "gold",
            codes["gold"],
            until,
        )

    def test_a_refund_after_it_takes_what_was_reached(self, bob: Member, mallory: Member) -> None:
        place(bob, "1", "3000.00", day(-9))
        place(mallory, "2", "2000.00", day(-5))
        merge(bob, mallory, NOON)

        refund("2", day(1))

        assert fresh(mallory).tier.code == "base"


class TestHolding:
    def test_finds_members_by_the_tier_they_hold_now(self, bob: Member, mallory: Member) -> None:
        falling()
        place(bob, "1", "5000.00", NOON)
        place(mallory, "2", "5000.00", day(9))
        codes = {tier.code: tier for tier in member_queries.tiers()}
        everybody = Member.objects.all()

        def found(code: str, at: datetime) -> set[str]:
            members = tiering.holding(members=everybody, tier=codes[code], at=at)
            return {member.name for member in members}

        assert found("silver", LAPSE - TICK) == {"Bob", "Mallory"}
        assert found("silver", LAPSE) == {"Mallory"}
        assert found("base", LAPSE) == {"Bob"}
