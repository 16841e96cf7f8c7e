"""How draws are shown."""

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def of_prize(names: Mapping[int, str], prize: int) -> str:
    """The name of a prize by its id."""
    return names.get(prize, "")
