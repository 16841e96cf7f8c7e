"""The members' screens of the console."""

from members.admin import client, job, member, message, staff, store, tier

__all__ = ["client", "job", "member", "message", "staff", "store", "tier"]
