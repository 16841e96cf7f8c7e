"""How the mall writes codes and what is left."""

from django import template

from rewards import vouchers
from rewards.models import Reward, Voucher

register = template.Library()


@register.filter
def shown_code(voucher: Voucher) -> str:
    """A voucher's code as it is read aloud; a partner's code as the partner wrote it."""
    if voucher.reward.kind == Reward.Kind.PARTNER_CODE:
        return voucher.code
    return vouchers.pretty(voucher.code)


@register.filter
def at_least_zero(value: int) -> int:
    """What a bar can show: a debt is nothing."""
    return max(0, value)
