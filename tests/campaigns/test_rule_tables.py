"""Rules asked at once answer as they do one by one."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from campaigns import line_checks
from campaigns.histories import Past
from campaigns.occasions import Occasion, of_order
from campaigns.rule_tables import RuleTable, table_of
from campaigns.rules import Rule, compile_rule
from config.bench import evaluating
from loyalty.models import Program
from loyalty.order_facts import Line, OrderFacts
from members.models import Member, Tier
from tests.conftest import NOON


def rule(**content: Any) -> Rule:
    said = {"code": "a", "name": "A", "trigger": "order.paid", "effect": {}, **content}
    return compile_rule(id=1, version=1, content=said)


def occasion(*lines: Line) -> Occasion:
    facts = OrderFacts(number="1", placed_at=NOON, lines=lines)
    member = Member(pk=1, number="1", enrolled_at=NOON)
    tier = Tier(code="base")
    return of_order(facts=facts, member=member, tier=tier, zone=Program().zone, history=Past())


class TestLines:
    VALUES = ("x", "y", "z")

    def lines(self, draw: random.Random) -> list[Line]:
        return [
            Line(
                sku=draw.choice(self.VALUES),
                category=draw.choice(self.VALUES),
                brand=draw.choice(self.VALUES),
                tags=tuple(draw.sample(self.VALUES, draw.randrange(3))),
                amount=Decimal(draw.choice([-1, 0, 5])),
            )
            for _ in range(draw.randrange(4))
        ]

    def test_are_looked_up_as_they_are_compared(self) -> None:
        draw = random.Random(3)
        names = [*line_checks.WANTED, *line_checks.EXCLUDED, "tags", "exclude_tags"]
        rules = [
            rule(
                conditions={
                    n: draw.sample(self.VALUES, draw.randrange(1, 3))
                    for n in draw.sample(names, 2)
                }
            )
            for _ in range(60)
        ]
        table = RuleTable(rules)
        for _ in range(300):
            order = occasion(*self.lines(draw))

            assert table.matching(order) == [each for each in rules if each.matches(order)]


class TestWindows:
    def test_hold_from_their_first_moment_until_before_their_last(self) -> None:
        tick = timedelta(microseconds=1)
        moments = [NOON - tick, NOON, NOON + tick, NOON + timedelta(days=1)]
        rules = [
            rule(starts_at=start, ends_at=end)
            for start in (None, *moments)
            for end in (None, *moments)
            if start is None or end is None or start < end
        ]
        table = RuleTable(rules)
        for moment in [at + shift * tick for at in moments for shift in (-1, 0, 1)]:
            order = replace(occasion(), at=moment)

            assert table.matching(order) == [each for each in rules if each.holds(moment)]


class TestMatching:
    def test_is_the_same_as_one_by_one(self) -> None:
        draw = random.Random(7)
        rules, past, zone = evaluating.rules(), Past(), Program().zone
        table = RuleTable(rules)
        seen: set[int] = set()
        for facts, member, tier in evaluating.orders(draw):
            past.counts[member.pk] = {"app": draw.randrange(5)}
            past.placed[member.pk] = [
                (facts.placed_at - timedelta(days=1), Decimal(draw.choice([1, 600])))
            ]
            order = of_order(facts=facts, member=member, tier=tier, zone=zone, history=past)

            found = table.matching(order)

            assert found == [each for each in rules if each.matches(order)]
            seen.update(each.id for each in found)
        # Each of them matches sometimes, but for the sum of a month, of which nothing is known here.
        assert len(seen) == len(rules) - 1

    def test_is_made_once_for_the_same_rules(self) -> None:
        one, other = evaluating.rules()[:2]

        assert table_of([one]) is table_of([one])
        assert table_of([one, other]) is not table_of([one])
