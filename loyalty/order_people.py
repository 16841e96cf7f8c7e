"""The members and stores that orders name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loyalty.order_facts import OrderFacts
from members import queries as member_queries
from members.models import Member, Store


@dataclass(slots=True)
class People:
    """The members and stores that a batch names."""

    by_number: dict[str, Member] = field(default_factory=dict)
    by_external_id: dict[str, Member] = field(default_factory=dict)
    stores: Mapping[str, Store] = field(default_factory=dict)

    def member_of(self, facts: OrderFacts) -> Member | None:
        """Who placed an order; None: nobody, or nobody known."""
        if facts.member is not None:
            return self.by_number.get(facts.member)
        if facts.member_external_id is not None:
            return self.by_external_id.get(facts.member_external_id)
        return None

    def waves(self, orders: Sequence[OrderFacts]) -> list[list[OrderFacts]]:
        """The orders in their sequence, cut wherever a member comes again."""
        waves: list[list[OrderFacts]] = [[]]
        seen: set[int] = set()
        for facts in orders:
            member = self.member_of(facts)
            if member is not None and member.pk in seen:
                waves.append([])
                seen = set()
            waves[-1].append(facts)
            if member is not None:
                seen.add(member.pk)
        return waves


def named_by(orders: Sequence[OrderFacts]) -> People:
    """Read everybody and every store that the orders name: three queries at most."""
    found = member_queries.found(
        numbers={facts.member for facts in orders if facts.member is not None},
        external_ids={
            facts.member_external_id for facts in orders if facts.member_external_id is not None
        },
    )
    return People(
        by_number={member.number: member for member in found},
        by_external_id={member.external_id: member for member in found if member.external_id},
        stores=member_queries.stores_by_code(
            {facts.store for facts in orders if facts.store is not None}
        ),
    )
