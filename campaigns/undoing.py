"""What comes back when an order is cancelled or refunded whole: both sides of a referral, rewards not used yet."""

from campaigns import granting
from campaigns.models import CampaignAward, Conversion
from campaigns.referrals import REFEREE, REFERRER, reference
from loyalty import ledger, programs
from loyalty.ledger import Held, Reversal
from loyalty.models import Entry, Order, Program
from loyalty.order_shares import Target
from loyalty.reversal_causes import Cause
from members.models import Member


def order_undone(*, order: Order, target: Target, cause: Cause, held: Held) -> None:
    """Handler of ORDER_EFFECTS; the wallets of the member and of whoever brought it are locked.

    As long as a part of the order stands, nothing comes back.
    """
    if order.member_id is None or not target.is_full:
        return
    _take_back_referrals(order, cause, held)
    _take_back_rewards(order, cause, held)


def _take_back_referrals(order: Order, cause: Cause, held: Held) -> None:
    conversions = Conversion.objects.filter(order=order, reversed_at=None)
    related = conversions.select_related("campaign", "referrer", "referee", "order")
    for conversion in related.order_by("id"):
        sides = (
            (REFERRER, conversion.referrer, conversion.referrer_points),
            (REFEREE, conversion.referee, conversion.referee_points),
        )
        postings = [
            _reversal(conversion, side, points, cause, held)
            for side, member, points in sides
            if points and not _is_gone(member)
        ]
        ledger.post(postings=postings, at=held.at, held=held)
        conversion.reversed_at = cause.at
        conversion.save(update_fields=["reversed_at"])


def _is_gone(member: Member) -> bool:
    """Whether the member was closed, and nobody goes on for it."""
    return member.status == Member.Status.CLOSED and member.merged_into_id is None


def _reversal(
    conversion: Conversion, side: str, points: int, cause: Cause, held: Held
) -> Reversal:
    paid = reference(conversion, side)
    member = conversion.referrer if side == REFERRER else conversion.referee
    return Reversal(
        wallet=held.of(member.merged_into_id or member.pk).id,
        kind=Entry.Kind.REVERSE,
        points=points,
        reference=paid,
        at=cause.at,
        details={
            "referral": conversion.campaign.code,
            "title": conversion.campaign.name,
            "order": conversion.order.number if side == REFEREE else "",
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
    """Void what was not used yet. Limits stay used, as for points: else who gives back and buys again gets it again."""
    given = CampaignAward.objects.filter(order=order, pieces__gt=0).select_related("campaign")
    for award in granting.locked(awards=given.order_by("id"), order=order):
        granting.take_back(award=award, order=order, at=min(cause.at, held.at))
