"""What a redemption brings: a voucher for each piece, with a partner's code where the reward has a pool; set-based."""

from collections.abc import Sequence
from datetime import datetime

from loyalty import programs
from rewards import pools, vouchers
from rewards.models import Redemption, Reward, Voucher

State = Redemption.State


def issue_all(*, redemptions: Sequence[Redemption], at: datetime) -> None:
    """Make the vouchers of these redemptions (stored, with their rewards), in a fixed number of statements.

    Raises OutOfStock where a pool has too few codes; then the caller's transaction has to be undone.
    """
    proved = [each for each in redemptions if is_proved_by_vouchers(each)]
    if not proved:
        return
    given = pools.take(redemptions=[each for each in proved if has_pool(each)], at=at)
    zone = programs.current().zone
    new: list[Voucher] = []
    for made in proved:
        for piece in range(made.quantity):
            code = given[made.pk][piece] if made.pk in given else None
            text = code.code if code else vouchers.generate()
            voucher = vouchers.made(made, made.reward, text, at, zone)
            if code and code.expires_at:
                voucher.expires_at = min(voucher.expires_at or code.expires_at, code.expires_at)
            new.append(voucher)
    vouchers.issue_all(new)
    pools.note_vouchers(codes=[code for codes in given.values() for code in codes])


def settled_state(redemption: Redemption) -> str:
    """What a redemption is once it is paid: a donation is done with."""
    is_donation = redemption.reward.kind == Reward.Kind.DONATION
    return State.FULFILLED if is_donation else State.ISSUED


def is_proved_by_vouchers(redemption: Redemption) -> bool:
    """Whether it has a voucher for each piece: not what is sent to an address or donated."""
    is_sent = redemption.delivery == Reward.Delivery.SHIPPING
    return not is_sent and redemption.reward.kind != Reward.Kind.DONATION


def has_pool(redemption: Redemption) -> bool:
    """Whether its vouchers are codes that a partner gave us."""
    return redemption.reward.kind == Reward.Kind.PARTNER_CODE
