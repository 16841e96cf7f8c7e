"""Rules asked at once answer as they do one by one."""

import random
from datetime import timedelta
from decimal import Decimal

from campaigns.histories import Past
from campaigns.occasions import of_order
from campaigns.rule_tables import RuleTable, table_of
from config.bench import evaluating
from loyalty.models import Program


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
            occasion = of_order(facts=facts, member=member, tier=tier, zone=zone, history=past)

            found = table.matching(occasion)

            assert found == [rule for rule in rules if rule.matches(occasion)]
            seen.update(rule.id for rule in found)
        # Each of them matches sometimes, but for the sum of a month, of which nothing is known here.
        assert len(seen) == len(rules) - 1

    def test_is_made_once_for_the_same_rules(self) -> None:
        rule = evaluating.rules()[0]

        assert table_of([rule]) is table_of([rule])
        assert table_of([rule, rule]) is not table_of([rule])
