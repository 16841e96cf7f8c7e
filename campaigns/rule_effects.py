"""What a matching rule contributes to an order or act. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from campaigns.occasions import Occasion
from campaigns.rules import Rule, decimal
from loyalty.earning import Facts
from loyalty.effects import Bonus, Effect, Grant, Multiplier, Room, StatusBonus
from loyalty.explanation_parts import said_of
from loyalty.stacking import Number, total

PRODUCT = "multiplier"
# More than any wallet holds: whoever says more than this is told that it is too much, by the points.
MOST_UNITS = Decimal(10) ** 20


def effect_of(rule: Rule, occasion: Occasion, facts: Facts, room: Room | None) -> Effect | None:
    """The rule's contribution within the room that its limits leave; None where it comes to nothing.

    Without limits most rules contribute the same to every order: it is made once.
    """
    if room is None and "effect" in rule.kept:
        known: Effect = rule.kept["effect"]
        return known
    name = rule.kept.get("name")
    if name is None:
        name = {"rule": rule.code, "title": rule.name, "version": rule.version, "source": rule}
        rule.kept["name"] = name
    made: Effect | None = _MAKERS[rule.effect["type"]](rule, occasion, facts, name)
    if made is None:
        return None
    if "said" not in rule.kept:
        rule.kept["said"] = said_of(made)
    made.said = rule.kept["said"]
    if room is not None:
        made.room = room
    elif _is_constant(rule):
        rule.kept["effect"] = made
    return made


def _is_constant(rule: Rule) -> bool:
    """Whether the contribution hangs neither on the amount nor on the lines."""
    is_scoped = rule.effect.get("scope") == "matching_lines" and rule.lines is not None
    return rule.effect["type"] not in ("per_amount", "per_unit") and not is_scoped


def _multiplier(
    rule: Rule, occasion: Occasion, _facts: Facts, said: Mapping[str, Any]
) -> Effect | None:
    is_scoped = rule.effect.get("scope") == "matching_lines"
    lines = rule.mask(occasion) if is_scoped else None
    return Multiplier(kind=PRODUCT, factor=decimal(rule.effect["value"]), lines=lines, **said)


def _bonus(rule: Rule, _occasion: Occasion, _facts: Facts, said: Mapping[str, Any]) -> Effect:
    return Bonus(
        points=rule.effect["points"], is_multiplied=bool(rule.effect.get("multiplied")), **said
    )


def _per_amount(
    rule: Rule, occasion: Occasion, facts: Facts, said: Mapping[str, Any]
) -> Effect | None:
    """So many points for each whole `amount` that the matching lines come to."""
    mask = rule.mask(occasion)
    amounts = (
        _chosen(facts.amounts, mask) if occasion.is_order else [_said(occasion, rule, "amount")]
    )
    points = _times(total(amounts), rule.effect["amount"]) * int(rule.effect["points"])
    return Bonus(points=points, lines=mask, **said) if points > 0 else None


def _times(amount: Number, whole: str) -> int:
    """How often a whole fits into an amount."""
    if isinstance(amount, Decimal):
        return int(amount // decimal(whole))
    return amount // Fraction(whole)


def _per_unit(
    rule: Rule, occasion: Occasion, _facts: Facts, said: Mapping[str, Any]
) -> Effect | None:
    """So many points for each unit on the matching lines (of an act: the number in the field that is named)."""
    if not occasion.is_order:
        points = int(_said(occasion, rule, "") // 1) * rule.effect["points"]
        return Bonus(points=points, **said) if points > 0 else None
    mask = _sold(occasion) if rule.lines is None else rule.mask(occasion) or 0
    units = tuple(
        [
            max(0, line.quantity) if mask >> place & 1 else 0
            for place, line in enumerate(occasion.lines)
        ]
    )
    points = sum(units) * rule.effect["points"]
    return Bonus(points=points, weights=units, **said) if points > 0 else None


def _sold(occasion: Occasion) -> int:
    """The lines that take no money off, as bits."""
    return sum(1 << place for place, line in enumerate(occasion.lines) if line.amount >= 0)


def _status(rule: Rule, _occasion: Occasion, _facts: Facts, said: Mapping[str, Any]) -> Effect:
    return StatusBonus(points=rule.effect["points"], **said)


def _reward(rule: Rule, _occasion: Occasion, _facts: Facts, said: Mapping[str, Any]) -> Effect:
    return Grant(reward=rule.effect["reward"], **said)


def _tickets(rule: Rule, _occasion: Occasion, _facts: Facts, said: Mapping[str, Any]) -> Effect:
    draw = rule.effect.get("draw") or ""
    return Grant(pieces=int(rule.effect.get("tickets") or 1), draw=draw, **said)


def _chosen(amounts: Sequence[Number], mask: int | None) -> list[Number]:
    if mask is None:
        return list(amounts)
    return [amount for place, amount in enumerate(amounts) if mask >> place & 1]


def _said(occasion: Occasion, rule: Rule, usual: str) -> Decimal:
    """A number that an act says; without one it is a single unit."""
    value = occasion.data.get(rule.effect.get("field") or usual, 1)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Decimal(0)
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        return Decimal(0)
    return min(found, MOST_UNITS) if found.is_finite() and found > 0 else Decimal(0)


_MAKERS: dict[str, Any] = {
    "multiplier": _multiplier,
    "bonus": _bonus,
    "per_amount": _per_amount,
    "per_unit": _per_unit,
    "status_points": _status,
    "grant_reward": _reward,
    "draw_ticket": _tickets,
}
