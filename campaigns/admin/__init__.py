"""The campaigns' screens of the console."""

from campaigns.admin import handout, segment

__all__ = ["handout", "segment"]
