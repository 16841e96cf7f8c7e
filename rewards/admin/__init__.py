"""The rewards' screens of the console."""

from rewards.admin import (
    draw,
    draw_lists,
    offer,
    partner_code,
    project,
    redemption,
    report,
    reward,
    variant,
    voucher,
    voucher_batch,
)

__all__ = [
    "draw",
    "draw_lists",
    "offer",
    "partner_code",
    "project",
    "redemption",
    "report",
    "reward",
    "variant",
    "voucher",
    "voucher_batch",
]
