"""Rewards that campaigns give: vouchers without a price, in the transaction of what earned them."""

from collections.abc import Iterable
from datetime import datetime

from campaigns.models import CampaignAward
from loyalty.effects import Given, Grant
from loyalty.models import Order
from rewards import giving
from rewards.giving import Gift


def reference(campaign: int, subject: str) -> str:
    """The reference of the redemption that a campaign makes for an order or act: once for ever."""
    return f"campaign/{campaign}/{subject}"


def give(*, noted: Iterable[tuple[Order, CampaignAward, Given]], at: datetime) -> None:
    """Hand out the rewards of these awards; what the stock does not hold is noted as cut."""
    for order, award, given in noted:
        effect = given.effect
        if isinstance(effect, Grant) and effect.reward and award.pieces:
            hand_out(award=award, effect=effect, subject=order.reference, at=at)


def hand_out(*, award: CampaignAward, effect: Grant, subject: str, at: datetime) -> None:
    """Make the vouchers of one award (stored by now); takes stock or, where there is none, gives nothing."""
    assert effect.reward is not None
    made = giving.give(
        gift=Gift(
            member=award.member_id,
            reward=effect.reward,
            pieces=award.pieces,
            reference=reference(award.campaign_id, subject),
            title=effect.title,
        ),
        at=at,
    )
    if made is None:
        award.cut, award.pieces = award.cut + award.pieces, 0
        award.save(update_fields=["cut", "pieces"])


def take_back(*, award: CampaignAward, order: Order, at: datetime) -> None:
    """Void what was given with an order and not used yet."""
    giving.take_back(
        member=award.member_id,
        reference=reference(award.campaign_id, order.reference),
        at=at,
    )
