from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import expiry
from loyalty.models import Program
from loyalty.tier_climbs import Climb
from loyalty.tier_ladder import Ladder, Mark, StatusCredit
from members.models import Tier
from tests.loyalty.builders import examples

SHANGHAI = ZoneInfo("Asia/Shanghai")
TICK = timedelta(microseconds=1)
YEARLY = Program(status_expiry_policy="fixed_date", status_expiry_date="12-31")
ROLLING = Program()


def local(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=SHANGHAI).astimezone(UTC)


def tiers(policy: str = "to_eligible", grace: int = 0, keep: int | None = None) -> list[Tier]:
    """Tiers base 0, silver 100, gold 300, diamond 900: all but the first with the same rules."""
    ladder = [("base", 0), ("silver", 100), ("gold", 300), ("diamond", 900)]
    return [
        Tier(
            pk=rank + 1,
            code=code,
            name=code,
            rank=rank,
            threshold=threshold,
            downgrade=policy,
            grace_days=grace,
            retain_threshold=keep if rank else None,
        )
        for rank, (code, threshold) in enumerate(ladder)
    ]


def credit(start: datetime, points: int, program: Program = ROLLING) -> StatusCredit:
    return StatusCredit(start, expiry.status_lapses_at(program, start), points)


def climb(
    ladder: list[Tier],
    *credits: StatusCredit,
    program: Program = ROLLING,
    marks: Sequence[Mark] = (),
) -> Climb:
    return Climb(Ladder(ladder, program), credits, marks=marks)


def held(walked: Climb, moment: datetime) -> str:
    walked.advance(moment)
    return walked.tier_at(moment).code


def steps(walked: Climb, until: datetime) -> list[tuple[datetime, str]]:
    walked.advance(until)
    return [(step.at, step.tier.code) for step in walked.steps]


class TestRises:
    def test_at_once_and_over_several_tiers(self) -> None:
        walked = climb(tiers(), credit(local(2026, 1, 5), 99), credit(local(2026, 1, 6), 801))

        assert held(walked, local(2026, 1, 6) - TICK) == "base"
        assert held(walked, local(2026, 1, 6)) == "diamond"
        assert [step.details() for step in walked.steps] == [
            {"status_points": 900, "threshold": 900}
        ]

    def test_by_the_threshold_of_then_where_the_history_says_so(self) -> None:
        ladder = tiers("none")
        mark = Mark(local(2026, 1, 5), ladder[1], threshold=50, until=local(2026, 2, 1))
        reached = climb(ladder, credit(local(2026, 1, 5), 50), marks=[mark])
        too_late = climb(ladder, credit(local(2026, 2, 1), 50), marks=[mark])

        assert held(reached, local(2026, 3, 1)) == "silver"
        assert held(too_late, local(2026, 3, 1)) == "base"


class TestLapse:
    """A lot of 31 January 2025 lives through 31 January 2026, so it lapses at the midnight after it."""

    LAPSE = local(2026, 2, 1)

    @pytest.mark.parametrize(
        ("policy", "grace", "falls_at", "to"),
        [
            ("to_eligible", 0, local(2026, 2, 1), "base"),
            ("to_eligible", 1, local(2026, 2, 3), "base"),
            ("to_eligible", 30, local(2026, 3, 4), "base"),
            ("one_down", 0, local(2026, 2, 1), "silver"),
            ("one_down", 27, local(2026, 3, 1), "silver"),
            ("one_down", 28, local(2026, 3, 2), "silver"),
        ],
    )
    def test_ends_in_a_fall_when_the_grace_is_over(
        self, policy: str, grace: int, falls_at: datetime, to: str
    ) -> None:
        walked = climb(tiers(policy, grace), credit(local(2025, 1, 31, 9), 300))

        assert held(walked, falls_at - TICK) == "gold"
        assert held(walked, falls_at) == to
        assert held(walked, falls_at + TICK) == to
        assert walked.steps[-1].since == self.LAPSE

    def test_counts_the_29th_of_february_to_the_28th(self) -> None:
        walked = climb(tiers(), credit(local(2024, 2, 29, 23), 100))

        assert held(walked, local(2025, 3, 1) - TICK) == "silver"
        assert held(walked, local(2025, 3, 1)) == "base"

    def test_of_a_day_in_the_program_not_in_utc(self) -> None:
        early = climb(tiers(), credit(datetime(2025, 1, 31, 15, 59, 59, tzinfo=UTC), 100))
        late = climb(tiers(), credit(datetime(2025, 1, 31, 16, tzinfo=UTC), 100))

        assert [at for at, _tier in steps(early, local(2027, 1, 1))][1:] == [local(2026, 2, 1)]
        assert [at for at, _tier in steps(late, local(2027, 1, 1))][1:] == [local(2026, 2, 2)]

    def test_never_ends_in_a_fall_where_the_policy_is_none(self) -> None:
        walked = climb(tiers("none"), credit(local(2025, 1, 31), 300))

        assert held(walked, local(2035, 1, 1)) == "gold"
        assert walked.next_fall() is None

    @pytest.mark.parametrize(
        ("again", "code"),
        [
            (local(2026, 2, 11) - TICK, "gold"),
            (local(2026, 2, 11), "silver"),
            (local(2026, 2, 11) + TICK, "silver"),
        ],
    )
    def test_is_made_good_within_the_grace(self, again: datetime, code: str) -> None:
        # The fall comes with the end of 10 February: nine days after the 1st.
        ladder = tiers("one_down", grace=9, keep=100)
        walked = climb(ladder, credit(local(2025, 1, 31), 300), credit(again, 100))

        assert held(walked, local(2026, 6, 1)) == code

    def test_begins_only_below_what_keeps_the_tier(self) -> None:
        enough = climb(
            tiers(keep=80), credit(local(2025, 1, 31), 20), credit(local(2025, 6, 30), 80)
        )
        short = climb(
            tiers(keep=81), credit(local(2025, 1, 31), 20), credit(local(2025, 6, 30), 80)
        )

        assert steps(enough, local(2030, 1, 1))[1:] == [(local(2026, 7, 1), "base")]
        assert steps(short, local(2030, 1, 1))[1:] == [(local(2026, 2, 1), "base")]


