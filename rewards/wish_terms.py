"""On what terms what members wish for can be had at a moment: for each reward and tier, whoever asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty import queries as loyalty_queries
from members import queries as member_queries
from members.models import Tier
from rewards import prices, project_queries, queries, showcase
from rewards.models import Reward, Variant, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A reward for the members of a tier: whether there is any, and what one costs.

    Where an offer makes the price and has a limit of its own, whoever has used it up pays `regular`. `limit` counts
    pieces for one member since a moment (None: ever).
    """

    reward: Reward
    tier: Tier
    is_there: bool
    points: int
    regular: int
    offer: int | None
    offer_limit: int | None
    limit: int | None
    since: datetime | None


def terms(*, at: datetime) -> list[Terms]:
    """The terms of everything that somebody wishes for, in a fixed number of queries; tiers that may not have it are left out."""
    found = queries.rewards().filter(pk__in=Wish.objects.order_by().values("reward"))
    wished = list(found.select_related("project"))
    return list(_terms(wished, member_queries.tiers(), at))


def _terms(wished: Sequence[Reward], tiers: Sequence[Tier], at: datetime) -> Iterator[Terms]:
    found = prices.prices_by_tier(rewards=wished, tiers=[tier.code for tier in tiers], at=at)
    variants = showcase.variants_of(wished, at=at)
    in_variants = set(
        Variant.objects.filter(reward__in=wished, active=True).values_list("reward", flat=True)
    )
    zone = loyalty_queries.program().zone
    for reward in wished:
        left = [each for each in variants.get(reward.pk, ()) if each.stock != 0]
        is_left = reward.stock != 0 and (bool(left) or reward.pk not in in_variants)
        extra = min((each.extra_points for each in left), default=0)
        period = queries.period_of(reward.per_member_period, at, zone)
        for tier in tiers:
            if reward.tiers and tier.code not in reward.tiers:
                continue
            price = found[reward.pk, tier.code]
            is_limited = price.offer is not None and price.offer.per_member is not None
            yield Terms(
                reward=reward,
                tier=tier,
                is_there=is_left and _is_on_sale(reward, tier, at),
                points=price.points + extra,
                regular=price.regular + extra,
                offer=price.offer.pk if price.offer and is_limited else None,
                offer_limit=price.offer.per_member if price.offer else None,
                limit=reward.per_member,
                since=period[0] if period else None,
            )


def _is_on_sale(reward: Reward, tier: Tier, at: datetime) -> bool:
    if reward.project is not None and not project_queries.is_open(reward.project, at):
        return False
    if queries.is_on_sale(reward, at):
        return True
    if not reward.active or reward.early_from is None or reward.starts_at is None:
        return False
    return tier.code in reward.early_tiers and reward.early_from <= at < reward.starts_at
