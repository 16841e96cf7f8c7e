"""The year of the demo shop, week by week: orders, and what members did with their points."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from random import Random

from config.demo.people import Guest
from config.demo.shop import STORES
from loyalty import adjustments, ordering, queries, refunds
from loyalty.adjustments import AdjustmentFacts
from loyalty.ordering import OrderFacts
from loyalty.refunds import RefundFacts
from members.errors import InvalidInput, Refusal
from members.models import Member
from rewards import queries as reward_queries
from rewards import redemption, vouchers
from rewards.models import Redemption
from rewards.redemption import RedemptionRequest

WEEK = timedelta(days=7)
BATCH = 1_000
ADJUSTMENTS = (
    (120, "goodwill", "等候时间较长，送您积分，感谢谅解"),
    (60, "correction", "补记 10 月 8 日消费积分"),
    (200, "compensation", "饮品制作有误，特此补偿"),
    (-50, "correction", "更正重复计入的积分"),
    (100, "goodwill", "邻里日活动赠送"),
    (300, "compensation", "配送延误补偿"),
)

Event = Callable[[datetime], None]


@dataclass(slots=True)
class Year:
    """Lives through the orders; what happens in a week comes after the orders of that week."""

    guests: Sequence[Guest]
    rng: Random
    at: datetime
    _events: list[tuple[datetime, int, Event]] = field(default_factory=list)
    _serial: "count[int]" = field(default_factory=count)

    def live(self, orders: Sequence[OrderFacts]) -> None:
        """Place the orders (in the order of time) week by week and let members act on them."""
        members = {guest.member.number: guest.member for guest in self.guests}
        start = 0
        week_end = orders[0].placed_at
        while start < len(orders):
            week_end = min(week_end + WEEK, self.at)
            end = start
            while end < len(orders) and orders[end].placed_at <= week_end:
                end += 1
            self._week(orders[start:end], members, week_end)
            start = end
        self._adjust()

    def _week(
        self, orders: Sequence[OrderFacts], members: dict[str, Member], week_end: datetime
    ) -> None:
        for first in range(0, len(orders), BATCH):
            ordering.place_all(orders=orders[first : first + BATCH], at=week_end)
        self._plan_refunds(orders)
        self._plan_redemptions(orders, members, week_end)
        while self._events and self._events[0][0] <= week_end:
            moment, _serial, event = heappop(self._events)
            # Somebody may have spent the points meanwhile: then it does not happen.
            with suppress(Refusal, InvalidInput):
                event(moment)

    def _then(self, moment: datetime, event: Event) -> None:
        if moment < self.at:
            heappush(self._events, (moment, next(self._serial), event))

    # ---- refunds --------------------------------------------------------------------------------
    def _plan_refunds(self, orders: Sequence[OrderFacts]) -> None:
        for order in orders:
            if order.member and self.rng.random() < 0.008:
                self._then(
                    order.placed_at + timedelta(hours=self.rng.uniform(1, 90)),
                    self._refund(order, self.rng.choice([1, 1, 2])),
                )

    def _refund(self, order: OrderFacts, parts: int) -> Event:
        def event(moment: datetime) -> None:
            amount = (order.amount / parts).quantize(Decimal("0.01"))
            refunds.refund(
                source=order.source,
                number=order.number,
                facts=RefundFacts(reference="1", at=moment, amount=amount),
                now=moment,
            )

        return event

    # ---- redemptions ------------------------------------------------------------------------------
    def _plan_redemptions(
        self, orders: Sequence[OrderFacts], members: dict[str, Member], week_end: datetime
    ) -> None:
        """At the till, after the member's last order of the week, some redeem what they can afford."""
        last = {order.member: order for order in orders if order.member}
        tempted = [number for number in last if self.rng.random() < 0.065]
        figures = queries.figures_of(members=[members[number] for number in tempted], at=week_end)
        rewards = list(reward_queries.on_sale(week_end).exclude(stock=0))
        for number in tempted:
            active = figures[members[number].pk].active
            affordable = [reward.code for reward in rewards if reward.points <= active]
            if affordable:
                moment = last[number].placed_at + timedelta(minutes=3)
                self._then(moment, self._redeem(number, self.rng.choice(affordable)))

    def _redeem(self, number: str, reward: str) -> Event:
        def event(moment: datetime) -> None:
            request = RedemptionRequest(
                member=number, reward=reward, reference=f"demo-{moment:%Y%m%d%H%M}"
            )
            made = redemption.redeem(request=request, at=moment).redemption
            self._use_or_not(made, moment)

        return event

    def _use_or_not(self, made: Redemption, moment: datetime) -> None:
        later = moment + timedelta(hours=self.rng.choice([0.05, 0.05, 26, 75, 200, 500]))
        fate = self.rng.random()
        voucher = made.vouchers.first()
        if voucher is None:  # a donation
            return
        if fate < 0.7:
            self._then(later, self._use(voucher.code, self.rng.choice(STORES)[0]))
        elif fate < 0.78:
            self._then(later, lambda at: _ignored(redemption.cancel(number=made.number, at=at)))

    def _use(self, code: str, store: str) -> Event:
        return lambda at: _ignored(
            vouchers.use(code=code, store=store, reference="", used_by="clerk", at=at)
        )

    # ---- adjustments ------------------------------------------------------------------------------
    def _adjust(self) -> None:
        for place, (points, reason, message) in enumerate(ADJUSTMENTS):
            guest = self.guests[20 + 5 * place]
            with suppress(Refusal):
                adjustments.adjust(
                    facts=AdjustmentFacts(
                        member=guest.member.number,
                        points=points,
                        reason=reason,
                        message=message,
                        reference=f"demo-{place}",
                    ),
                    requested_by="manager",
                    at=self.at - timedelta(hours=5 * place + 1),
                )


def _ignored(_answer: object) -> None:
    """An event answers nothing."""
