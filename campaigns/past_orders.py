"""Orders that were posted, read again in large pieces as campaigns look at them: everything as it was at the order.

The tier is the one that the history says was held; the lowest column of detail is read that the rules need.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns import segmenting
from campaigns.occasions import ORDER, Occasion
from campaigns.order_histories import Walked
from campaigns.past_lines import PastLines
from campaigns.rules import Rule
from loyalty import queries as loyalty_queries
from loyalty.models import Program
from loyalty.order_facts import Line, OrderFacts
from members import queries as member_queries
from members.models import Member, Tier

CHUNK = 10_000

_COUNT = """
SELECT count(*) FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS n (since, until)
JOIN loyalty_order o ON o.placed_at >= n.since AND o.placed_at < n.until
WHERE o.member_id IS NOT NULL AND o.awarded_at IS NOT NULL"""

# With the last row of the tier history at the order, the factor of its tier where it may have reached that tier itself,
# and the tier of a member without a history.
_ORDERS = """
SELECT o.placed_at, o.id, o.source, o.number, o.member_id, o.store_id, o.channel, o.coupon, o.amount,
    o.points_paid_amount, o.net, o.methods, c.tier_id, c.before_id, c.at = o.placed_at AND c.reason = 'reached',
    CASE WHEN c.at = o.placed_at THEN jsonb_path_query_first(o.explanation, '$[*] ? (@.kind == "tier").factor') #>> '{{}}' END,
    CASE WHEN c.tier_id IS NULL AND NOT EXISTS (SELECT FROM members_tierchange WHERE member_id = o.member_id)
        THEN (SELECT tier_id FROM members_member WHERE id = o.member_id) END
