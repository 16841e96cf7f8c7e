"""How the report on rewards writes shares and costs smaller than a cent."""

from decimal import Decimal

from django import template

from members.templatetags.portal import SYMBOLS

register = template.Library()

NONE = "—"
HUNDRED = 100


@register.filter
def share(value: Decimal | None) -> str:
    """0.5 → 50 %; nothing where there is no data."""
    return NONE if value is None else f"{value * HUNDRED:.0f} %"


@register.filter
def small_money(value: Decimal | None, currency: str) -> str:
    """What a point costs: ¥0.0083; nothing where there is no data."""
    if value is None:
        return NONE
    return f"{SYMBOLS.get(currency, currency + ' ')}{value:.4f}"
