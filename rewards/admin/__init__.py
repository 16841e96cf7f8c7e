"""The rewards' screens of the console."""

from rewards.admin import draw, draw_lists, redemption, report, reward, voucher, voucher_batch

__all__ = ["draw", "draw_lists", "redemption", "report", "reward", "voucher", "voucher_batch"]
