"""The campaigns' screens of the console."""

from campaigns.admin import campaign, handout, lists, segment, sign_in

__all__ = ["campaign", "handout", "lists", "segment", "sign_in"]
