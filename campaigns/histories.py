"""What members did before, read once for a batch and kept up while it goes on."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from django.db import connection

from campaigns import periods
from campaigns.occasions import Occasion

# Orders that earned, refunded ones too; an order under judgement is left out.
_COUNTS = """
SELECT member_id, channel, count(*) FROM loyalty_order
WHERE member_id = ANY(%s) AND awarded_at IS NOT NULL AND id <> %s AND id < %s GROUP BY member_id, channel"""

_PREVIOUS = """
SELECT DISTINCT n.member_id, o.placed_at, o.amount - o.refunded_amount
FROM unnest(%s::bigint[], %s::timestamptz[]) AS n (member_id, placed_at)
CROSS JOIN LATERAL (
    SELECT placed_at, amount, refunded_amount FROM loyalty_order
    WHERE member_id = n.member_id AND placed_at <= n.placed_at AND awarded_at IS NOT NULL AND id <> %s AND id < %s
    ORDER BY placed_at DESC, id DESC LIMIT 1
) o"""

_ORDERS_IN = """
SELECT n.member_id, n.period, n.starts_at, count(o.id) FILTER (WHERE o.status NOT IN ('cancelled', 'refunded')),
    coalesce(sum(o.amount - o.refunded_amount), 0)
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS n (member_id, period, starts_at, ends_at)
JOIN loyalty_order o ON o.member_id = n.member_id AND o.placed_at >= n.starts_at AND o.placed_at < n.ends_at
    AND o.awarded_at IS NOT NULL AND o.id <> %s AND o.id < %s
GROUP BY n.member_id, n.period, n.starts_at"""

_ACTS_IN = """
SELECT n.member_id, n.period, n.starts_at, count(a.id), 0
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[]) AS n (member_id, period, starts_at, ends_at)
JOIN campaigns_act a ON a.member_id = n.member_id AND a.type = %s AND a.at >= n.starts_at AND a.at < n.ends_at
    AND a.id <> %s AND a.id < %s AND NOT (a.type = 'check_in' AND a.reference LIKE 'check-in/%%/%%')
GROUP BY n.member_id, n.period, n.starts_at"""

FAR = datetime(9999, 1, 1, tzinfo=UTC)
NEWEST = 2**63 - 1

# Of a member, a period by its name, from when until when: a week and a month may well begin together.
Window = tuple[int, str, datetime, datetime]
# An order: when it was placed, what is left of its amount.
Placed = tuple[datetime, Decimal]
_NONE_YET = (0, Decimal(0))


class Past:
    """The history of a batch's members. `but` is an order that is judged itself; `before` an id: later orders are not seen."""

    def __init__(
        self, *, but: int = 0, before: int = NEWEST, but_act: int = 0, before_act: int = NEWEST
    ) -> None:
        self.own = [but, before]
        self.own_act = [but_act, before_act]
        self.counts: dict[int, dict[str, int]] = {}
        self.placed: dict[int, list[Placed]] = {}
        self.within: dict[tuple[int, str, datetime], tuple[int, Decimal]] = {}
        self.periods: Collection[str] = ()

    def load(
        self,
        *,
        occasions: Sequence[Occasion],
        needs: Collection[str],
        names: Collection[str],
        act_type: str | None = None,
    ) -> None:
        """Read what the conditions of these kinds need: at most one query for each kind."""
        self.periods = names
        members = sorted({each.member.pk for each in occasions})
        if "orders" in needs:
            for member, channel, number in _rows(_COUNTS, [members, *self.own]):
                self.counts.setdefault(member, {})[channel] = number
        if "previous" in needs:
            asked = [(each.member.pk, each.at) for each in occasions]
            columns = [[member for member, _ in asked], [at for _, at in asked]]
            for member, placed_at, amount in _rows(_PREVIOUS, [*columns, *self.own]):
                _insert(self.placed.setdefault(member, []), (placed_at, amount))
        if "periods" in needs:
            self._load_periods(occasions, act_type)

    def _load_periods(self, occasions: Sequence[Occasion], act_type: str | None) -> None:
        windows = sorted({window for each in occasions for window in self._windows(each)})
        columns = [list(column) for column in zip(*windows, strict=True)]
        parameters: list[Any] = [
            *columns,
            *(self.own if act_type is None else [act_type, *self.own_act]),
        ]
        statement = _ORDERS_IN if act_type is None else _ACTS_IN
        for member, period, start, number, amount in _rows(statement, parameters):
            self.within[member, period, start] = (number, Decimal(amount))

    def _windows(self, occasion: Occasion) -> Iterable[Window]:
        for period in self.periods:
            end = periods.next_first_day(period, occasion.day)
            yield (
                occasion.member.pk,
                period,
                periods.starts_at(periods.first_day(period, occasion.day), occasion.zone),
                FAR if end is None else periods.starts_at(end, occasion.zone),
            )

    # ---- answers ------------------------------------------------------------------------------
    def orders(self, member: int, channels: Sequence[str] = ()) -> int:
        """Orders before this one: all, or those of these channels."""
        counts: Mapping[str, int] = self.counts.get(member, {})
        if channels:
            return sum(counts.get(channel, 0) for channel in channels)
        return sum(counts.values())

    def previous(self, member: int, before: datetime) -> tuple[datetime, Decimal] | None:
        """Moment and net amount of the order placed last, at the latest at `before`."""
        placed = self.placed.get(member)
        if not placed:
            return None
        index = bisect_left(placed, before, key=lambda each: each[0])
        while index < len(placed) and placed[index][0] == before:
            index += 1
        return placed[index - 1] if index else None

    def in_period(self, member: int, period: str, start: datetime) -> tuple[int, Decimal]:
        """Number and sum of the orders (number of the acts) in the period that began at `start`."""
        return self.within.get((member, period, start), _NONE_YET)

    # ---- as the batch goes on -----------------------------------------------------------------
    def note(self, occasion: Occasion) -> None:
        """An order or act was posted: for the next one it has happened."""
        member = occasion.member.pk
        if occasion.is_order:
            counts = self.counts.setdefault(member, {})
            counts[occasion.channel] = counts.get(occasion.channel, 0) + 1
            _insert(self.placed.setdefault(member, []), (occasion.at, occasion.amount))
        for _member, period, start, _end in self._windows(occasion):
            number, amount = self.in_period(member, period, start)
            self.within[member, period, start] = (number + 1, amount + occasion.amount)


def _insert(placed: list[Placed], one: Placed) -> None:
    """Put an order among those placed; of two placed at one moment the one that was posted later comes last."""
    insort(placed, one, key=itemgetter(0))


def _rows(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