FROM (
    SELECT o.placed_at, o.id, o.source, o.number, o.member_id, o.store_id, o.channel, o.coupon, o.amount,
        o.points_paid_amount, o.amount - o.refunded_amount AS net, {methods} AS methods, o.explanation
    FROM loyalty_order o
    WHERE (o.placed_at, o.id) > (%s, %s) AND o.placed_at < %s AND o.member_id IS NOT NULL AND o.awarded_at IS NOT NULL
        {share}
    ORDER BY o.placed_at, o.id LIMIT %s
) o
LEFT JOIN LATERAL (
    SELECT tier_id, before_id, at, reason FROM members_tierchange
    WHERE member_id = o.member_id AND at <= o.placed_at ORDER BY at DESC, id DESC LIMIT 1
) c ON true
ORDER BY o.placed_at, o.id"""
_METHODS = "ARRAY(SELECT p ->> 'method' FROM jsonb_array_elements(o.payments) p)"
_NO_METHODS = "NULL::text[]"

# What checks need that does not hang on the orders before.
_AT_HAND = ("", "segments")


@dataclass(slots=True)
class PastOrder:
    """An order that was posted, as an occasion; `net` is what was not given back of its amount."""

    id: int
    key: tuple[str, str]
    occasion: Occasion
    tier: Tier
    net: Decimal
    paid_with_points: Decimal
    history: Walked

    def facts(self) -> OrderFacts:
        """What the order says, as far as it was read; made for the orders that matter alone."""
        seen = self.occasion
        source, number = self.key
        return OrderFacts(
            number=number,
            source=source,
            member=seen.member.number,
            store=seen.store,
            channel=seen.channel,
            placed_at=seen.at,
            coupon=seen.coupon,
            points_paid_amount=self.paid_with_points,
            payments=tuple((method, seen.amount) for method in seen.methods),
            lines=tuple(seen.lines),
        )

    def pass_by(self) -> None:
        """The walk goes on: for the orders that follow it has happened."""
        self.history.passed(self.occasion, self.net)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time from `since` (inclusive) to `until` (exclusive); of the members one in so many, chosen by id."""

    since: datetime
    until: datetime
    one_in: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What orders refer to, read once."""

    program: Program
    tiers: Mapping[int, Tier]
    lowest: Tier
    stores: Mapping[int, str]
    now: datetime

    @classmethod
    def read(cls, *, now: datetime) -> "Shop":
        """The program, the tiers and the stores as they are; it is `now`."""
        return cls(
            program=loyalty_queries.program(),
            tiers={tier.pk: tier for tier in member_queries.tiers()},
            lowest=member_queries.lowest_tier(),
            stores={store.pk: store.code for store in member_queries.stores()},
            now=now,
        )


def count(periods: Sequence[Period]) -> int:
    """How many orders of members that earned were placed in these periods, which do not overlap."""
    if not periods:
        return 0
    ends = [[each.since for each in periods], [each.until for each in periods]]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, ends)
        (found,) = cursor.fetchone()
    return int(found)


class PastOrders:
    """The orders of a period in the order of time, with what these rules look at.

    Lines are read of the orders that one of the `decisive` rules may match; where none does, nothing else matters.
    """

    def __init__(
        self,
        *,
        period: Period,
        rules: Sequence[Rule],
        decisive: Sequence[Rule],
        shop: Shop,
    ) -> None:
        self.period = period
        self.rules = rules
        self.decisive = decisive
        self.shop = shop
        self.lines = PastLines(rules)
        self.segments = {
            code
            for rule in rules
            for check in rule.checks
            if check.name == "segments"
            for code in check.expected
        }
        self.history = Walked(
            since=period.since,
            zone=shop.program.zone,
            needs=frozenset(need for rule in rules for need in rule.needs) - {"segments"},
            names=sorted({each for rule in rules for each in rule.periods}),
        )
        self.moment: datetime | None = None
        self.lifted: set[int] = set()

    def chunks(self) -> Iterator[list[PastOrder]]:
        """The orders, so many at a time; the history of their members is read."""
        last = (self.period.since, 0)
        while rows := self._read(last):
            last = rows[-1][:2]
            yield self._orders(rows)
            if len(rows) < CHUNK:
                return

    def _read(self, last: tuple[datetime, int]) -> list[tuple[Any, ...]]:
        wants_methods = any(
            check.name == "payment_methods" for rule in self.rules for check in rule.checks
        )
        # All members are no condition: the planner would take it for one that leaves next to nothing.
        share = [self.period.one_in] if self.period.one_in > 1 else []
        statement = _ORDERS.format(
            methods=_METHODS if wants_methods else _NO_METHODS,
            share="AND o.member_id %% %s = 0" if share else "",
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [*last, self.period.until, *share, CHUNK])
            return list(cursor.fetchall())

    def _orders(self, rows: Sequence[tuple[Any, ...]]) -> list[PastOrder]:
        keys = {row[4] for row in rows}
        members = _members(keys)
        self.history.read(keys)
        found = [self._order(row, members[row[4]]) for row in rows]
        if self.segments:
            codes = segmenting.codes_of(members=keys, codes=self.segments, at=self.shop.now)
            for each in found:
                each.occasion.segments = codes.get(each.occasion.member.pk, frozenset())
        self._put_lines_on([each for each in found if self._may_matter(each.occasion)])
        return found

    def _order(self, row: tuple[Any, ...], member: Member) -> PastOrder:
        (
            placed_at,
            pk,
            source,
            number,
            _member,
            store,
            channel,
            coupon,
            amount,
            paid,
            net,
            methods,
        ) = row[:12]
        tier, zone = self._tier(row), self.shop.program.zone
        local = placed_at.astimezone(zone)
        occasion = Occasion(
            trigger=ORDER,
            at=placed_at,
            local=local,
            day=local.date(),
            minute=local.hour * 60 + local.minute,
            zone=zone,
            member=member,
            tier=tier.code,
            history=self.history,
            store=self.shop.stores.get(store),
            channel=channel,
            amount=amount,
            methods=frozenset(methods or ()),
            coupon=coupon,
        )
        return PastOrder(pk, (source, number), occasion, tier, net, paid, self.history)

    def _tier(self, row: tuple[Any, ...]) -> Tier:
        """The tier held at the order; the one that reached a tier earned at the tier before.

        Of several orders at that moment the factor that each earned with tells; where it does not, the first one was it.
        """
        key, before, is_reached, factor, without_history = row[12:]
        tier = self.shop.tiers.get(key or without_history, self.shop.lowest)
        if not is_reached:
            return tier
        lower = self.shop.tiers.get(before, self.shop.lowest)
        if self.moment != row[0]:
            self.moment, self.lifted = row[0], set()
        is_first = row[4] not in self.lifted
        self.lifted.add(row[4])
        factors = {lower.multiplier: lower, tier.multiplier: tier}
        usual = lower if is_first else tier
        return factors.get(Decimal(factor or 1), usual) if len(factors) == 2 else usual

    def _put_lines_on(self, orders: Sequence[PastOrder]) -> None:
        if not self.lines.are_read:
            for each in orders:
                each.occasion.lines = (Line(sku="", amount=each.occasion.amount),)
            return
        lines = self.lines.read([each.id for each in orders])
        for each in orders:
            each.occasion.lines = lines.get(each.id, ())

    def _may_matter(self, occasion: Occasion) -> bool:
        """Whether a rule may match, whatever the lines and earlier orders turn out to be."""
        return any(
            rule.holds(occasion.at)
            and all(check.test(occasion) for check in rule.checks if check.needs in _AT_HAND)
            for rule in self.decisive
        )


def _members(keys: Collection[int]) -> dict[int, Member]:
    found = Member.objects.only("number", "birthday", "enrolled_at")
    return {each.pk: each for each in found.filter(pk__in=keys)}
