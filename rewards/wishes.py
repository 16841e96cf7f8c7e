"""The wish list: what members would like to have, and whom it belongs to."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from loyalty import queries as loyalty_queries
from members import lifecycle
from members.errors import MemberClosed
from members.models import Member
from members.transactions import in_transaction
from rewards import queries, showcase
from rewards.models import Reward, Wish


def add(*, member: Member, reward: str, at: datetime) -> Wish:
    """Put a reward (its code) on the member's wish list; what is there already stays as it is.

    Whoever wishes for what could be had at once knows that and is not told. Raises NotFound and MemberClosed.
    """
    found = queries.reward(reward)

    def work() -> Wish:
        # With the member locked no closing or merge comes between.
        owner = lifecycle.lock(members=[member.pk])[member.pk]
        if owner.status == Member.Status.CLOSED:
            raise MemberClosed
        known = Wish.objects.filter(member=owner, reward=found).first()
        return known or Wish.objects.create(
            member=owner,
            reward=found,
            added_at=at,
            told_at=at if _can_have(owner, found, at) else None,
        )

    return in_transaction(work)


def remove(*, member: Member, reward: str) -> None:
    """Take a reward (its code) off the member's wish list; what is not there is no problem. Raises NotFound."""
    Wish.objects.filter(member=member, reward=queries.reward(reward)).delete()


def wished_by(*, member: Member) -> QuerySet[Wish]:
    """The member's wishes with their rewards, the newest first."""
    return Wish.objects.filter(member=member).select_related("reward").order_by("-added_at", "-id")


def follow(event: str, members: Sequence[Member], at: datetime) -> None:
    """Handler of MEMBER_EVENTS: a closed member wishes for nothing, the wishes of a merged one are the target's."""
    if event == lifecycle.CLOSED:
        Wish.objects.filter(member__in=members).delete()
    elif event == lifecycle.MERGED:
        for member in members:
            own = Wish.objects.filter(member=member)
            shared = Wish.objects.filter(member=member.merged_into).values("reward")
            own.exclude(reward__in=shared).update(member=member.merged_into)
            own.delete()


def _can_have(member: Member, reward: Reward, at: datetime) -> bool:
    figures = loyalty_queries.figures(member=member, at=at)
    item = showcase.item_of(reward=reward, member=member, at=at, figures=figures)
    return item is not None and item.can_have
