"""Why an order earned what it did: every rule that was looked at, with what each condition saw."""

from typing import Any

from loyalty import promotions
from loyalty.models import Order


def rules_for(order: Order) -> list[dict[str, Any]]:
    """The program's own rules and those above it, as {"rule", "title", "matched", "conditions"}; nothing before the award."""
    if order.awarded_at is None:
        return []
    own: list[dict[str, Any]] = [
        {
            "rule": part["rule"],
            "title": part.get("title", ""),
            "matched": True,
            "conditions": [],
        }
        for part in order.explanation
        if part["rule"] in {"base", "tier"}
    ]
    return own + promotions.explained(order=order)
