"""What limits have left: per member and day, month and ever, and in the campaign's budget."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from campaigns.models import Budget
from campaigns.rules import Rule
from loyalty.effects import Room
from rewards import giving as rewards_giving

_USED = """
SELECT campaign_id, member_id, day, sum(points + status_points + pieces)::bigint FROM campaigns_campaignaward
WHERE campaign_id = ANY(%s) AND member_id = ANY(%s) GROUP BY campaign_id, member_id, day"""

_SPEND = """
UPDATE campaigns_budget b SET used = b.used + n.points,
    exhausted_at = CASE WHEN b.used + n.points >= b.points THEN coalesce(b.exhausted_at, n.at) END
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS n (campaign_id, points, at)
WHERE b.campaign_id = n.campaign_id"""


@dataclass(slots=True)
class Used:
    """What a campaign gave one member: by day, in all."""

    by_day: dict[date, int] = field(default_factory=dict)
    total: int = 0

    def in_month(self, day: date) -> int:
        """What was given in the month of a day."""
        return sum(
            points
            for each, points in self.by_day.items()
            if (each.year, each.month) == (day.year, day.month)
        )


#: What of it each limit compares.
PER_MEMBER: Mapping[str, Callable[[Used, date], int]] = {
    "per_member_per_day": lambda used, day: used.by_day.get(day, 0),
    "per_member_per_month": Used.in_month,
    "per_member": lambda used, _day: used.total,
}


class Usage:
    """The use of limits, read once for a batch and kept up while it goes on."""

    def __init__(self) -> None:
        self.used: dict[tuple[int, int], Used] = {}
        self.budgets: dict[int, int] = {}
        self.spent: dict[int, int] = {}
        # Rewards whose stock can run out, by code.
        self.stock: dict[str, int] = {}

    def load(self, *, rules: Iterable[Rule], members: Collection[int]) -> None:
        """Read what each member has had of the rules that are limited by member: one query, if there are any."""
        limited = sorted(
            {rule.id for rule in rules if any(name in rule.limits for name in PER_MEMBER)}
        )
        if not limited:
            return
        for campaign, member, day, points in _rows(_USED, [limited, sorted(members)]):
            self._add(campaign, member, day, points)

    def load_budgets(self, *, campaigns: Collection[int], lock: bool) -> None:
        """Read what is left of budgets; locked in id order, nobody else can use them meanwhile."""
        if not campaigns:
            return
        found = Budget.objects.filter(campaign__in=sorted(campaigns)).order_by("campaign")
        if lock:
            found = found.select_for_update(no_key=True)
        self.budgets |= {each.campaign_id: each.left for each in found}

    def load_stock(self, *, rules: Iterable[Rule], lock: bool) -> None:
        """Read what is left of the rewards that rules give; a stock that can run out is locked in id order."""
        codes = {
            rule.effect["reward"]: None for rule in rules if rule.effect["type"] == "grant_reward"
        }
        self.stock = rewards_giving.stock_of(codes=sorted(codes), lock=lock) if codes else {}

    def room(self, rule: Rule, member: int, day: date) -> Room | None:
        """What the rule's limits (and the stock it gives from) leave for one more award to a member; None: it has none."""
        shelf = self.stock.get(rule.effect.get("reward", ""))
        if not rule.limits:
            return None if shelf is None else Room(left=[("stock", shelf)])
        used = self.used.get((rule.id, member))
        left = [
            (name, limit - PER_MEMBER[name](used, day) if used else limit)
            for name, limit in rule.limits.items()
            if name in PER_MEMBER
        ]
        if "budget_points" in rule.limits:
            budget = self.budgets.get(rule.id, rule.limits["budget_points"])
            left.append(("budget_points", budget - self.spent.get(rule.id, 0)))
        if shelf is not None:
            left.append(("stock", shelf))
        return Room(left=left, is_whole=rule.is_whole)

    def note(self, rule: Rule, member: int, day: date, points: int) -> None:
        """Points (or status points, or pieces) were given."""
        self._add(rule.id, member, day, points)
        reward = rule.effect.get("reward", "")
        if reward in self.stock:
            self.stock[reward] -= points
        if "budget_points" in rule.limits and points > 0:
            self.spent[rule.id] = self.spent.get(rule.id, 0) + points

    def write(self, *, at: Any) -> None:
        """Take what was given from the budgets: one statement, none where nothing was."""
        spent = {campaign: points for campaign, points in sorted(self.spent.items()) if points}
        if spent:
            with connection.cursor() as cursor:
                cursor.execute(_SPEND, [list(spent), list(spent.values()), [at] * len(spent)])
        for campaign, points in spent.items():
            self.budgets[campaign] -= points
        self.spent = {}

    def _add(self, campaign: int, member: int, day: date, points: int) -> None:
        used = self.used.get((campaign, member))
        if used is None:
            used = self.used[campaign, member] = Used()
        used.by_day[day] = used.by_day.get(day, 0) + points
        used.total += points


def _rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
