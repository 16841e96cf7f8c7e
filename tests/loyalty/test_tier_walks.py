from datetime import datetime

from loyalty.models import Program
from loyalty.tier_climbs import Climb
from loyalty.tier_ladder import NEVER, Ladder, StatusCredit
from loyalty.tier_walks import Told, Walk
from members.models import Tier
from tests.conftest import NOON
from tests.loyalty.builders import day


def ladder(policy: str = "none") -> Ladder:
    tiers = [
        Tier(pk=rank + 1, code=code, name=code, rank=rank, threshold=threshold, downgrade=policy)
        for rank, (code, threshold) in enumerate([("base", 0), ("silver", 100), ("gold", 300)])
    ]
    return Ladder(tiers, Program())


def walk(*history: tuple[float, int], policy: str = "none", **details: object) -> Walk:
    """A walk over the ladder with a climb: (day, rank) of the steps so far; the last one has the details."""
    steps = ladder(policy)
    told = [Told(day(at), steps.tiers[rank], "reached") for at, rank in history]
    if details:
        reason = "given" if "floor" in details else "reached"
        told[-1] = Told(told[-1].at, told[-1].tier, reason, details)
    return Walk(steps, told, climb=Climb(steps, [], start=None))


def changes(walked: Walk) -> list[tuple[datetime, str, str, object]]:
    return [
        (change.at, change.before.code, change.tier.code, change.details["status_points"])
        for change in walked.changes
    ]


class TestWalk:
    def test_holds_the_lowest_tier_without_a_history(self) -> None:
        assert walk().held_at(NOON).code == "base"
        assert walk((0, 0)).held_at(day(-1)).code == "base"

    def test_holds_a_tier_from_its_very_moment(self) -> None:
        walked = walk((-9, 0), (0, 1))

        assert walked.held_at(day(0)).code == "silver"
        assert walked.held_at(day(-0.000001)).code == "base"

    def test_steps_up_when_a_credit_reaches_the_threshold(self) -> None:
        walked = walk((-9, 0))

        walked.add(StatusCredit(day(0), None, 99))
        walked.add(StatusCredit(day(1), None, 1))
        walked.add(StatusCredit(day(2), None, 500))

        assert changes(walked) == [
            (day(1), "base", "silver", 100),
            (day(2), "silver", "gold", 600),
        ]

    def test_does_not_count_what_had_lapsed_at_that_moment(self) -> None:
        walked = walk((-9, 0))

        walked.add(StatusCredit(day(0), day(5), 60))
        walked.add(StatusCredit(day(5), day(9), 60))
        assert changes(walked) == []

        walked.add(StatusCredit(day(4), day(9), 40))

        assert changes(walked) == [(day(4), "base", "silver", 100)]

    def test_looks_at_later_credits_when_one_arrives_late(self) -> None:
        walked = walk((-9, 0))

        walked.add(StatusCredit(day(3), None, 60))
        walked.add(StatusCredit(day(1), None, 50))

        assert changes(walked) == [(day(3), "base", "silver", 110)]

    def test_writes_a_fall_only_when_something_came_after_it(self) -> None:
        walked = walk((-9, 0), policy="to_eligible")

        walked.add(StatusCredit(day(0), day(5), 100))
        assert changes(walked) == [(day(0), "base", "silver", 100)]

        walked.add(StatusCredit(day(6), day(9), 1))
        assert changes(walked)[1:] == [(day(5), "silver", "base", 0)]

    def test_puts_a_fall_right_that_a_late_credit_averts(self) -> None:
        walked = walk((-9, 0), policy="to_eligible")
        walked.add(StatusCredit(day(0), day(5), 100))
        walked.add(StatusCredit(day(6), day(9), 100))
        assert [change[:3] for change in changes(walked)] == [
            (day(0), "base", "silver"),
            (day(5), "silver", "base"),
            (day(6), "base", "silver"),
        ]

        walked.add(StatusCredit(day(4), day(20), 100))

        assert [change[:3] for change in changes(walked)[3:]] == [(day(5), "base", "silver")]
        assert walked.held_at(day(5)).code == "silver"

    def test_reviews_when_the_next_fall_may_come(self) -> None:
        walked = walk((-9, 0), policy="to_eligible")
        walked.add(StatusCredit(day(0), day(5), 100))
        assert walked.next_review() == day(5)

        walked.add(StatusCredit(day(1), None, 100))
        assert walked.next_review() == NEVER

    def test_needs_no_review_of_what_cannot_fall(self) -> None:
        walked = walk((-9, 0))
        walked.add(StatusCredit(day(0), day(5), 100))

        assert walked.next_review() is None

    def test_never_holds_less_than_what_was_given(self) -> None:
        walked = walk((-9, 1), policy="to_eligible", floor="gold", until=day(3).isoformat())
        walked.told[-1] = Told(day(-9), walked.ladder.tiers[2], "given", walked.told[-1].details)

        walked.judge_from(day(-1))
        walked.judge_from(day(4))
        walked.note_changes()

        assert changes(walked) == [(day(3), "gold", "base", 0)]
        assert walked.changes[0].reason == "given"

    def test_stops_giving_when_it_is_withdrawn(self) -> None:
        walked = walk((-9, 2), (-5, 0), floor=None)
        first = Told(day(-9), walked.ladder.tiers[2], "given", {"floor": "gold", "until": None})
        again = Walk(walked.ladder, [first, walked.told[1]])

        assert [(each.starts_at, each.ends_at) for each in again.floors] == [(day(-9), day(-5))]

    def test_of_a_refund_never_lifts(self) -> None:
        walked = walk((-9, 0), (5, 1))
        walked.add(StatusCredit(day(0), None, 300))
        assert walked.held_at(day(6)).code == "gold"

        refunded = walk((-9, 0), (5, 1))
        refunded.is_refund = True
        refunded.add(StatusCredit(day(0), None, 300))

        assert changes(refunded) == []


class TestStart:
    def test_of_the_lowest_tier_is_any_moment(self) -> None:
        walked = walk((-9, 0))

        assert walked.start(day(3)) == (day(3), walked.ladder.lowest)

    def test_of_a_tier_that_may_fall_is_when_it_was_reached(self) -> None:
        walked = walk((-9, 0), (-5, 1), policy="to_eligible", threshold=100)

        assert walked.start(day(3)) == (day(-5), walked.ladder.tiers[1])
        # What only came to light late began earlier.
        assert walk((-9, 0), (-5, 1), policy="to_eligible").start(day(3)) is None

    def test_is_the_beginning_where_a_tier_was_given(self) -> None:
        assert walk((-9, 0), (-5, 1), floor="silver").start(day(3)) is None
