"""The points' screens of the console."""

from loyalty.admin import adjustment, books, entry, giving, hold, order, program, tier_change

__all__ = ["adjustment", "books", "entry", "giving", "hold", "order", "program", "tier_change"]
