"""What a campaign will probably give: the same engine over the orders of the last four similar days, while somebody waits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from statistics import mean
from typing import Any

from campaigns import past_orders, periods, trials
from campaigns.occasions import ORDER
from campaigns.past_orders import PastOrders, Period, Shop
from campaigns.rules import Rule
from campaigns.trials import Rules, Trial
from loyalty import queries as loyalty_queries
from loyalty.models import Program

#: So many similar days are looked at for each day of the campaign.
SIMILAR = 4
# A campaign without an end is forecast for so long; of a longer one the days are counted up to there.
OPEN_END = timedelta(days=7)
LONGEST = timedelta(days=366)
_FAR = datetime(9000, 1, 1, tzinfo=UTC)
# Beyond so many orders only those of one member in so many are judged, and scaled.
MOST_ORDERS = 6_000
# The same day of the month lies within so many days four times, also the 31st and 29 February.
_FARTHEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is expected of a campaign in its window (without an end: in a week).

    `orders` it would touch and `members` behind them (of a window longer than a week: within a week), `points`,
    `status_points` and `pieces` (rewards, tickets) it would give, `cost` of the points in money. `least` and `most` are
    the points of the poorest and the best of the four similar times. `days` are the days looked at, newest first, with
    `orders_seen` orders; `one_in` > 1: of those only the orders of one member in so many were judged, and scaled.
    `budget_share`: how much of the budget that is, as a fraction (1: all of it, then `points` stop there); None without
    a budget.
    """

    orders: int = 0
    members: int = 0
    points: int = 0
    status_points: int = 0
    pieces: int = 0
    cost: Decimal = Decimal(0)
    least: int = 0
    most: int = 0
    days: Sequence[date] = ()
    orders_seen: int = 0
    one_in: int = 1
    budget_share: Decimal | None = None
    is_open_ended: bool = False

    @property
    def has_data(self) -> bool:
        """Whether there were any orders on similar days."""
        return self.orders_seen > 0


