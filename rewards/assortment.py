"""On which terms a member can have rewards: price, offer, eligibility and from when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty.queries import Figures
from members.models import Member
from rewards import prices, queries
from rewards.models import Reward
from rewards.prices import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A reward for one member; `opens_at` is when the member may have it first, None: now or before."""

    reward: Reward
    price: Price
    affordable: bool
    eligible: bool
    opens_at: datetime | None


def terms_of_all(
    *, rewards: Sequence[Reward], member: Member, figures: Figures, at: datetime
) -> list[Terms]:
    """The terms of many rewards, in their order; as many queries for any number."""
    found = prices.prices_for(rewards=rewards, member=member, at=at)
    return [_terms(each, found[each.pk], member, figures, at) for each in rewards]


def quoted_terms(*, reward: Reward, member: Member, figures: Figures, at: datetime) -> Terms:
    """The terms of one reward, on sale or not; a floating price is told the member and stands for ten minutes."""
    price = prices.quote(reward=reward, member=member, variant=None, at=at)
    return _terms(reward, price, member, figures, at)


def _terms(reward: Reward, price: Price, member: Member, figures: Figures, at: datetime) -> Terms:
    opens_at = queries.opens_at(reward, member)
    return Terms(
        reward=reward,
        price=price,
        affordable=price.points <= figures.active - figures.debt,
        eligible=queries.is_for(reward, member),
        opens_at=opens_at if opens_at is not None and opens_at > at else None,
    )
