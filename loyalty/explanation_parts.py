"""The steps of an explanation. Pure."""

from typing import Any

from loyalty.effects import Bonus, Effect, Multiplier
from loyalty.stacking import text

Part = dict[str, Any]


def part_of(effect: Effect, points: int) -> Part:
    """One step of an explanation."""
    if effect.said is None:
        effect.said = said_of(effect)
    return {**effect.said, "points": points}


def said_of(effect: Effect) -> Part:
    """What every explanation says of an effect, whatever it gave; the same for all effects of a rule."""
    part: Part = {"rule": effect.rule, "kind": "bonus", "points": 0, "title": effect.title}
    if isinstance(effect, Multiplier):
        part |= {"kind": effect.kind, "factor": text(effect.factor)}
        if effect.lines is not None:
            part["scope"] = "lines"
    elif isinstance(effect, Bonus) and effect.is_multiplied:
        part["multiplied"] = effect.points
    if effect.version:
        part["version"] = effect.version
    return part


def cap_of(effect: Effect, cut: int, limit: str) -> Part:
    """What a limit cut of an effect."""
    part = {**part_of(effect, -cut), "kind": "cap", "cap": limit}
    for needless in ("factor", "multiplied", "scope"):
        part.pop(needless, None)
    return part
