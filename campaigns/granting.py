"""Rewards and draw tickets that campaigns give: vouchers without a price, in the transaction of what earned them."""

from collections.abc import Iterable
from datetime import datetime

from campaigns.models import CampaignAward
from loyalty.effects import Given, Grant
from loyalty.models import Order
from rewards import draw_tickets, giving
from rewards.giving import Gift


def reference(campaign: int, subject: str) -> str:
    """The reference of the redemption that a campaign makes for an order or act: once for ever."""
    return f"campaign/{campaign}/{subject}"


def give(*, noted: Iterable[tuple[Order, CampaignAward, Given]], at: datetime) -> None:
    """Hand out the rewards of these awards; what the stock does not hold is noted as cut."""
    hand_out(noted=[(order.reference, award, given) for order, award, given in noted], at=at)


def hand_out(*, noted: Iterable[tuple[str, CampaignAward, Given]], at: datetime) -> None:
    """Make the vouchers of awards (stored by now), each for its subject; takes stock or, where there is none, gives nothing."""
    awards: list[CampaignAward] = []
    gifts: list[Gift] = []
    for subject, award, given in noted:
        effect = given.effect
        if isinstance(effect, Grant) and award.pieces:
            reward = effect.reward or draw_tickets.reward_for(effect.draw)
            awards.append(award)
            gifts.append(_gift(award, effect, reward, subject))
    if not gifts:
        return
    made = giving.give_all(gifts=gifts, at=at)
    _cut([award for award, each in zip(awards, made, strict=True) if each is None])


def _gift(award: CampaignAward, effect: Grant, reward: str, subject: str) -> Gift:
    return Gift(
        member=award.member_id,
        reward=reward,
        pieces=award.pieces,
        reference=reference(award.campaign_id, subject),
        title=effect.title,
    )


def _cut(awards: list[CampaignAward]) -> None:
    for award in awards:
        award.cut, award.pieces = award.cut + award.pieces, 0
    if awards:
        CampaignAward.objects.bulk_update(awards, ["cut", "pieces"])


def locked(*, awards: Iterable[CampaignAward], order: Order) -> list[CampaignAward]:
    """Awards of an order with what they gave locked, in the order in which that can be given back."""
    by_reference = {reference(each.campaign_id, order.reference): each for each in awards}
    members = {each.member_id for each in by_reference.values()}
    found = giving.lock_given(members=members, references=by_reference)
    return [by_reference[each] for each in found]


def take_back(*, award: CampaignAward, order: Order, at: datetime) -> None:
    """Void what was given with an order and not used yet."""
    is_ticket = award.campaign.effect.get("type") == "draw_ticket"
    take = draw_tickets.take_back if is_ticket else giving.take_back
    take(
        member=award.member_id,
        reference=reference(award.campaign_id, order.reference),
        at=at,
    )
