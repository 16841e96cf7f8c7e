"""Orders judged by twenty campaigns at once, with explanations: the pure part, without a database."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from campaigns import judging
from campaigns.judging import Judge
from campaigns.occasions import Occasion, of_order
from campaigns.rules import Rule, compile_rule
from config.bench import measuring
from config.bench.measuring import Goal
from config.bench.measuring import Line as Row
from loyalty import earning, order_awards
from loyalty.earning import Facts
from loyalty.effects import Effect
from loyalty.models import Program
from loyalty.order_facts import Line, OrderFacts
from members.models import Member, Tier

ORDERS = 3_000
YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def _times(factor: str, scope: str = "order") -> dict[str, Any]:
    return {"type": "multiplier", "value": factor, "scope": scope}


def _points(points: int, **more: Any) -> dict[str, Any]:
    return {"type": "bonus", "points": points, **more}


# What a shop with many ideas has running at once: effect, conditions, and what else a campaign says.
CAMPAIGNS: tuple[tuple[dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    (_times("3"), {"month_days": [8]}, {}),
    (_times("2"), {"weekdays": [6, 7], "stores": ["S1", "S2"]}, {}),
    (_times("2"), {"weekdays": [1, 2, 3, 4, 5], "hours": ["11:30-13:30"]}, {}),
    (_times("2"), {"hours": ["20:00-24:00"], "channels": ["app"]}, {}),
    (_times("1.2", "matching_lines"), {"tags": ["new"]}, {}),
    (_times("1.1"), {"tiers": ["gold", "platinum"], "channels": ["app", "mini"]}, {}),
    ({"type": "per_unit", "points": 5}, {"categories": ["coffee"], "min_amount": "30.00"}, {}),
    (_times("1.5", "matching_lines"), {"categories": ["dairy"], "exclude_brands": ["A"]}, {}),
    (_points(100), {"min_amount": "150.00"}, {"limits": {"per_member_per_day": 100}}),
    (_points(30), {"min_amount": "100.00", "stores": ["S3"]}, {}),
    (_points(100, multiplied=True), {"first_order": True, "channels": ["app"]}, {}),
    (_points(50), {"every_nth_order": 5}, {"limits": {"budget_points": 1_000_000}}),
    (_times("2"), {"after_spend": {"amount": "500.00", "days": 30}}, {}),
    (_times("2"), {"birthday_month": True}, {"limits": {"per_member_per_month": 2_000}}),
    (_points(20), {"coupon": "SPRING"}, {}),
    (_times("1.1"), {"payment_methods": ["wallet"]}, {}),
    (_points(60), {"enrolled_within_days": 30}, {}),
    (_times("1.3"), {"percentage": 10}, {"combine": {"group": "pilot", "mode": "best"}}),
    ({"type": "per_amount", "points": 1, "amount": "10.00"}, {"skus": ["P1", "P2"]}, {}),
    (_times("2"), {"period_sum": {"period": "month", "amount": "1000.00"}}, {}),
)


def rules() -> list[Rule]:
    """The campaigns as rules; every third has a window, in which the orders lie."""
    window = {"starts_at": YEAR, "ends_at": YEAR + timedelta(days=400)}
    return judging.in_order(
        compile_rule(
            id=number,
            version=1,
            content={
                "code": f"campaign-{number}",
                "name": f"Campaign {number}",
                "trigger": "order.paid",
                "effect": effect,
                "conditions": conditions,
                **(window if number % 3 == 0 else {}),
                **more,
            },
        )
        for number, (effect, conditions, more) in enumerate(CAMPAIGNS, start=1)
    )


def orders(draw: random.Random) -> Iterator[tuple[OrderFacts, Member, Tier]]:
    """Orders of three lines, with their members and tiers."""
    ladder = [
        Tier(code=code, name=code, rank=rank, multiplier=Decimal(multiplier))
        for rank, (code, multiplier) in enumerate(
            [("regular", "1"), ("silver", "1.2"), ("gold", "1.5"), ("platinum", "2")]
        )
    ]
    for number in range(ORDERS):
        pk = draw.randrange(1, 1_000)
        member = Member(
            pk=pk,
            number=f"{pk:012d}",
            enrolled_at=YEAR - timedelta(days=pk),
            birthday=date(1990, 1 + pk % 12, 1),
        )
        yield _order(number, member, draw), member, ladder[pk % 4]


def _order(number: int, member: Member, draw: random.Random) -> OrderFacts:
    lines = tuple(
        Line(
            sku=f"P{draw.randrange(50)}",
            amount=Decimal(draw.randrange(500, 9_000)).scaleb(-2),
            quantity=draw.randrange(1, 4),
            category=draw.choice(["coffee", "dairy", "bakery", "meat", "fruit", "wine"]),
            brand=draw.choice("ABCDE"),
            tags=("new",) if draw.random() < 0.1 else (),
        )
        for _ in range(3)
    )
    return OrderFacts(
        number=str(number),
        member=member.number,
        placed_at=YEAR + timedelta(minutes=draw.randrange(365 * 24 * 60)),
        lines=lines,
        store=f"S{draw.randrange(8)}",
        channel=draw.choice(["till", "app", "mini"]),
        coupon="SPRING" if draw.random() < 0.02 else "",
        payments=((draw.choice(["card", "wallet", "cash"]), Decimal(100)),),
    )


Seen = tuple[Occasion, Facts]


class Shelf:
    """Stands where a batch's promotions stand."""

    def __init__(self) -> None:
        self.judge = Judge(rules())
        self.occasion: Occasion | None = None

    def effects(self, facts: Facts) -> list[Effect]:
        """What the campaigns contribute to the order at hand."""
        assert self.occasion is not None
        return self.judge.effects(self.occasion, facts)


def seen(shelf: Any, told: Iterable[tuple[OrderFacts, Member, Tier]]) -> list[Seen]:
    """The orders as the rules look at them: the facts from which everything follows."""
    program = Program()
    zone, past = program.zone, shelf.judge.past
    return [
        (
            of_order(facts=facts, member=member, tier=tier, zone=zone, history=past),
            order_awards.seen(
                facts=facts, tier=tier, program=program, member=member, promotions=shelf
            ),
        )
        for facts, member, tier in told
    ]


def judge(shelf: Any, looked_at: Iterable[Seen]) -> int:
    """Judge every order, with explanations; the points of all."""
    points = 0
    for occasion, facts in looked_at:
        shelf.occasion = occasion
        points += earning.evaluate(facts).points
    return points


def evaluate() -> Row:
    """Judging orders on one core."""
    told = list(orders(random.Random(4)))  # noqa: S311 - a sample, not a secret
    shelf = Shelf()

    def rate() -> float:
        looked_at = seen(shelf, told)  # anew: what an order was asked before is kept on it
        return measuring.rate(lambda: judge(shelf, looked_at), ORDERS)

    (rates,) = measuring.in_turns(rate)
    return Row(
        what=f"orders of three lines judged by {len(CAMPAIGNS)} campaigns, with explanations, one core",
        ours=f"{median(rates):,.0f}/s",
        beside="–",
        value=median(rates),
        goal=Goal(must=10_000, aim=30_000, form="{:,.0f}/s"),
    )
