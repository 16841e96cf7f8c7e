"""Offers: a reward for another price during a window, with pieces of its own (积分秒杀, 清仓, 兑换节)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from members import transactions, validation
from members.errors import InvalidInput
from rewards import reward_checks
from rewards import stock as shelf
from rewards.models import Offer, Reward


def _reward(value: object, pointer: str) -> Reward:
    code = validation.code(value, pointer)
    found = Reward.objects.filter(code=code).first()
    if found is None:
        raise validation.unknown(code, pointer)
    return found


CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "kind": validation.choice(Offer.Kind.values),
    "reward": _reward,
    "points": reward_checks.POINTS,
    "cash": validation.optional(reward_checks.MONEY),
    "stock": validation.optional(validation.whole_number(least=0)),
    "per_member": validation.optional(
        validation.whole_number(least=1, most=reward_checks.MOST_PIECES_EACH)
    ),
    "starts_at": validation.moment,
    "ends_at": validation.moment,
    "active": validation.flag,
}
NEEDED = ("code", "name", "reward", "points", "starts_at", "ends_at")


def create(*, changes: Mapping[str, object], at: datetime, by: str = "") -> Offer:
    """Make an offer of a reward (its code): code, name, points, starts_at, ends_at and what differs from the defaults.

    Raises InvalidInput, also where its window overlaps another offer of the reward or its price is above the reward's.
    """
    validation.require(changes, NEEDED)
    values = validation.cleaned(changes, CHECKS)
    stock = values.pop("stock", None)
    offer = Offer(**values)
    _refuse_dearer(offer, values)

    def work() -> Offer:
        if Offer.objects.filter(code=offer.code).exists():
            raise _taken()
        _save(offer)
        if stock is None:
            return offer
        return shelf.set_to(row=offer, stock=stock, by=by, note="", at=at)

    return transactions.in_transaction(work)


def change(*, offer: Offer, changes: Mapping[str, object], at: datetime, by: str = "") -> Offer:
    """Change an offer; `stock` is what is left of it now. Its code and its reward stay. Raises InvalidInput."""
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, offer.code)
    if "reward" in values and values["reward"].pk != offer.reward_id:
        raise InvalidInput(
            "/reward",
            "read_only",
            _("The reward of an offer cannot be changed; make another offer."),
        )

    def work() -> Offer:
        fresh = Offer.objects.select_for_update(no_key=True).get(pk=offer.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        _refuse_dearer(fresh, values)
        # Only what was asked for: the pieces move by themselves while people redeem.
        if fields := [name for name in values if name != "stock"]:
            _save(fresh, fields)
        if "stock" in values:
            return shelf.set_to(row=fresh, stock=values["stock"], by=by, note="", at=at)
        return fresh

    return transactions.in_transaction(work)


def _save(offer: Offer, fields: list[str] | None = None) -> None:
    """Write an offer whose window is free. Raises InvalidInput."""
    if offer.ends_at <= offer.starts_at:
        raise InvalidInput("/ends_at", "invalid", _("An offer must end after it begins."))
    _refuse_overlap(offer)
    try:
        with transaction.atomic():
            offer.save(force_insert=offer.pk is None, update_fields=fields)
    except IntegrityError:  # somebody else made an offer in this very moment
        _refuse_overlap(offer)
        raise _taken() from None


def _refuse_overlap(offer: Offer) -> None:
    others = Offer.objects.filter(
        reward=offer.reward_id,
        active=True,
        starts_at__lt=offer.ends_at,
        ends_at__gt=offer.starts_at,
    ).exclude(pk=offer.pk)
    other = others.order_by("starts_at", "id").first() if offer.active else None
    if other is not None:
        raise InvalidInput(
            "/starts_at",
            "overlaps",
            _("The reward already has the offer “%(name)s” (%(code)s) at that time.")
            % {"name": other.name, "code": other.code},
        )


def _refuse_dearer(offer: Offer, values: Mapping[str, Any]) -> None:
    """A price that was typed now is not above the reward's."""
    regular = offer.reward
    if "points" in values and offer.points > regular.points:
        raise InvalidInput(
            "/points",
            "max_value",
            _("An offer may cost at most what the reward costs: %(points)s points.")
            % {"points": f"{regular.points:,}"},
        )
    if "cash" in values and offer.cash is not None and offer.cash > regular.cash:
        raise InvalidInput(
            "/cash",
            "max_value",
            _("An offer may cost at most what the reward costs: %(cash)s in money.")
            % {"cash": f"{regular.cash:,.2f}"},
        )


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is already an offer with this code."))
