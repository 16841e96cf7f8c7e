"""What the mall shows a member: each reward with its price, what is left of it and what is still missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F, Q, QuerySet, Sum

from loyalty.queries import Figures
from members.models import Member
from rewards import prices, queries
from rewards.models import Offer, Redemption, Reward, Variant, Wish
from rewards.prices import Price

#: How long before its start a reward, and an offer, is announced.
REWARDS_SOON = timedelta(days=30)
OFFERS_SOON = timedelta(days=7)
POPULAR_WITHIN = timedelta(days=30)
SCARCE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A reward as one member sees it.

    `points` is the least that a piece costs, `regular` the same without the offer; `has_dearer` tells of variants that
    cost more. `missing` are the points still to earn, a debt included. `left` counts pieces, `left_for_member` those
    within the member's limit; None: as many as one likes. `opens_at` is set until the member may have it.
    """

    reward: Reward
    price: Price
    points: int
    regular: int
    has_dearer: bool
    is_eligible: bool
    missing: int
    left: int | None
    left_for_member: int | None
    opens_at: datetime | None
    is_early: bool
    coming: Offer | None
    is_wished: bool

    @property
    def is_left(self) -> bool:
        """Whether there is a piece left."""
        return self.left != 0

    @property
    def is_within_limit(self) -> bool:
        """Whether the member may have one more."""
        return self.left_for_member != 0

    @property
    def is_open(self) -> bool:
        """Whether the member could redeem it now, were there points enough."""
        return self.opens_at is None and self.is_eligible and self.is_left and self.is_within_limit

    @property
    def can_have(self) -> bool:
        """Whether the member could redeem it now."""
        return self.is_open and not self.missing

    @property
    def is_scarce(self) -> bool:
        """Whether few pieces are left."""
        return self.left is not None and 0 < self.left <= SCARCE

    @property
    def crossed_out(self) -> int | None:
        """What it costs otherwise, without the offer or in other tiers; None where that is not more."""
        extra = self.points - self.price.points
        before = max(self.regular, self.reward.points + extra)
        return before if before > self.points else None

    @property
    def offer(self) -> Offer | None:
        """The offer that makes the price."""
        return self.price.offer


@dataclass(frozen=True, kw_only=True, slots=True)
class Drop:
    """An offer that runs or is about to begin; `pieces` is what it began with, None without a number."""

    offer: Offer
    item: Item
    is_running: bool
    pieces: int | None

    @property
    def points(self) -> int:
        """The least that a piece costs on the offer."""
        return self.offer.points + self.item.points - self.item.price.points

    @property
    def regular(self) -> int:
        """The least that a piece costs without it."""
        return self.item.regular

    @property
    def cash(self) -> Decimal:
        """What is paid in money besides."""
        return self.item.reward.cash if self.offer.cash is None else self.offer.cash

    @property
    def gone(self) -> int:
        """How many of its pieces are gone."""
        return (self.pieces or 0) - (self.offer.stock or 0)

    @property
    def is_over(self) -> bool:
        """Whether all its pieces are gone."""
        return self.offer.stock == 0


# ---- everything on the shelves ------------------------------------------------------------------------


def items_for(*, member: Member, at: datetime, figures: Figures) -> list[Item]:
    """Every reward on sale or announced as the member sees it, the cheapest first; as many queries for any number."""
    found = list(_announced(at))
    return sorted(
        _items(found, member, at, figures), key=lambda item: (item.points, item.reward.pk)
    )


def item_of(*, reward: Reward, member: Member, at: datetime, figures: Figures) -> Item | None:
    """One reward as the member sees it; None when it is neither on sale nor announced."""
    found = list(_announced(at).filter(pk=reward.pk))
    return next(iter(_items(found, member, at, figures)), None)


def variants_of(rewards: Iterable[Reward], *, at: datetime) -> dict[int, list[Variant]]:
    """The variants on offer and the sessions that have not begun, by reward id, in the order they are shown."""
    return {pk: _to_come(found, at) for pk, found in _variants(rewards).items()}


def _variants(rewards: Iterable[Reward]) -> dict[int, list[Variant]]:
    grouped: dict[int, list[Variant]] = {}
    found = Variant.objects.filter(reward__in=rewards, active=True)
    for each in found.order_by("position", "begins_at", "id"):
        grouped.setdefault(each.reward_id, []).append(each)
    return grouped


def _to_come(variants: Iterable[Variant], at: datetime) -> list[Variant]:
    return [each for each in variants if each.begins_at is None or each.begins_at > at]


def popularity(*, at: datetime) -> dict[int, int]:
    """How many pieces of each reward (id) members redeemed lately."""
    lately = Redemption.objects.filter(redeemed_at__gt=at - POPULAR_WITHIN, points__gt=0)
    sums = lately.exclude(state=Redemption.State.CANCELLED).order_by().values_list("reward")
    return dict(sums.annotate(Sum("quantity")))


