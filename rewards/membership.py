"""What becomes of redemptions and vouchers when a member is closed or merged into another one."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import owning
from members import lifecycle
from members.models import Member
from rewards import timeouts, vouchers
from rewards.models import DrawPlay, Redemption, Voucher, VoucherGift

OPEN_VOUCHERS = (Voucher.State.ACTIVE, Voucher.State.INACTIVE)
OPEN_REDEMPTIONS = (Redemption.State.RESERVED, Redemption.State.ISSUED)


def follow(event: str, members: Sequence[Member], at: datetime) -> None:
    """Handler of MEMBER_EVENTS: void what a closed member has left, hand over what a merged one has."""
    if event == lifecycle.CLOSED:
        _end(members, at)
    elif event == lifecycle.MERGED:
        for member in members:
            assert member.merged_into is not None
            _hand_over(member, member.merged_into)


def _lock(members: Sequence[Member]) -> None:
    """Their redemptions, then the vouchers they hold, each in id order, as everybody locks them."""
    for rows in (
        Redemption.objects.filter(member__in=members),
        Voucher.objects.filter(member__in=members),
    ):
        list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _end(members: Sequence[Member], at: datetime) -> None:
    _lock(members)
    timeouts.give_back_of_members(members=members, at=at)
    of_members = Redemption.objects.filter(member__in=members)
    of_members.filter(state__in=OPEN_REDEMPTIONS).update(state=Redemption.State.EXPIRED)
    # An address is personal.
    of_members.exclude(address=None).update(address=None)
    left = Voucher.objects.filter(member__in=members, state__in=OPEN_VOUCHERS)
    vouchers.void_all(
        left.exclude(expires_at__lte=at), at=at, by="", reason=_("The membership was closed.")
    )


def _hand_over(source: Member, target: Member) -> None:
    _lock([source])
    owning.hand_over(rows=Redemption.objects.all(), owner="member", source=source, target=target)
    owning.hand_over(rows=DrawPlay.objects.all(), owner="member", source=source, target=target)
    held = Voucher.objects.all()
    owning.hand_over(
        rows=held.exclude(used_reference=""),
        owner="member",
        source=source,
        target=target,
        reference="used_reference",
    )
    held.filter(member=source).update(member=target)
    gifts = VoucherGift.objects.all()
    owning.hand_over(rows=gifts.exclude(reference=""), owner="giver", source=source, target=target)
    gifts.filter(giver=source).update(giver=target)
    gifts.filter(receiver=source).update(receiver=target)
