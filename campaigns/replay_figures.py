"""What a replay comes to: figures by day, tier, store and member, and the result as JSON has it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Any

from campaigns.past_orders import PastOrder, Shop
from campaigns.trials import Outcome, Rules
from loyalty import queries as loyalty_queries
from loyalty.models import Program
from members import queries as member_queries
from members.models import Member

#: So many winners and losers are named.
MOST_NAMED = 20


@dataclass(slots=True)
class Sums:
    """What some of the orders got: only those that got anything count."""

    orders: int = 0
    points: int = 0
    status_points: int = 0
    pieces: int = 0
    members: set[int] = field(default_factory=set)

    def add(self, member: int, outcome: Outcome) -> None:
        """Count an order that the campaign touches."""
        self.orders += 1
        self.points += outcome.points
        self.status_points += outcome.status_points
        self.pieces += outcome.pieces
        self.members.add(member)

    def shown(self, program: Program) -> dict[str, Any]:
        """The figures as JSON has them; `cost` is what the points are worth in money."""
        return {
            "orders": self.orders,
            "members": len(self.members),
            "points": self.points,
            "cost": cost_of(self.points, program),
            "status_points": self.status_points,
            "pieces": self.pieces,
        }


def cost_of(points: int, program: Program) -> str:
    """Points in money, with cents."""
    return f"{loyalty_queries.value_of(points, program):.2f}"


class Figures:
    """Adds up what a replay finds, order by order."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.looked_at = 0
        self.total = Sums()
        self.by_day: defaultdict[date, Sums] = defaultdict(Sums)
        self.by_tier: defaultdict[str, Sums] = defaultdict(Sums)
        self.by_store: defaultdict[str | None, Sums] = defaultdict(Sums)
        # By member: what it gives, and that minus what it gives as it runs now.
        self.of_members: dict[int, list[int]] = {}
        self.points_now = 0
        self.cap_hits: dict[str, list[int]] = {}
        self.first_at: datetime | None = None

    def add(self, order: PastOrder, outcome: Outcome | None) -> None:
        """Count the next order."""
        self.looked_at += 1
        if outcome is None:
            return
        for limit, cut in outcome.cuts:
            hits = self.cap_hits.setdefault(limit, [0, 0])
            hits[0] += 1
            hits[1] += cut
        self.points_now += outcome.points_now
        occasion = order.occasion
        member = occasion.member.id
        if outcome.points or outcome.points_now:
            figures = self.of_members.setdefault(member, [0, 0])
            figures[0] += outcome.points
            figures[1] += outcome.points - outcome.points_now
        if not outcome.is_touched:
            return
        if self.first_at is None:
            self.first_at = occasion.at
        for sums in (
            self.total,
            self.by_day[occasion.day],
            self.by_tier[occasion.tier],
            self.by_store[occasion.store],
        ):
            sums.add(member, outcome)

    # ---- as JSON ------------------------------------------------------------------------------
    def shown(self, rules: Rules) -> dict[str, Any]:
        """The result."""
        program = self.shop.program
        winners = self._ranked(0, is_least=False)
        losers = self._ranked(1, is_least=True)
        people = _people([*winners, *losers])
        less = [figures[1] for figures in self.of_members.values() if figures[1] < 0]
        return {
            "orders_looked_at": self.looked_at,
            **self.total.shown(program),
            "average_per_order": _average(self.total),
            "by_day": [
                {"day": day.isoformat(), **sums.shown(program)}
                for day, sums in sorted(self.by_day.items())
            ],
            "by_tier": self._by_tier(),
            "by_store": self._by_store(),
            "winners": [
                {**people[key], "points": points} for key, points in winners.items() if points > 0
            ],
            "losers": {
                "members": len(less),
                "points": sum(less),
                "most": [{**people[key], "points": points} for key, points in losers.items()],
            },
            "now": {"points": self.points_now, "cost": cost_of(self.points_now, program)}
            if rules.running
            else None,
            "cap_hits": {
                limit: {"times": times, "points": points}
                for limit, (times, points) in self.cap_hits.items()
            },
            "first_at": _moment(self.first_at, program),
        }

    def _ranked(self, place: int, *, is_least: bool) -> dict[int, int]:
        """Who gets most, or least (only who loses), each with the points; of equal ones the older member."""
        figures = ((each[place], key) for key, each in self.of_members.items())
        if is_least:
            found = nsmallest(MOST_NAMED, ((points, key) for points, key in figures if points < 0))
            return {key: points for points, key in found}
        most = nlargest(MOST_NAMED, ((points, -key) for points, key in figures))
        return {-key: points for points, key in most}

    def _by_tier(self) -> list[dict[str, Any]]:
        ranked = sorted(self.shop.tiers.values(), key=lambda tier: tier.rank)
        return [
            {
                "tier": tier.code,
                "name": tier.name,
                **self.by_tier[tier.code].shown(self.shop.program),
            }
            for tier in ranked
            if tier.code in self.by_tier
        ]

    def _by_store(self) -> list[dict[str, Any]]:
        names = {store.code: store.name for store in member_queries.stores()}
        ranked = sorted(
            self.by_store.items(),
            key=lambda each: (-each[1].points, -each[1].orders, each[0] or ""),
        )
        return [
            {
                "store": code,
                "name": names.get(code or "", ""),
                **sums.shown(self.shop.program),
            }
            for code, sums in ranked
        ]


def _average(total: Sums) -> str:
    """Points for each order that it touches, with one decimal."""
    if not total.orders:
        return "0.0"
    return f"{Decimal(total.points) / total.orders:.1f}"


def _moment(at: datetime | None, program: Program) -> str | None:
    return None if at is None else at.astimezone(program.zone).isoformat()


def _people(keys: Sequence[int]) -> Mapping[int, dict[str, str]]:
    found = Member.objects.only("number", "name").filter(pk__in=keys)
    return {each.pk: {"number": each.number, "name": each.masked_name} for each in found}
