"""The program's settings."""

from loyalty.models import Program


def program() -> Program:
    """The one program row."""
    return Program.objects.get(pk=1)
