"""The cards that the rewards contribute to the console's pages."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils import timezone

from members import queries as member_queries
from members.models import Member
from rewards import queries, voucher_steps, vouchers
from rewards.models import Redemption, Reward, Voucher, VoucherStep

register = template.Library()

SHOWN = 10


@register.simple_tag
def member_redemptions(member: Member) -> Iterable[Redemption]:
    """The latest redemptions."""
    return queries.redemptions_of(member)[:SHOWN]


@register.simple_tag
def redemption_vouchers(redemption: Redemption) -> Iterable[tuple[Voucher, str]]:
    """The codes that prove it, each with the name of whoever used it."""
    found = list(redemption.vouchers.select_related("used_store").order_by("id"))
    names = member_queries.staff_names(each.used_by for each in found)
    return [(each, names.get(each.used_by, each.used_by)) for each in found]


@register.simple_tag
def voucher_history(voucher: Voucher) -> Iterable[tuple[VoucherStep, str]]:
    """What happened to a voucher, and who did it."""
    return voucher_steps.told(voucher)


@register.inclusion_tag("admin/rewards/drawing.html")
def reward_picture(reward: Reward) -> dict[str, Any]:
    """The picture that members see, or its drawing, beside a heading."""
    digest = queries.picture_digests([reward.pk]).get(reward.pk, "")
    return {"code": reward.code, "digest": digest, "art": reward.art, "size": "hero"}


@register.filter
def masked_code(voucher: Voucher) -> str:
    """A code that nobody can use."""
    return vouchers.masked(voucher.code)


@register.filter
def voucher_state(voucher: Voucher) -> str:
    """inactive, active, used, expired or void, as of now."""
    return vouchers.state_of(voucher, timezone.now())
