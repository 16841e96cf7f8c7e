"""What members did before a period, kept up while the orders of the period are walked in the order of time."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection

from campaigns import periods
from campaigns.histories import Past
from campaigns.occasions import Occasion

_COUNTS = """
SELECT member_id, channel, count(*) FROM loyalty_order
WHERE member_id = ANY(%s) AND awarded_at IS NOT NULL AND placed_at < %s GROUP BY member_id, channel"""

_LAST = """
SELECT DISTINCT ON (member_id) member_id, placed_at, amount - refunded_amount FROM loyalty_order
WHERE member_id = ANY(%s) AND awarded_at IS NOT NULL AND placed_at < %s
ORDER BY member_id, placed_at DESC, id DESC"""

_SUMS = """
SELECT member_id, count(*) FILTER (WHERE status NOT IN ('cancelled', 'refunded')), sum(amount - refunded_amount)
FROM loyalty_order
WHERE member_id = ANY(%s) AND awarded_at IS NOT NULL AND placed_at >= %s AND placed_at < %s GROUP BY member_id"""


class Walked(Past):
    """The history of members at each order of a walk that begins at `since`.

    Of every member only the last order and the periods that are open are kept: memory grows with the members, not with
    the orders.
    """

    def __init__(
        self, *, since: datetime, zone: ZoneInfo, needs: Collection[str], names: Collection[str]
    ) -> None:
        super().__init__()
        self.since = since
        self.zone = zone
        self.needs = needs
        self.periods = names
        self.known: set[int] = set()
        self.open: dict[tuple[int, str], datetime] = {}

    def read(self, members: Collection[int]) -> None:
        """Read what members (ids) did before the walk began, of those not known yet: one query for each kind."""
        new = sorted(set(members) - self.known) if self.needs else []
        if not new:
            return
        self.known.update(new)
        with connection.cursor() as cursor:
            if "orders" in self.needs:
                cursor.execute(_COUNTS, [new, self.since])
                for member, channel, number in cursor.fetchall():
                    self.counts.setdefault(member, {})[channel] = number
            if "previous" in self.needs:
                cursor.execute(_LAST, [new, self.since])
                for member, placed_at, amount in cursor.fetchall():
                    self.placed[member] = [(placed_at, amount)]
            for period in self.periods:
                start = self._start(period)
                cursor.execute(_SUMS, [new, start, self.since])
                for member, number, amount in cursor.fetchall():
                    self.within[member, period, start] = (number, amount)
                    self.open[member, period] = start

    def _start(self, period: str) -> datetime:
        day = self.since.astimezone(self.zone).date()
        return periods.starts_at(periods.first_day(period, day), self.zone)

    def passed(self, occasion: Occasion, net: Decimal) -> None:
        """The walk goes on past an order, of which `net` was not given back."""
        member = occasion.member.id
        if "orders" in self.needs:
            counts = self.counts.setdefault(member, {})
            counts[occasion.channel] = counts.get(occasion.channel, 0) + 1
        if "previous" in self.needs:
            self.placed[member] = [(occasion.at, net)]
        for _member, period, start, _end in self._windows(occasion):
            before = self.open.get((member, period))
            if before is not None and before != start:
                self.within.pop((member, period, before), None)
            self.open[member, period] = start
            number, amount = self.in_period(member, period, start)
            is_kept = net > 0 or occasion.amount == 0
            self.within[member, period, start] = (number + is_kept, amount + net)
