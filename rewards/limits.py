"""May the member have it? Sale, tiers, limits, the month's cap and what is left, in the order in which they are refused."""

from datetime import datetime

from loyalty import spending
from loyalty.errors import out_of_range
from loyalty.models import Program
from members import validation
from members.models import Member
from rewards import project_queries, queries, stock, timeouts
from rewards.errors import (
    LimitReached,
    MonthlyCapReached,
    NotEligible,
    NotOnSale,
    OfferLimitReached,
    OfferShort,
    OutOfStock,
    ProjectClosed,
)
from rewards.models import Offer, Reward, Variant
from rewards.prices import pieces_on_offers
from rewards.redemption_errors import PriceChanged
from rewards.redemption_requests import Wish
from rewards.stock import AnyShelf


def refuse_unfit(*, wish: Wish, program: Program, at: datetime) -> None:
    """Raises MemberClosed, WalletFrozen, NotOnSale, NotEligible, LimitReached, OutOfStock or PriceChanged, in this order."""
    spending.check_may_spend(member=wish.member)
    _refuse_off_sale(wish, at)
    if not queries.is_for(wish.reward, wish.member):
        raise NotEligible(tiers=wish.reward.tiers)
    _refuse_beyond_limits(wish, at)
    _refuse_beyond_cap(wish, program, at)
    _refuse_short_stock(wish, at)
    if wish.shown is not None and wish.shown != wish.points:
        raise PriceChanged(shown=wish.shown, now=wish.points)


# ---- on sale ----------------------------------------------------------------------------------------
def is_on_sale_for(*, reward: Reward, member: Member, at: datetime) -> bool:
    """Whether the reward can be redeemed at a moment; some tiers may have it before the others."""
    if queries.is_on_sale(reward, at):
        return True
    if reward.early_from is None or reward.starts_at is None or not reward.active:
        return False
    is_early = reward.early_from <= at < reward.starts_at
    return is_early and member.tier.code in reward.early_tiers


def _refuse_off_sale(wish: Wish, at: datetime) -> None:
    is_sold = is_on_sale_for(reward=wish.reward, member=wish.member, at=at)
    if not is_sold or not _is_open(wish.variant, at) or not _runs(wish.named_offer, at):
        raise NotOnSale
    project = wish.reward.project
    if project is not None and not project_queries.is_open(project, at):
        raise ProjectClosed(project=project.code)


def _is_open(variant: Variant | None, at: datetime) -> bool:
    """A session is over for the mall once it has begun."""
    if variant is None:
        return True
    return variant.active and (variant.begins_at is None or at < variant.begins_at)


def _runs(offer: Offer | None, at: datetime) -> bool:
    return offer is None or (offer.active and offer.starts_at <= at < offer.ends_at)


# ---- limits -----------------------------------------------------------------------------------------
def _refuse_beyond_limits(wish: Wish, at: datetime) -> None:
    reward, offer = wish.reward, wish.offer
    timeouts.give_back_of_member(member=wish.member, reward=reward, at=at)
    if reward.per_member is not None:
        taken = queries.pieces_taken(member=wish.member, rewards=[reward], at=at)[reward.pk]
        if taken + wish.quantity > reward.per_member:
            raise LimitReached(limit=reward.per_member, used=taken)
    if offer is not None and offer.per_member is not None:
        taken = pieces_on_offers(member=wish.member, offers=[offer.pk])[offer.pk]
        if taken + wish.quantity > offer.per_member:
            raise OfferLimitReached(limit=offer.per_member, used=taken, offer=offer.code)


def _refuse_beyond_cap(wish: Wish, program: Program, at: datetime) -> None:
    cap = program.monthly_redemption_cap
    if cap is not None:
        spent = queries.points_redeemed_this_month(member=wish.member, at=at, zone=program.zone)
        if spent + wish.points > cap:
            raise MonthlyCapReached(limit=cap, used=spent)
    if wish.points > validation.LARGEST:
        raise out_of_range("/quantity")


# ---- stock ------------------------------------------------------------------------------------------
def _refuse_short_stock(wish: Wish, at: datetime) -> None:
    """Refuse early, without a lock, what cannot be had; who takes the last piece is decided when pieces are taken."""
    if _is_short(wish) and timeouts.give_back_of_reward(reward=wish.reward, at=at):
        for shelf in (wish.reward, wish.variant, wish.offer):
            if shelf is not None:
                shelf.refresh_from_db(fields=["stock"])
    if _is_short(wish):
        raise _short(wish)


def _is_short(wish: Wish) -> bool:
    return any(
        _has_fewer(shelf, wish.quantity) for shelf in (wish.reward, wish.variant, wish.offer)
    )


def _has_fewer(shelf: AnyShelf | None, pieces: int) -> bool:
    return shelf is not None and shelf.stock is not None and shelf.stock < pieces


def _short(wish: Wish) -> OutOfStock:
    """An offer that is short is said as such: its price is never quietly replaced by the usual one."""
    others_are_short = _has_fewer(wish.reward, wish.quantity) or _has_fewer(
        wish.variant, wish.quantity
    )
    if wish.offer is None or others_are_short:
        return OutOfStock(
            left=stock.left(reward=wish.reward, variant=wish.variant, offer=wish.offer)
        )
    return OfferShort(left=wish.offer.stock, offer=wish.offer.code)
