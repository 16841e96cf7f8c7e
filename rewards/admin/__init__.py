"""The rewards' screens of the console."""

from rewards.admin import redemption, report, reward, voucher, voucher_batch

__all__ = ["redemption", "report", "reward", "voucher", "voucher_batch"]