class TestFalls:
    def test_to_the_highest_tier_whose_threshold_is_reached(self) -> None:
        walked = climb(
            tiers("to_eligible"),
            credit(local(2025, 1, 31), 800),
            credit(local(2025, 6, 30), 100),
        )

        assert steps(walked, local(2030, 1, 1))[2:] == [
            (local(2026, 2, 1), "silver"),
            (local(2026, 7, 1), "base"),
        ]

    def test_by_the_threshold_and_not_by_what_would_keep_the_lower_tier(self) -> None:
        ladder = tiers("to_eligible")
        ladder[1].retain_threshold = 50
        walked = climb(ladder, credit(local(2025, 1, 31), 250), credit(local(2025, 6, 30), 99))

        assert steps(walked, local(2026, 3, 1))[-1] == (local(2026, 2, 1), "base")

    def test_one_tier_at_a_time_each_for_a_window_of_its_own(self) -> None:
        walked = climb(tiers("one_down"), credit(local(2025, 1, 31), 900))

        assert steps(walked, local(2035, 1, 1))[1:] == [
            (local(2026, 2, 1), "gold"),
            (local(2027, 2, 2), "silver"),
            (local(2028, 2, 3), "base"),
        ]

    def test_by_the_policy_and_the_grace_of_the_tier_held(self) -> None:
        ladder = tiers("one_down")
        ladder[2].downgrade = "to_eligible"
        ladder[2].grace_days = 2
        walked = climb(ladder, credit(local(2025, 1, 31), 900))

        assert steps(walked, local(2035, 1, 1))[1:] == [
            (local(2026, 2, 1), "gold"),
            (local(2027, 2, 5), "base"),
        ]

    def test_never_below_a_tier_that_cannot_fall(self) -> None:
        ladder = tiers("one_down")
        ladder[1].downgrade = "none"
        walked = climb(ladder, credit(local(2025, 1, 31), 300))

        assert steps(walked, local(2035, 1, 1))[1:] == [(local(2026, 2, 1), "silver")]

    def test_say_why(self) -> None:
        walked = climb(tiers(grace=1, keep=90), credit(local(2025, 1, 31), 100))
        walked.advance(local(2027, 1, 1))

        assert walked.steps[-1].details() == {
            "status_points": 0,
            "keep": 90,
            "policy": "to_eligible",
            "since": "2026-01-31T16:00:00+00:00",
        }


