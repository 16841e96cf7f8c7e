"""The rewards' screens of the console."""

from rewards.admin import redemption, reward, voucher

__all__ = ["redemption", "reward", "voucher"]
