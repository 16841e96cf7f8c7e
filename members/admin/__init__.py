"""The members' screens of the console."""

from members.admin import client, member, staff, store, tier

__all__ = ["client", "member", "staff", "store", "tier"]
