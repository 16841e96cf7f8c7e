"""What a member wants of a reward: which variant, how many, handed over how, and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from loyalty.queries import Figures
from members.models import Member
from rewards import prices, showcase
from rewards.models import Reward, Variant
from rewards.prices import Price
from rewards.showcase import Item

MOST_AT_ONCE = 99
Delivery = Reward.Delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A choice with its price; `most` is how many there may be, `owned` what the member can spend.

    `variant` is None where there are none, or where none was chosen yet.
    """

    reward: Reward
    variants: list[Variant]
    variant: Variant | None
    quantity: int
    most: int
    delivery: str
    price: Price
    owned: int

    @property
    def points(self) -> int:
        """What all pieces cost."""
        return self.price.points * self.quantity

    @property
    def regular(self) -> int:
        """What they would cost without the offer."""
        return self.price.regular * self.quantity

    @property
    def crossed_out(self) -> int | None:
        """What a piece costs otherwise, without the offer or in other tiers; None where that is not more."""
        extra = self.variant.extra_points if self.variant else 0
        before = max(self.price.regular, self.reward.points + extra)
        return before if before > self.price.points else None

    @property
    def cash(self) -> Decimal:
        """What is paid in money besides."""
        return self.price.cash * self.quantity

    @property
    def left_over(self) -> int:
        """What would be left of the member's points."""
        return self.owned - self.points

    @property
    def missing(self) -> int:
        """The points that are missing for it."""
        return max(0, -self.left_over)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be chosen."""
        return self.variant is not None or not self.variants

    @property
    def is_sent(self) -> bool:
        """Whether it is sent, so that an address is needed."""
        return self.delivery == Delivery.SHIPPING


def read(
    *, said: Mapping[str, str], item: Item, member: Member, at: datetime, figures: Figures
) -> Choice:
    """What was said of an item, as far as it makes sense; the price stands for the member from now on."""
    reward = item.reward
    variants = showcase.variants_of([reward], at=at).get(reward.pk, [])
    variant = _variant(variants, said.get("variant", ""))
    price = prices.quote(reward=reward, member=member, variant=variant, at=at)
    owned = figures.active - figures.debt
    most = min(_most(item, variant, price, member), max(1, owned // price.points))
    return Choice(
        reward=reward,
        variants=variants,
        variant=variant,
        quantity=min(max(1, _number(said.get("quantity")) + _number(said.get("step"), 0)), most),
        most=most,
        delivery=_delivery(reward, said.get("delivery", "")),
        price=price,
        owned=owned,
    )


def _variant(variants: list[Variant], code: str) -> Variant | None:
    """The one that was said; else the only one that can be had."""
    left = [each for each in variants if each.stock != 0]
    chosen = next((each for each in left if each.code == code), None)
    return left[0] if chosen is None and len(left) == 1 else chosen


def _most(item: Item, variant: Variant | None, price: Price, member: Member) -> int:
    """How many may be had at once: of what is left, and within the member's limits."""
    bounds = [item.left, item.left_for_member, variant.stock if variant else None]
    offer = price.offer
    if offer is not None:
        bounds.append(offer.stock)
        if offer.per_member is not None:
            had = prices.pieces_on_offers(member=member, offers=[offer.pk])[offer.pk]
            bounds.append(offer.per_member - had)
    return max(1, min(bound for bound in [MOST_AT_ONCE, *bounds] if bound is not None))


def _delivery(reward: Reward, said: str) -> str:
    if reward.delivery != Delivery.EITHER:
        return reward.delivery
    return said if said in {Delivery.PICK_UP, Delivery.SHIPPING} else Delivery.PICK_UP


def _number(text: str | None, otherwise: int = 1) -> int:
    """A small whole number as it stands in an address."""
    plain = (text or "").strip()
    is_number = plain.isascii() and plain.lstrip("+-").isdigit() and len(plain) <= 4
    try:
        return int(plain) if is_number else otherwise
    except ValueError:
        return otherwise