class TestFixedDate:
    """Everything lapses with 31 December; a tier reached in 2025 stands through 2026."""

    END = local(2027, 1, 1)

    def walked(self, ladder: list[Tier], *credits: tuple[datetime, int]) -> Climb:
        made = [credit(at, points, YEARLY) for at, points in credits]
        return climb(ladder, *made, program=YEARLY)

    def test_stands_to_the_end_of_the_next_period(self) -> None:
        walked = self.walked(tiers(), (local(2025, 12, 31, 23), 300))

        assert held(walked, self.END - TICK) == "gold"
        assert held(walked, self.END) == "base"
        assert held(walked, self.END + TICK) == "base"

    def test_reached_on_the_first_moment_of_a_period_stands_a_year_longer(self) -> None:
        walked = self.walked(tiers(), (local(2026, 1, 1), 300))

        assert steps(walked, local(2035, 1, 1))[1:] == [(local(2028, 1, 1), "base")]

    def test_is_kept_by_the_points_of_the_period_just_before_they_lapse(self) -> None:
        kept = self.walked(tiers(keep=90), (local(2025, 5, 1), 100), (self.END - TICK, 90))
        short = self.walked(tiers(keep=90), (local(2025, 5, 1), 100), (self.END - TICK, 89))
        late = self.walked(tiers(keep=90), (local(2025, 5, 1), 100), (self.END, 90))

        assert steps(kept, local(2035, 1, 1))[1:] == [(local(2028, 1, 1), "base")]
        assert steps(short, local(2035, 1, 1))[1:] == [(self.END, "base")]
        assert steps(late, local(2035, 1, 1))[1:] == [(self.END, "base")]

    def test_falls_to_what_the_points_of_the_period_reach(self) -> None:
        walked = self.walked(tiers(), (local(2025, 5, 1), 300), (local(2026, 5, 1), 100))

        assert steps(walked, local(2035, 1, 1))[1:] == [
            (self.END, "silver"),
            (local(2028, 1, 1), "base"),
        ]
        assert walked.steps[1].details()["status_points"] == 100

    def test_gives_grace_after_the_end(self) -> None:
        ladder = tiers(grace=31)
        made_good = self.walked(ladder, (local(2025, 5, 1), 100), (local(2027, 2, 2) - TICK, 100))
        too_late = self.walked(ladder, (local(2025, 5, 1), 100), (local(2027, 2, 2), 99))

        assert steps(made_good, local(2035, 1, 1))[1:] == [(local(2029, 2, 2), "base")]
        assert steps(too_late, local(2035, 1, 1))[1:] == [(local(2027, 2, 2), "base")]

    def test_one_down_stands_for_the_period_that_begins(self) -> None:
        walked = self.walked(tiers("one_down"), (local(2025, 5, 1), 300))

        assert steps(walked, local(2035, 1, 1))[1:] == [
            (self.END, "silver"),
            (local(2028, 1, 1), "base"),
        ]

    def test_on_29_february_lapses_on_the_28th_of_a_common_year(self) -> None:
        program = Program(status_expiry_policy="fixed_date", status_expiry_date="02-29")
        walked = climb(tiers(), credit(local(2023, 5, 1), 100, program), program=program)

        # Reached in the year that ends with 29 February 2024; stands through 28 February 2025.
        assert steps(walked, local(2035, 1, 1))[1:] == [(local(2025, 3, 1), "base")]


class TestGiven:
    def test_a_tier_of_the_first_day_stands_for_a_window(self) -> None:
        ladder = tiers()
        walked = climb(ladder, marks=[Mark(local(2025, 1, 31, 9), ladder[2])])

        assert steps(walked, local(2030, 1, 1)) == [
            (local(2025, 1, 31, 9), "gold"),
            (local(2026, 2, 1), "base"),
        ]


class TestAdd:
    def test_a_late_credit_gives_what_it_had_given_in_time(self) -> None:
        credits = [
            credit(local(2025, 1, 31), 100),
            credit(local(2025, 12, 1), 100),
            credit(local(2026, 11, 1), 250),
        ]
        late = climb(tiers(grace=3))
        for each in (credits[2], credits[0], credits[1]):
            late.add(each)
        in_time = climb(tiers(grace=3), *credits)

        assert steps(late, local(2030, 1, 1)) == steps(in_time, local(2030, 1, 1))

    def test_at_the_very_moment_of_the_start_counts(self) -> None:
        ladder = tiers()
        start = (local(2026, 1, 1), ladder[0])
        walked = Climb(Ladder(ladder, ROLLING), [], start=start)
        walked.add(credit(start[0], 100))

        assert steps(walked, start[0]) == [(start[0], "silver")]


class TestNextFall:
    def test_looks_ahead_and_leaves_the_climb_where_it_is(self) -> None:
        walked = climb(tiers(grace=5), credit(local(2025, 1, 31), 100))
        walked.advance(local(2025, 6, 1))

        fall = walked.next_fall()

        assert fall is not None
        assert (fall.at, fall.tier.code) == (local(2026, 2, 7), "base")
        assert walked.tier_at(local(2025, 6, 1)).code == "silver"
        assert len(walked.steps) == 1


# ---- against a model that goes day by day -----------------------------------------------------------
FIRST = date(2024, 1, 1)
DAYS = 1500


