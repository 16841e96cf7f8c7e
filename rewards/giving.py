"""Rewards given without points: by a campaign, a tier or a birthday."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty import programs
from rewards import issuing, pools, redemption, stock, vouchers
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
    """Give one gift; see `give_all`."""
    return give_all(gifts=[gift], at=at)[0]


def give_all(*, gifts: Sequence[Gift], at: datetime) -> list[Redemption | None]:
    """Make redemptions that cost nothing, with their vouchers: one gift or thousands in as many statements.

    In the order of the gifts; None where there is no such reward, or where its stock, gone through in this order, does
    not hold so many. The members' wallets have to be locked. The same reference again gives what was made.
    """
    found = _known(gifts)
    wanted = {_key(gift): gift for gift in gifts if _key(gift) not in found}
    if wanted:
        rewards = _rewards({gift.reward for gift in wanted.values()}, at)
        made = {key: _taken(gift, rewards, at) for key, gift in wanted.items()}
        new = {key: each for key, each in made.items() if each is not None}
        _store(list(new.values()), at)
        found |= new
    return [found.get(_key(gift)) for gift in gifts]


def _key(gift: Gift) -> tuple[int, str]:
    return gift.member, gift.reference


def _known(gifts: Sequence[Gift]) -> dict[tuple[int, str], Redemption]:
    """What was given before under these references."""
    before = Redemption.objects.filter(
        member__in={gift.member for gift in gifts},
        reference__in={gift.reference for gift in gifts},
    )
    return {(each.member_id, each.reference): each for each in before}


def _rewards(codes: Collection[str], at: datetime) -> dict[str, Reward]:
    """The rewards by code; those that can run out are locked, and their stock is as nobody else can change it."""
    found = Reward.objects.filter(code__in=codes)
    known = {each.code: each for each in found.order_by("id")}
    limited = [each.pk for each in known.values() if _can_run_out(each)]
    if limited:
        locked = found.filter(pk__in=limited).order_by("id").select_for_update(no_key=True)
        known |= {each.code: each for each in locked}
        of_pools = [each for each in known.values() if each.kind == Reward.Kind.PARTNER_CODE]
        if of_pools and pools.drop_lapsed(at=at, rewards=[each.pk for each in of_pools]):
            for each in of_pools:
                each.refresh_from_db(fields=["stock"])
    return known


def _can_run_out(reward: Reward) -> bool:
    return reward.stock is not None or reward.kind == Reward.Kind.PARTNER_CODE


def _taken(gift: Gift, rewards: Mapping[str, Reward], at: datetime) -> Redemption | None:
    """The redemption (unsaved) of a gift, if the stock holds it."""
    reward = rewards.get(gift.reward)
    if reward is None or not _holds(reward, gift.pieces):
        return None
    if reward.stock is not None:
        reward.stock -= gift.pieces
    made = Redemption(
        member_id=gift.member,
        reward=reward,
        quantity=gift.pieces,
        points=0,
        cost=None if reward.cost is None else reward.cost * gift.pieces,
        partner_share=reward.partner_share,
        reference=gift.reference,
        redeemed_at=at,
        digest=_digest(gift),
    )
    made.state = issuing.settled_state(made)
    made.fulfilled_at = at if made.state == Redemption.State.FULFILLED else None
    return made


def _holds(reward: Reward, pieces: int) -> bool:
    if reward.stock is None:
        return reward.kind != Reward.Kind.PARTNER_CODE
    return reward.stock >= pieces


def _store(made: Sequence[Redemption], at: datetime) -> None:
    if made:
        redemption.store_all_numbered(made, zone=programs.current().zone)
        stock.take_all(redemptions=made, at=at)
        issuing.issue_all(redemptions=made, at=at)


def stock_of(*, codes: Sequence[str], lock: bool) -> dict[str, int]:
    """What is left of these rewards, for those that can run out; unknown ones are left out as having none."""
    found = Reward.objects.filter(code__in=codes).order_by("id")
    if lock:
        found = found.select_for_update(no_key=True)
    known = {reward.code: reward for reward in found}
    left = {code: each.stock or 0 for code, each in known.items() if _can_run_out(each)}
    return left | {code: 0 for code in codes if code not in known}


def lock_given(*, members: Collection[int], references: Collection[str]) -> list[str]:
    """Lock in id order what was given to members (ids) under these references; the references by reward, as stock is locked."""
    found = Redemption.objects.filter(member__in=members, reference__in=references, points=0)
    locked = list(found.order_by("pk").select_for_update(no_key=True))
    return [each.reference for each in sorted(locked, key=lambda each: (each.reward_id, each.pk))]


def take_back(*, member: int, reference: str, at: datetime) -> bool:
    """Void what was given under a reference, unless a piece of it was used; whether it was."""
    found = Redemption.objects.filter(member=member, reference=reference, points=0)
    given = found.exclude(state=Redemption.State.CANCELLED).select_for_update(no_key=True).first()
    if given is None or given.vouchers.filter(state=Voucher.State.USED).exists():
        return False
    # Also what was given on to somebody else: the order that brought it never was.
    vouchers.void_all(given.vouchers.all(), at=at, by="", reason="")
    redemption.put_back(given, at)
    return True


def _digest(gift: Gift) -> str:
    content = [gift.reward, gift.pieces, None, None]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