def drops(*, items: Sequence[Item], at: datetime) -> list[Drop]:
    """The offers that run, those that end first on top, and those about to begin."""
    by_reward = {item.reward.pk: item for item in items}
    found = [each for each in _offers(at) if each.reward_id in by_reward]
    had = _pieces_had([each for each in found if each.stock is not None])
    shown = [
        Drop(
            offer=each,
            item=by_reward[each.reward_id],
            is_running=each.starts_at <= at,
            pieces=None if each.stock is None else each.stock + had.get(each.pk, 0),
        )
        for each in found
    ]
    return sorted(filter(_is_worth_showing, shown), key=_order_of)


def _is_worth_showing(drop: Drop) -> bool:
    """Not what is over for this member, or dearer than what the member pays anyhow."""
    if drop.item.opens_at is not None or not drop.item.is_eligible:
        return False
    is_own = drop.item.offer is not None and drop.item.offer.pk == drop.offer.pk
    return not drop.is_running or drop.is_over or is_own


def _order_of(drop: Drop) -> tuple[bool, bool, datetime, int]:
    moment = drop.offer.ends_at if drop.is_running else drop.offer.starts_at
    return (drop.is_over, not drop.is_running, moment, drop.offer.pk)


# ---- what it takes -----------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Around:
    """What was read for the items, by reward id."""

    member: Member
    at: datetime
    owned: int
    prices: dict[int, Price]
    taken: dict[int, int]
    variants: dict[int, list[Variant]]
    coming: dict[int, Offer] = field(default_factory=dict)
    wished: set[int] = field(default_factory=set)


def _announced(at: datetime) -> QuerySet[Reward]:
    begins_soon = Q(starts_at=None) | Q(starts_at__lte=at + REWARDS_SOON)
    goes_on = Q(ends_at=None) | Q(ends_at__gt=at)
    projects = queries.of_open_projects(at, begun_by=at + REWARDS_SOON)
    found = queries.rewards().filter(begins_soon, goes_on, projects, active=True)
    # Of the picture only what its address needs: its body is large.
    found = found.select_related("draw", "project").defer("content")
    return found.annotate(picture_digest=F("picture__digest"))


def _items(
    rewards: Sequence[Reward], member: Member, at: datetime, figures: Figures
) -> list[Item]:
    around = _Around(
        member=member,
        at=at,
        owned=figures.active - figures.debt,
        prices=prices.prices_for(rewards=rewards, member=member, at=at),
        taken=queries.pieces_taken(member=member, rewards=rewards, at=at),
        variants=_variants(rewards),
        wished=set(Wish.objects.filter(member=member).values_list("reward", flat=True)),
    )
    for offer in _offers(at):
        if offer.starts_at > at:
            around.coming.setdefault(offer.reward_id, offer)
    return [_item(each, around) for each in rewards]


def _item(reward: Reward, around: _Around) -> Item:
    price = around.prices[reward.pk]
    all_variants = around.variants.get(reward.pk, [])
    variants = _to_come(all_variants, around.at)
    # What is sold out says nothing about the price, unless all is.
    extras = {each.extra_points for each in variants if each.stock != 0}
    extras = extras or {each.extra_points for each in variants} or {0}
    opens_at = _opens_at(reward, around.member, around.at)
    limit = reward.per_member
    return Item(
        reward=reward,
        price=price,
        points=price.points + min(extras),
        regular=price.regular + min(extras),
        has_dearer=len(extras) > 1,
        is_eligible=queries.is_for(reward, around.member),
        missing=max(0, price.points + min(extras) - around.owned),
        left=_left(reward, variants if all_variants else None),
        left_for_member=None if limit is None else max(0, limit - around.taken[reward.pk]),
        opens_at=opens_at,
        is_early=opens_at is None and bool(reward.starts_at and around.at < reward.starts_at),
        coming=around.coming.get(reward.pk),
        is_wished=reward.pk in around.wished,
    )


def _opens_at(reward: Reward, member: Member, at: datetime) -> datetime | None:
    """When the member may have it; None once that is now."""
    opens_at = reward.starts_at
    if reward.early_from is not None and member.tier.code in reward.early_tiers:
        opens_at = reward.early_from
    moments = [opens_at, reward.project.starts_at if reward.project else None]
    return max((each for each in moments if each is not None and each > at), default=None)


def _left(reward: Reward, variants: Sequence[Variant] | None) -> int | None:
    """The pieces left, None without a number; `variants` are those that can be had, None where there are none at all."""
    counted = [reward.stock]
    if variants is not None:
        of_variants = [each.stock for each in variants]
        counted.append(
            None if None in of_variants else sum(each for each in of_variants if each is not None)
        )
    return min((each for each in counted if each is not None), default=None)


def _offers(at: datetime) -> QuerySet[Offer]:
    """What runs or begins soon, the earliest first."""
    found = Offer.objects.filter(active=True, ends_at__gt=at, starts_at__lte=at + OFFERS_SOON)
    return found.order_by("starts_at", "id")


def _pieces_had(offers: Sequence[Offer]) -> dict[int, int]:
    """How many pieces everybody together has had on each of these offers (ids)."""
    if not offers:
        return {}
    called_off = [Redemption.State.CANCELLED, Redemption.State.EXPIRED]
    had = Redemption.objects.filter(offer__in=offers).exclude(state__in=called_off)
    return dict(had.order_by().values_list("offer").annotate(Sum("quantity")))
