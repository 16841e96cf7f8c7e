"""Rewards given without points: by a campaign, a tier or a birthday."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty import programs
from rewards import redemption, vouchers
from rewards.models import Redemption, Reward, Voucher


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """Pieces of a reward (its code) for a member (id), under a reference that is unique for ever."""

    member: int
    reward: str
    pieces: int
    reference: str
    title: str = ""


def give(*, gift: Gift, at: datetime) -> Redemption | None:
    """Make a redemption that costs nothing, with its vouchers; None where the stock does not hold so many.

    The member's wallets have to be locked. The same reference again gives the redemption that was made.
    """
    known = Redemption.objects.filter(member=gift.member, reference=gift.reference).first()
    if known is not None:
        return known
    reward = Reward.objects.filter(code=gift.reward).first()
    if reward is None:
        return None
    if reward.stock is not None and not redemption.take_stock(reward, gift.pieces):
        return None
    made = redemption.store_numbered(
        Redemption(
            member_id=gift.member,
            reward=reward,
            quantity=gift.pieces,
            points=0,
            reference=gift.reference,
            redeemed_at=at,
            digest=_digest(gift),
        ),
        zone=programs.current().zone,
    )
    vouchers.issue(redemption=made, reward=reward, at=at, zone=programs.current().zone)
    return made


def stock_of(*, codes: Sequence[str], lock: bool) -> dict[str, int]:
    """What is left of these rewards, for those that can run out; unknown ones are left out as having none."""
    found = Reward.objects.filter(code__in=codes).order_by("id")
    if lock:
        found = found.select_for_update(no_key=True)
    known = {reward.code: reward.stock for reward in found}
    left = {code: stock for code, stock in known.items() if stock is not None}
    return left | {code: 0 for code in codes if code not in known}


def take_back(*, member: int, reference: str, at: datetime) -> bool:
    """Void what was given under a reference, unless a piece of it was used; whether it was."""
    found = Redemption.objects.filter(member=member, reference=reference, points=0)
    given = found.exclude(state=Redemption.State.CANCELLED).select_for_update(no_key=True).first()
    if given is None or given.vouchers.filter(state=Voucher.State.USED).exists():
        return False
    vouchers.void(redemption=given, at=at)
    redemption.put_back(given, at)
    return True


def _digest(gift: Gift) -> str:
    content = [gift.reward, gift.pieces, None, None]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