class Naive:
    """The rules as told to a person: once a day at midnight things end and are judged, at noon orders come."""

    def __init__(self, ladder: list[Tier], program: Program, orders: dict[int, int]) -> None:
        self.ladder, self.program = ladder, program
        self.lots = []
        for number, points in orders.items():
            noon = self.midnight(number) + timedelta(hours=12)
            ends = expiry.status_lapses_at(program, noon)
            last = DAYS + 9999 if ends is None else (ends.astimezone(SHANGHAI).date() - FIRST).days
            self.lots.append((number, last, points))
        self.is_yearly = program.status_expiry_policy == "fixed_date"

    @staticmethod
    def midnight(number: int) -> datetime:
        return datetime.combine(FIRST + timedelta(days=number), datetime.min.time(), SHANGHAI)

    def window(self, number: int) -> int:
        """The day on which what comes on day `number` ends."""
        ends = expiry.status_lapses_at(self.program, self.midnight(number))
        return DAYS + 9999 if ends is None else (ends.astimezone(SHANGHAI).date() - FIRST).days

    def run(self) -> list[str]:
        """The tier held at the end of each day."""
        self.tier, self.protected, self.owed = 0, 0, 0
        self.grace_ends: int | None = None
        answers = []
        for day in range(DAYS):
            for _again in self.ladder:
                self.judge(day)
            self.rise(day)
            answers.append(self.ladder[self.tier].code)
        return answers

    def counting(self, first: int, last: int) -> int:
        """What began by the noon of `first` and does not end before the midnight of `last` is over."""
        return sum(points for start, end, points in self.lots if start <= first and last < end)

    def keep(self) -> int:
        held = self.ladder[self.tier]
        return held.threshold if held.retain_threshold is None else held.retain_threshold

    def judge(self, day: int) -> None:
        """At midnight: what is left once the lots of the day before have ended."""
        held, left = self.ladder[self.tier], self.counting(day - 1, day)
        if self.tier == 0 or held.downgrade == "none" or day < self.protected:
            return
        if self.grace_ends is None and left < self.keep():
            self.grace_ends = day + (held.grace_days + 1 if held.grace_days else 0)
            self.owed = self.counting(day - 1, day - 1)
        if self.grace_ends is not None and day >= self.grace_ends:
            self.fall(day, held, max(self.owed, left) if self.is_yearly else left)

    def fall(self, day: int, held: Tier, counted: int) -> None:
        self.grace_ends = None
        if held.downgrade == "one_down":
            self.tier -= 1
        else:
            self.tier = max(n for n in range(self.tier) if self.ladder[n].threshold <= counted)
        if self.is_yearly or held.downgrade == "one_down":
            self.protected = self.window(day)

    def rise(self, day: int) -> None:
        """At noon the orders of the day come."""
        now = self.counting(day, day)
        best = max(n for n, each in enumerate(self.ladder) if each.threshold <= now)
        if best > self.tier:
            self.tier, self.grace_ends, self.protected = best, None, 0
        if now >= self.keep():
            self.grace_ends = None
            if self.is_yearly:
                self.protected = max(self.protected, self.window(self.window(day)))


LADDERS = st.tuples(
    st.sampled_from(["none", "one_down", "to_eligible"]),
    st.sampled_from(["none", "one_down", "to_eligible"]),
    st.sampled_from(["one_down", "to_eligible"]),
    st.sampled_from([0, 0, 1, 30, 400]),
    st.sampled_from([0, 1, 60]),
    st.sampled_from([None, 60, 100]),
)
PROGRAMS = st.sampled_from(
    [
        Program(status_expiry_months=1),
        Program(status_expiry_months=12),
        Program(status_expiry_policy="month_end", status_expiry_months=3),
        Program(status_expiry_policy="fixed_date", status_expiry_date="02-29"),
        Program(status_expiry_policy="fixed_date", status_expiry_date="06-30"),
        Program(status_expiry_policy="never"),
    ]
)
ORDERS = st.dictionaries(
    st.integers(0, DAYS - 1), st.sampled_from([1, 40, 60, 99, 100, 200, 300, 900]), max_size=14
)


@examples(150)
@given(rules=LADDERS, program=PROGRAMS, orders=ORDERS, data=st.data())
def test_walks_like_somebody_who_looks_every_day(
    rules: Any,
    program: Program,
    orders: dict[int, int],
    data: st.DataObject,
) -> None:
    ladder = tiers()
    for place in (1, 2, 3):
        ladder[place].downgrade = rules[place - 1]
    ladder[1].grace_days, ladder[2].grace_days = rules[3], rules[4]
    ladder[2].retain_threshold = rules[5]
    naive = Naive(ladder, program, orders)
    walked = climb(ladder, program=program)
    for number in data.draw(st.permutations(list(orders))):
        noon = naive.midnight(number) + timedelta(hours=12)
        walked.add(credit(noon, orders[number], program))
    walked.advance(naive.midnight(DAYS))

    expected = naive.run()

    said = [walked.tier_at(naive.midnight(day + 1) - TICK).code for day in range(DAYS)]
    assert said == expected