def forecast(*, content: Mapping[str, Any], at: datetime) -> Forecast | None:
    """The forecast of a campaign's content (as `editing.content` writes it; it may not be stored) at a moment.

    For each day of its window the last four days before today are taken that fall on the same day of the week (of the
    month, where it names days of the month), with the same hours of the first and the last day. What they would have
    given with the campaigns that will run beside it is averaged; per-member limits and the budget begin at nothing.
    None for a campaign that does not look at orders.
    """
    if content["trigger"] != ORDER:
        return None
    shop = Shop.read(now=at)
    rules = _rules(content, at)
    window = _Window(rules.tried, shop.program, at)
    spans = window.spans()
    orders = past_orders.count([period for each in spans for period in each.similar])
    one_in = max(1, -(-orders // MOST_ORDERS))
    rounds = [_Round() for _ in range(SIMILAR)]
    for nth, each in enumerate(rounds):
        each.walk(spans=spans, nth=nth, rules=_as_ever(rules), shop=shop, one_in=one_in)
    return _forecast(rules.tried, window, rounds, shop.program, orders=orders, one_in=one_in)


def _rules(content: Mapping[str, Any], at: datetime) -> Rules:
    starts_at, ends_at = _Window.ends(trials.rule_of(content), at)
    return trials.rules_of(content=content, since=starts_at, until=ends_at)


def _as_ever(rules: Rules) -> Rules:
    """The rules without their windows, to be asked about days that are past; the budget is compared afterwards."""
    tried = replace(
        rules.tried,
        starts_at=None,
        ends_at=None,
        limits={k: v for k, v in rules.tried.limits.items() if k != "budget_points"},
    )
    others = [replace(rule, starts_at=None, ends_at=None) for rule in rules.others]
    return Rules(tried, None, others)


# ---- which days -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Span:
    """Days of the window that are alike: how many there are, and the same hours of similar days, newest first."""

    days: int
    similar: Sequence[Period]


class _Window:
    """The campaign's window in local days."""

    def __init__(self, rule: Rule, program: Program, at: datetime) -> None:
        self.zone = program.zone
        self.today = at.astimezone(self.zone).date()
        self.starts_at, self.ends_at = self.ends(rule, at)
        self.is_open_ended = rule.ends_at is None
        self.month_days = _expected(rule, "month_days")
        self.weekdays = _expected(rule, "weekdays")
        self.days: set[date] = set()

    @staticmethod
    def ends(rule: Rule, at: datetime) -> tuple[datetime, datetime]:
        """From when until when it is forecast."""
        starts_at = min(rule.starts_at or at, _FAR)
        ends_at = rule.ends_at or max(starts_at, at) + OPEN_END
        if ends_at > at:
            starts_at = max(starts_at, at)  # what is over gives nothing any more
        return starts_at, min(ends_at, starts_at + LONGEST)

    def spans(self) -> list[_Span]:
        """The days of the window, those that are alike taken together."""
        alike: dict[tuple[int, time, time | None], int] = {}
        for day, begin, end in self._parts():
            key = (day.day if self.month_days else day.isoweekday(), begin, end)
            alike[key] = alike.get(key, 0) + 1
        return [_Span(count, list(self._similar(*key))) for key, count in alike.items()]

    def _parts(self) -> Iterator[tuple[date, time, time | None]]:
        """Each local day on which the calendar lets it give anything, with the hours within the window."""
        first, last = self.starts_at.astimezone(self.zone), self.ends_at.astimezone(self.zone)
        day = first.date()
        while day <= last.date():
            begin = first.time() if day == first.date() else time.min
            end = last.time() if day == last.date() else None
            if self._counts(day) and (end is None or begin < end):
                yield day, begin, end
            day += timedelta(days=1)

    def _counts(self, day: date) -> bool:
        return (not self.weekdays or day.isoweekday() in self.weekdays) and (
            not self.month_days or day.day in self.month_days
        )

    def _similar(self, number: int, begin: time, end: time | None) -> Iterator[Period]:
        """The same hours of the last days of the same number, in the week or in the month."""
        found = 0
        for back in range(1, _FARTHEST):
            day = self.today - timedelta(days=back)
            if found == SIMILAR:
                return
            if number == (day.day if self.month_days else day.isoweekday()):
                found += 1
                self.days.add(day)
                since = datetime.combine(day, begin, self.zone)
                following = periods.starts_at(day + timedelta(days=1), self.zone)
                until = following if end is None else datetime.combine(day, end, self.zone)
                yield Period(since=since, until=until)


def _expected(rule: Rule, name: str) -> frozenset[int]:
    return frozenset(n for check in rule.checks if check.name == name for n in check.expected)


# ---- what they would have given -------------------------------------------------------------------
@dataclass(slots=True)
class _Round:
    """What one of the four similar times would have given, added up over the days of the window."""

    orders: int = 0
    points: int = 0
    status_points: int = 0
    pieces: int = 0
    members: set[int] = field(default_factory=set)

    def walk(
        self,
        *,
        spans: Sequence[_Span],
        nth: int,
        rules: Rules,
        shop: Shop,
        one_in: int,
    ) -> None:
        """Judge the orders of the nth similar day of each day, in the order of time; limits are used once for all."""
        trial = Trial(rules=rules, program=shop.program)
        days = [(each.similar[nth], each.days) for each in spans if nth < len(each.similar)]
        for period, count in sorted(days, key=lambda each: each[0].since):
            orders = PastOrders(
                period=replace(period, one_in=one_in),
                rules=rules.all,
                decisive=rules.decisive,
                shop=shop,
            )
            for chunk in orders.chunks():
                for order in chunk:
                    self._count(order.occasion.member.pk, trial.judge(order), count)

    def _count(self, member: int, outcome: trials.Outcome | None, times: int) -> None:
        if outcome is None or not outcome.is_touched:
            return
        self.orders += times
        self.points += times * outcome.points
        self.status_points += times * outcome.status_points
        self.pieces += times * outcome.pieces
        self.members.add(member)


def _forecast(
    rule: Rule,
    window: _Window,
    rounds: Sequence[_Round],
    program: Program,
    *,
    orders: int,
    one_in: int,
) -> Forecast:
    points = [each.points * one_in for each in rounds]
    budget = rule.limits.get("budget_points")
    given = round(mean(points))
    expected = given if budget is None else min(given, budget)

    def average(numbers: Sequence[int]) -> int:
        return round(mean(numbers) * one_in)

    return Forecast(
        orders=average([each.orders for each in rounds]),
        members=average([len(each.members) for each in rounds]),
        points=expected,
        status_points=average([each.status_points for each in rounds]),
        pieces=average([each.pieces for each in rounds]),
        cost=loyalty_queries.value_of(expected, program),
        least=min(points),
        most=max(points),
        days=sorted(window.days, reverse=True),
        orders_seen=orders,
        one_in=one_in,
        budget_share=None if not budget else min(Decimal(1), Decimal(max(given, 0)) / budget),
        is_open_ended=window.is_open_ended,
    )
