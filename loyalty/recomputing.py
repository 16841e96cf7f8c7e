"""The points of an entry recomputed from its explanation alone: "why" is enough to do the sum again. Pure.

A part says how many points it gave (`points`) and what they follow from:

| part | its points |
|---|---|
| base: `amount`, `rate`, `rounding`?, `groups`? | amount × rate, rounded down |
| bonus: `multiplied` | so many points, which the factors on the whole order multiply too |
| multiplier: `factor`, `scope`? | what the running total grows by; `stacking`? of the base says how factors combine |
| refund: `target`, `before` | −(target − before): what all refunds should have taken, less what those before took |
| reward: `price`, `quantity` | −price × quantity |
| anything else | a fact of its own: an award, an adjustment, a gift, a cap, what was left of a lot |

The last of base and multipliers ends at the total rounded by the program's setting. Left out, `rounding` is "floor" and
`stacking` "multiply". A factor with the scope "lines" counts for the amounts of those `groups` that name its rule. Written apart from `earning`, in fractions, so that one checks the other.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import Any

Part = Mapping[str, Any]
_MULTIPLIES = frozenset({"rate", "factor", "multiplied"})


class CannotRecompute(Exception):
    """The explanation is no sum; the text says where."""


def recompute(explanation: Sequence[Part]) -> int:
    """The points that the explanation comes to. Raises CannotRecompute where a part does not follow from what it says."""
    earned = [part for part in explanation if _MULTIPLIES & part.keys()]
    expected = _earned(earned)
    for part, points in zip(earned, expected, strict=True):
        _check(part, points)
    others = [part for part in explanation if not _MULTIPLIES & part.keys()]
    for part in others:
        _check(part, _fact(part))
    return sum(expected) + sum(int(part["points"]) for part in others)


def problem(*, kind: str, points: int, explanation: Sequence[Part]) -> str | None:
    """What is wrong with an entry's explanation, or None."""
    try:
        found = recompute(explanation)
    except CannotRecompute as reason:
        return str(reason)
    except (KeyError, ValueError, TypeError, ZeroDivisionError) as reason:
        return f"{kind} explained in an unknown form: {reason!r}"
    return None if found == points else f"{points} points, recomputed {found}"


def _check(part: Part, points: int) -> None:
    if type(part["points"]) is not int or not part["rule"] or not part["kind"]:
        raise CannotRecompute(f"{part} is no part")
    if part["points"] != points:
        raise CannotRecompute(f"{part['rule']}: {part['points']} points, recomputed {points}")


# ---- what was earned --------------------------------------------------------------------------------
def _earned(parts: Sequence[Part]) -> list[int]:
    """Running differences of the floored running total; the last one ends at the rounded total."""
    if not parts:
        return []
    base, *steps = parts
    totals = [_total(base, steps[:count]) for count in range(len(steps) + 1)]
    reached = [total // 1 for total in totals[:-1]]
    reached.append(_ROUNDINGS[base.get("rounding", "floor")](totals[-1]))
    return [after - before for before, after in zip([0, *reached], reached, strict=False)]


def _total(base: Part, steps: Sequence[Part]) -> Fraction:
    """What the base and the steps so far come to, before rounding."""
    combine = _STACKINGS[base.get("stacking", "multiply")]
    whole = [Fraction(part["factor"]) for part in steps if _is_on_whole(part)]
    bonus = sum(part["multiplied"] for part in steps if "multiplied" in part)
    total: Fraction = bonus * combine(whole)
    for group in base.get("groups") or [{"amount": base["amount"], "rules": []}]:
        scoped = [
            Fraction(part["factor"])
            for part in steps
            if part.get("scope") == "lines" and part["rule"] in group["rules"]
        ]
        amount = Fraction(group["amount"]) * Fraction(base["rate"])
        total += amount * combine([*whole, *scoped])
    return total


def _is_on_whole(part: Part) -> bool:
    return "factor" in part and part.get("scope") != "lines"


_ROUNDINGS: Mapping[str, Callable[[Fraction], int]] = {
    "floor": lambda exact: exact // 1,
    "half_up": lambda exact: (exact + Fraction(1, 2)) // 1,
}
_STACKINGS: Mapping[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "multiply": lambda factors: reduce(mul, factors, Fraction(1)),
    "add": lambda factors: max(Fraction(0), 1 + sum((each - 1 for each in factors), Fraction(0))),
    "best": lambda factors: max(factors, default=Fraction(1)),
}


# ---- facts ------------------------------------------------------------------------------------------
def _fact(part: Part) -> int:
    if "target" in part:
        return int(part["before"]) - int(part["target"])
    if "price" in part:
        return -int(part["price"]) * int(part["quantity"])
    return int(part["points"])
