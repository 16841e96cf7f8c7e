"""Drafts that time out: they become expired, and their pieces come back. The points come free by themselves (a hold)."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from members import transactions
from members.models import Member
from rewards import stock
from rewards.models import Redemption, Reward

AT_ONCE = 200


def is_over(redemption: Redemption, at: datetime) -> bool:
    """Whether a draft has timed out, noted or not."""
    until = redemption.reserved_until
    return redemption.state == Redemption.State.RESERVED and until is not None and until <= at


def over(at: datetime) -> Q:
    """Drafts that have timed out and are not noted yet."""
    return Q(state=Redemption.State.RESERVED, reserved_until__lte=at)


def give_back_all(*, at: datetime) -> int:
    """Note every draft that has timed out, batch by batch; how many. Safe to run twice, killed, or by two workers."""
    noted = 0
    while count := transactions.in_transaction(lambda: _give_back(_due(at), at)):
        noted += count
    return noted


def give_back_of_reward(*, reward: Reward, at: datetime) -> int:
    """Note what has timed out of one reward, in the caller's transaction; how many drafts."""
    return _give_back_any(_due(at).filter(reward=reward), at)


def give_back_of_member(*, member: Member, reward: Reward, at: datetime) -> int:
    """Note what one member's drafts of a reward have timed out, in the caller's transaction; how many."""
    return _give_back_any(_due(at).filter(member=member, reward=reward), at)


def give_back_of_members(*, members: Sequence[Member], at: datetime) -> int:
    """End all drafts of members who are being closed, in the caller's transaction; how many."""
    drafts = Redemption.objects.filter(member__in=members, state=Redemption.State.RESERVED)
    return _give_back(drafts.select_related("reward", "variant", "offer").order_by("id"), at)


def give_back(*, redemption: Redemption, at: datetime) -> None:
    """Note that a draft, locked by the caller, is expired, and give its pieces back."""
    redemption.state = Redemption.State.EXPIRED
    redemption.save(update_fields=["state"])
    stock.put_back(redemption=redemption, at=at)


def _due(at: datetime) -> QuerySet[Redemption]:
    due = Redemption.objects.filter(over(at)).select_related("reward", "variant", "offer")
    return due.order_by("reserved_until", "id")


def _give_back_any(due: QuerySet[Redemption], at: datetime) -> int:
    """As `_give_back`, where hardly ever is one: everybody who redeems asks."""
    return _give_back(due, at) if due.exists() else 0


def _give_back(due: QuerySet[Redemption], at: datetime) -> int:
    # Whoever holds one of them is ending it: it is left alone, so nobody waits here.
    locked = due.select_for_update(skip_locked=True, no_key=True, of=("self",))[:AT_ONCE]
    found = list(locked)
    # All shelves at once, in the order in which everybody takes pieces from one of them.
    stock.lock_shelves(rewards={each.reward_id for each in found})
    for each in found:
        give_back(redemption=each, at=at)
    return len(found)
