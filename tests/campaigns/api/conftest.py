"""The API's caller."""

from tests.tills import till

__all__ = ["till"]
