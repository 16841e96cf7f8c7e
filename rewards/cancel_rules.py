"""Until when a redemption can be cancelled, and by whom."""

from datetime import datetime

from django.utils import timezone

from loyalty import programs
from members.errors import MemberClosed
from members.models import Member
from rewards import voucher_rules
from rewards.errors import AlreadyUsed
from rewards.models import Redemption, Reward, Voucher
from rewards.redemption_errors import CodeHandedOut, DonationStays, HandedOver, TooLate

State = Redemption.State


def refuse(redemption: Redemption, member: Member, at: datetime) -> None:
    """Raises MemberClosed, AlreadyUsed (as DonationStays or HandedOver) or TooLate: nobody can cancel it."""
    if member.status == Member.Status.CLOSED:
        raise MemberClosed
    if redemption.state == State.FULFILLED:
        raise _fulfilled(redemption)
    variant = redemption.variant
    if variant is not None and variant.begins_at is not None and variant.begins_at <= at:
        raise TooLate(begins_at=_told(variant.begins_at))


def refuse_to_member(redemption: Redemption, member: Member, at: datetime) -> None:
    """Raises as `refuse`, and CodeHandedOut, VoucherExpired or VoucherVoid for what only the shop cancels."""
    refuse(redemption, member, at)
    if is_for_staff_alone(redemption.reward, redemption.state):
        raise CodeHandedOut(partner=redemption.reward.partner)
    for voucher in redemption.vouchers.exclude(state=Voucher.State.USED).order_by("id"):
        # What lapsed or was voided by the shop stays spent: cancelling is no way around it.
        voucher_rules.refuse_closed(voucher, at)


def is_for_staff_alone(reward: Reward, state: str) -> bool:
    """Whether only the shop cancels it: a partner's code that was shown is good there, whatever we write of it."""
    return reward.kind == Reward.Kind.PARTNER_CODE and state == State.ISSUED


def _fulfilled(redemption: Redemption) -> AlreadyUsed:
    assert redemption.fulfilled_at is not None
    is_donation = redemption.reward.kind == Reward.Kind.DONATION
    kind = DonationStays if is_donation else HandedOver
    return kind(used_at=_told(redemption.fulfilled_at), used_store=None, used_store_name=None)


def _told(moment: datetime) -> str:
    return timezone.localtime(moment, programs.current().zone).isoformat()
