"""林知夏: the demo member, whose year is told exactly.

She holds 2,680 points of which 320 lapse this month, is ¥500 away from gold, 200 points away from a
pour-over coffee, and has two vouchers to use. The amounts below add up to that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from config.demo.shop import BY_SKU
from loyalty import adjustments, expiry, ordering, refunds
from loyalty.adjustments import AdjustmentFacts
from loyalty.ordering import OrderFacts
from loyalty.refunds import RefundFacts
from members.models import Member
from rewards import redemption, vouchers
from rewards.models import Redemption
from rewards.redemption import RedemptionRequest

HOME = "SH-JAS"
BASKETS = (
    "OAT-LATTE CROISSANT",
    "LATTE POUR-OVER BAGEL",
    "OAT-LATTE CREAM-CAKE",
    "POUR-OVER POUR-OVER",
    "COLD-BREW OSMANTHUS BASQUE",
    "AMERICANO CROISSANT",
    "LATTE LATTE CREAM-CAKE",
)
SPECIAL = (
    (430, "GRINDER"),
    (429, "OAT-LATTE BAGEL"),
    (301, "GIFT-BOX " * 12),
    (211, "GIFT-BOX BEANS POUR-OVER BAGEL"),
    (151, "GIFT-BOX " * 10),
    (62, "GIFT-BOX " * 15),
    (14, "POUR-OVER"),
    (3, "OAT-LATTE OAT-LATTE"),
)
REFUNDED = 14


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the story of one member up to a moment."""

    member: Member
    at: datetime
    zone: ZoneInfo
    acts: Sequence[tuple[int, Callable[[datetime], None]]] = ()

    def tell(self) -> None:
        """Orders between the other events go in together."""
        orders = sorted(self._orders(), key=lambda order: order.placed_at)
        # Of one day, what is told here comes first.
        for days, event in sorted([*self._events(), *self.acts], key=lambda told: -told[0]):
            moment = self._on(days, 12, 30)
            before = [order for order in orders if order.placed_at < moment]
            orders = orders[len(before) :]
            self._place(before, moment)
            event(moment)
        self._place(orders, self.at)

    def _place(self, orders: list[OrderFacts], at: datetime) -> None:
        for placed in ordering.place_all(orders=orders, at=at):
            if placed.problem is not None:
                raise placed.problem

    def _on(self, days: int, hour: int, minute: int) -> datetime:
        day = (self.at - timedelta(days=days)).astimezone(self.zone).date()
        return datetime.combine(day, time(hour, minute), self.zone)

    # ---- purchases ----------------------------------------------------------------------------
    def _orders(self) -> Iterator[OrderFacts]:
        for place, days in enumerate(range(352, 16, -3)):
            hour = (8, 9, 15)[place % 3]
            yield self._order(days, self._on(days, hour, place % 60), BASKETS[place % 7])
        for days, goods in SPECIAL:
            yield self._order(days, self._on(days, 11, 46), goods)

    def _order(self, days: int, moment: datetime, goods: str) -> OrderFacts:
        skus = goods.split()
        return OrderFacts(
            number=self._number(moment),
            source="pos",
            member=self.member.number,
            store="SH-XJH" if days % 10 == 1 else HOME,
            channel="store",
            placed_at=moment,
            lines=tuple(BY_SKU[sku].line(skus.count(sku)) for sku in dict.fromkeys(skus)),
        )

    def _number(self, moment: datetime) -> str:
        return f"{moment:%y%m%d}-{moment:%H%M}-L"

    # ---- what else happened ---------------------------------------------------------------------
    def _events(self) -> list[tuple[int, Callable[[datetime], None]]]:
        """Days ago, and what happened at noon."""
        return [
            (255, self._redeem("movie", uses_after=3)),
            (190, self._redeem("umbrella", uses_after=0)),
            (150, self._redeem("movie")),
            (101, self._change_mind("tote")),
            (45, self._redeem("brewing-class", uses_after=7)),
            (40, self._give(80, "门店活动补赠", lasts=19)),
            (21, _nothing),  # what came before stands before the expiry of that night
            (20, self._redeem("cream-cake", uses_after=0)),
            (16, self._redeem("cup-upgrade")),
            (12, self._refund),
            (9, self._redeem("tote")),
            (6, self._give(320, "生日礼遇", lasts=30)),
        ]

    def _redeem(self, reward: str, *, uses_after: int | None = None) -> Callable[[datetime], None]:
        def event(moment: datetime) -> None:
            made = self._request(reward, moment)
            if uses_after is None:
                return
            vouchers.use(
                code=made.vouchers.get().code,
                store=HOME,
                reference="",
                used_by="clerk",
                at=moment + timedelta(days=uses_after, minutes=3),
            )

        return event

    def _request(self, reward: str, moment: datetime) -> Redemption:
        request = RedemptionRequest(
            member=self.member.number, reward=reward, reference=f"demo-{moment:%Y%m%d}-{reward}"
        )
        return redemption.redeem(request=request, at=moment).redemption

    def _change_mind(self, reward: str) -> Callable[[datetime], None]:
        def event(moment: datetime) -> None:
            made = self._request(reward, moment)
            redemption.cancel(number=made.number, at=moment + timedelta(hours=5))

        return event

    def _give(self, points: int, message: str, *, lasts: int) -> Callable[[datetime], None]:
        def event(moment: datetime) -> None:
            last_day = moment.date() + timedelta(days=lasts)
            adjustments.adjust(
                facts=AdjustmentFacts(
                    member=self.member.number,
                    points=points,
                    reason="goodwill",
                    message=message,
                    reference=f"demo-{moment:%Y%m%d}",
                    expires_at=expiry.end_of_local_day(last_day, self.zone),
                ),
                requested_by="manager",
                at=moment,
            )

        return event

    def _refund(self, moment: datetime) -> None:
        placed_at = self._on(REFUNDED, 11, 46)
        refunds.refund(
            source="pos",
            number=self._number(placed_at),
            facts=RefundFacts(reference="1", at=moment, amount=Decimal(36)),
            now=moment,
        )


def _nothing(_moment: datetime) -> None:
    """A day on which only the orders before it are placed."""
