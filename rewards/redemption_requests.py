"""What somebody wants to redeem: read strictly, then found under the member's lock."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from loyalty.spending import Spender
from members import stores, validation
from members.errors import InvalidInput
from members.models import Member, Store
from rewards import addresses, prices
from rewards.models import Offer, Reward, Variant
from rewards.prices import Price

PIECES_AT_ONCE = 1_000

_QUANTITY = validation.whole_number(least=1, most=PIECES_AT_ONCE)
_REFERENCE = validation.text(longest=100, shortest=1)
_CODE = validation.optional(validation.text(longest=50))
_PRICE = validation.optional(validation.whole_number(least=0))
_ANYTHING = validation.optional(validation.json_object(longest=4_000))
Delivery = Reward.Delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class RedemptionRequest:
    """What somebody wants: `member` is a number; `reward`, `variant`, `offer` and `store` are codes.

    `delivery` says how it is handed over where the reward leaves a choice. `price` are the points that the member was
    shown for all pieces: another price now is refused; None takes the price as it is.
    """

    member: str
    reward: str
    quantity: int = 1
    reference: str
    store: str | None = None
    address: Mapping[str, Any] | None = None
    variant: str | None = None
    offer: str | None = None
    delivery: str | None = None
    price: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A request with everything found that it names, read under the lock; `price` is the price of one piece."""

    spender: Spender
    reward: Reward
    variant: Variant | None
    named_offer: Offer | None
    price: Price
    quantity: int
    reference: str
    store: Store | None
    delivery: str
    address: dict[str, Any] | None
    shown: int | None

    @property
    def member(self) -> Member:
        """Who wants it."""
        return self.spender.member

    @property
    def points(self) -> int:
        """What all pieces cost."""
        return self.price.points * self.quantity

    @property
    def cash(self) -> Decimal:
        """What is paid in money besides, for all pieces."""
        return self.price.cash * self.quantity

    @property
    def offer(self) -> Offer | None:
        """The offer that the pieces are taken from."""
        return self.price.offer


def digest(request: RedemptionRequest, kind: str) -> str:
    """What makes two requests of one reference the same: what was said, whatever has become of the reward since."""
    content = [request.reward, request.quantity, request.store, request.address]
    more = {
        "variant": request.variant,
        "offer": request.offer,
        "delivery": request.delivery,
        "kind": kind or None,
    }
    said = {name: value for name, value in more.items() if value is not None}
    text = json.dumps([*content, said] if said else content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def checked(request: RedemptionRequest) -> RedemptionRequest:
    """The request with tidy values. Raises InvalidInput."""
    _QUANTITY(request.quantity, "/quantity")
    return replace(
        request,
        reference=_REFERENCE(request.reference, "/reference"),
        address=_ANYTHING(request.address, "/address"),
        variant=_CODE(request.variant, "/variant") or None,
        offer=_CODE(request.offer, "/offer") or None,
        price=_PRICE(request.price, "/price"),
    )


def found(*, request: RedemptionRequest, spender: Spender, reward: Reward, at: datetime) -> Wish:
    """Find what the request names of a reward, as it is now. Raises InvalidInput."""
    member = spender.member
    variant = _variant(reward, request.variant)
    offer = _offer(reward, request.offer)
    delivery = _delivery(reward, request)
    price = prices.price_for(reward=reward, member=member, variant=variant, at=at, offer=offer)
    return Wish(
        spender=spender,
        reward=reward,
        variant=variant,
        named_offer=offer,
        price=price,
        quantity=request.quantity,
        reference=request.reference,
        store=stores.named(request.store),
        delivery=delivery,
        address=_address(request, delivery),
        shown=request.price,
    )


def _variant(reward: Reward, code: str | None) -> Variant | None:
    if code is None:
        if Variant.objects.filter(reward=reward, active=True).exists():
            raise InvalidInput("/variant", "required", _("Choose one of the variants or dates."))
        return None
    known = Variant.objects.filter(reward=reward, code=code).first()
    if known is None:
        raise validation.unknown(code, "/variant")
    return known


def _offer(reward: Reward, code: str | None) -> Offer | None:
    if code is None:
        return None
    known = Offer.objects.filter(reward=reward, code=code).first()
    if known is None:
        raise validation.unknown(code, "/offer")
    return known


def _delivery(reward: Reward, request: RedemptionRequest) -> str:
    """How it is handed over: as the reward says, or as was chosen where the reward leaves it open."""
    wanted = request.delivery or ""
    choices = {
        Delivery.NONE: {""},
        Delivery.PICK_UP: {"", Delivery.PICK_UP},
        Delivery.SHIPPING: {"", Delivery.SHIPPING},
        Delivery.EITHER: {"", Delivery.PICK_UP, Delivery.SHIPPING},
    }
    if wanted not in choices[Delivery(reward.delivery)]:
        raise InvalidInput("/delivery", "invalid", _("It cannot be handed over this way."))
    if reward.delivery != Delivery.EITHER:
        return reward.delivery
    return wanted or (Delivery.SHIPPING if request.address else Delivery.PICK_UP)


def _address(request: RedemptionRequest, delivery: str) -> dict[str, Any] | None:
    """The address to send it to; nobody needs one for what is picked up."""
    if delivery == Delivery.SHIPPING:
        return addresses.address(request.address, "/address")
    if delivery == Delivery.PICK_UP or request.address is None:
        return None
    return dict(request.address)
