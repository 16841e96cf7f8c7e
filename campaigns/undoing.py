"""What comes back when an order is cancelled or refunded whole: both sides of a referral, rewards not used yet."""

from django.db.models import F

from campaigns import granting
from campaigns.models import CampaignAward, Conversion
from campaigns.referrals import reference
from loyalty import ledger, programs
from loyalty.ledger import Held, Reversal
from loyalty.models import Entry, Order, Program
from loyalty.reversal_causes import Cause
from members.models import Member


def order_undone(*, order: Order, cause: Cause, held: Held) -> None:
    """Handler of ORDER_EFFECTS; the wallets of the member and of whoever brought it are locked."""
    if order.member_id is None:
        return
    _take_back_referrals(order, cause, held)
    _take_back_rewards(order, cause, held)


def _take_back_referrals(order: Order, cause: Cause, held: Held) -> None:
    conversions = Conversion.objects.filter(order=order, reversed_at=None)
    for conversion in conversions.select_related("campaign", "referee").order_by("id"):
        sides = {
            conversion.referrer_id: conversion.referrer_points,
            conversion.referee_id: conversion.referee_points,
        }
        postings = [
            _reversal(conversion, member, points, cause, held)
            for member, points in sides.items()
            if points and not _is_closed(member)
        ]
        ledger.post(postings=postings, at=held.at, held=held)
        conversion.reversed_at = cause.at
        conversion.save(update_fields=["reversed_at"])


def _is_closed(member: int) -> bool:
    return Member.objects.filter(pk=member, status=Member.Status.CLOSED).exists()


def _reversal(
    conversion: Conversion, member: int, points: int, cause: Cause, held: Held
) -> Reversal:
    paid = reference(conversion.campaign.code, conversion.referee.number)
    return Reversal(
        wallet=held.of(member).id,
        kind=Entry.Kind.REVERSE,
        points=points,
        reference=paid,
        at=cause.at,
        details={
            "referral": conversion.campaign.code,
            "title": conversion.campaign.name,
            "order": conversion.order.number if member == conversion.referee_id else "",
        },
        explanation=[
            {
                "rule": cause.rule,
                "kind": "refund",
                "points": -points,
                "target": points,
                "before": 0,
            }
        ],
        store=conversion.order.store_id,
        of=paid,
        clamp=programs.current().reversal == Program.Reversal.CLAMP,
    )


def _take_back_rewards(order: Order, cause: Cause, held: Held) -> None:
    given = CampaignAward.objects.filter(order=order, pieces__gt=0)
    for award in given.select_related("campaign").order_by("id"):
        if award.campaign.effect.get("type") == "grant_reward":
            granting.take_back(award=award, order=order, at=min(cause.at, held.at))
        CampaignAward.objects.filter(pk=award.pk).update(pieces=F("pieces") - award.pieces)
