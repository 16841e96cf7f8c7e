"""What campaigns add to orders: the promotions of `loyalty.promotions`, one object for each batch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns import budgets, explaining, granting, judging, referrals
from campaigns.histories import NEWEST, Past
from campaigns.judging import Judge
from campaigns.models import CampaignAward
from campaigns.occasions import ORDER, REFERRAL, Occasion, of_order
from campaigns.referrals import Found
from loyalty.earning import Contribution, Earned, Facts
from loyalty.ledger import Held
from loyalty.models import Order, Program
from loyalty.order_facts import OrderFacts
from members.models import Member
from rewards import voucher_orders


def campaign_bonuses(facts: Facts) -> Iterable[Contribution]:
    """Rule of EARNING_RULES: what the campaigns that match contribute."""
    return () if facts.promotions is None else facts.promotions.effects(facts)


class Bonuses:
    """The campaigns' part in a batch of orders."""

    def __init__(
        self,
        *,
        orders: Sequence[OrderFacts],
        members: Mapping[int, Member],
        at: datetime,
        own: Order | None = None,
    ) -> None:
        self.orders = orders
        self.members = members
        self.at = at
        past = Past(but=own.pk if own is not None else 0, before=NEWEST)
        placed = [orders[place].placed_at for place in members]
        if placed:
            budgets.stand_by()
        rules = (
            judging.running(triggers=[ORDER, REFERRAL], since=min(placed), until=max(placed))
            if placed
            else []
        )
        self.judge = Judge(rules, past)
        self.referrals = referrals.Referrals(
            [rule for rule in rules if rule.trigger == REFERRAL], members.values()
        )
        self.most_status = sum(
            int(rule.effect["points"]) for rule in rules if rule.effect["type"] == "status_points"
        )
        self.looks_again = len(members) > 1 and "segments" in self.judge.needs
        self.occasions: dict[int, Occasion] = {}
        self.noted: list[tuple[Order, CampaignAward, Any]] = []
        self.found: list[Found] = []
        self.program: Program | None = None

    @staticmethod
    def concerned(member: int) -> Collection[int]:
        """Who else got, or may get, points by an order of this member."""
        return referrals.referrers_of(member)

    @staticmethod
    def explained(order: Order) -> list[dict[str, Any]]:
        """Why an order earned what it did, campaign by campaign."""
        return explaining.rules_for(order)

    def lock_too(self) -> Collection[int]:
        """Who brought the members and has not been paid for it."""
        return self.referrals.referrers()

    def load(self, *, program: Program, held: Held | None) -> None:
        """Read what the campaigns need for these orders."""
        self.program = program
        if not self.judge.rules:
            return
        occasions = [
            self._occasion(self.orders[place], member) for place, member in self.members.items()
        ]
        if held is not None:
            coupons = [each.coupon for each in self.orders if each.coupon]
            voucher_orders.lock_named(
                coupons=coupons, members=[each.pk for each in self.members.values()]
            )
        self.judge.load(
            occasions=occasions, others=self.referrals.referrers(), lock=held is not None
        )

    def effects(self, facts: Facts) -> Iterable[Contribution]:
        """What the matching campaigns contribute to an order; from memory."""
        if not self.judge.rules or facts.order is None or facts.member is None:
            return ()
        occasion = self._occasion(facts.order, facts.member)
        occasion.tier = facts.tier.code
        return self.judge.effects(occasion, facts)

    def rules(self, facts: Facts) -> list[dict[str, Any]]:
        """Every campaign for orders that is in force, with its conditions."""
        if facts.order is None or facts.member is None:
            return []
        occasion = self._occasion(facts.order, facts.member)
        occasion.tier = facts.tier.code
        return self.judge.explain(occasion)

    def note(self, *, order: Order, facts: Facts, earned: Earned) -> None:
        """An order was awarded: limits are used; a friend who was brought in may have been won."""
        if not self.judge.rules or facts.order is None or facts.member is None:
            return
        occasion = self._occasion(facts.order, facts.member)
        self.found += self.referrals.won(occasion=occasion, order=order, judge=self.judge)
        given = earned.given
        for award, each in zip(
            self.judge.note(occasion, given), judging.by_rules(given), strict=True
        ):
            self.noted.append((order, award, each))

    def write(self, *, held: Held) -> None:
        """Write awards and budgets, hand out rewards, pay for friends."""
        if not self.noted and not self.found:
            return
        for order, award, _given in self.noted:
            award.order_id = order.pk
        CampaignAward.objects.bulk_create([award for _order, award, _given in self.noted])
        referrals.pay(found=self.found, held=held, program=self.program)
        self.judge.usage.write(at=self.at)
        granting.give(noted=self.noted, at=held.at)
        self.noted, self.found = [], []

    def _occasion(self, facts: OrderFacts, member: Member) -> Occasion:
        known = self.occasions.get(id(facts))
        if known is None:
            assert self.program is not None
            known = self.occasions[id(facts)] = of_order(
                facts=facts,
                member=member,
                tier=member.tier,
                zone=self.program.zone,
                history=self.judge.past,
            )
            known.segments = self.judge.members_of.get(member.pk, frozenset())
        return known
