"""The points' screens of the console."""

from loyalty.admin import adjustment, entry, order, program

__all__ = ["adjustment", "entry", "order", "program"]
