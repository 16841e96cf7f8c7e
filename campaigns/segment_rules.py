"""The rules of a segment: read strictly, kept in one spelling, turned into a condition in SQL.

`{"all": [...]}`, `{"any": [...]}` or `{"not": {...}}` of conditions `{"field", "op", "value", "days"?}` and further
groups. `{"all": []}` is everybody.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from campaigns.segment_fields import FIELDS, LISTS, MOST_DAYS, MOST_VALUES, Field
from campaigns.segment_sql import ALWAYS, Asked, Sql, joined, negated
from members import validation
from members.errors import InvalidInput

Rules = Mapping[str, Any]

DEEPEST = 5
MOST_CONDITIONS = 100
GROUPS = ("all", "any", "not")
#: Other spellings of comparisons and fields.
SPELLINGS = {
    "=": "eq",
    "==": "eq",
    "is": "eq",
    "!=": "ne",
    "<>": "ne",
    "is_not": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "contains": "has",
    "not_has": "has_none",
}
ALIASES = {
    "points": "active",
    "active_points": "active",
    "available_points": "active",
    "pending_points": "pending",
    "lifetime_earned": "earned",
    "earned_points": "earned",
    "lifetime_spent": "spent",
    "spent_points": "spent",
    "recency": "days_since_last_order",
    "days_since_order": "days_since_last_order",
    "order_count": "orders",
    "purchases": "orders",
    "net_spend": "spend",
    "enrolled_days": "days_since_enrolled",
    "days_since_registration": "days_since_enrolled",
    "tag": "tags",
}


def checked(rules: object, pointer: str = "/rules") -> dict[str, Any]:
    """The rules in their usual spelling. Raises InvalidInput with the pointer of the part that is wrong."""
    return _Reader().group(rules, pointer, 1)


def conditions(rules: Rules) -> list[Rules]:
    """All conditions of checked rules, whatever groups they stand in."""
    if "field" in rules:
        return [rules]
    parts = [rules["not"]] if "not" in rules else next(iter(rules.values()), [])
    return [each for part in parts for each in conditions(part)]


def compiled(rules: Rules, asked: Asked) -> Sql:
    """The checked rules as a condition that is true or false for every row of `asked`."""
    if "field" in rules:
        made = FIELDS[rules["field"]].make(rules["op"], rules["value"], rules.get("days"), asked)
        return Sql(f"({made.text})", made.values)
    if "not" in rules:
        return negated(compiled(rules["not"], asked))
    ((word, parts),) = rules.items()
    if not parts:
        return ALWAYS
    together = joined(
        {"all": " AND ", "any": " OR "}[word], [compiled(each, asked) for each in parts]
    )
    return Sql(f"({together.text})", together.values)


class _Reader:
    """Reads rules and counts their conditions."""

    def __init__(self) -> None:
        self.count = 0

    def group(self, value: object, pointer: str, depth: int) -> dict[str, Any]:
        if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in GROUPS:
            detail = _('Rules are an object with one of "all", "any" or "not".')
            raise InvalidInput(pointer, "invalid", detail)
        if depth > DEEPEST:
            detail = _("Groups may be nested at most %(most)d deep.") % {"most": DEEPEST}
            raise InvalidInput(pointer, "too_deep", detail)
        ((word, inside),) = value.items()
        pointer = f"{pointer}/{word}"
        if word == "not":
            return {word: self._part(inside, pointer, depth)}
        if not isinstance(inside, list):
            raise InvalidInput(pointer, "invalid", _("This must be a list of conditions."))
        if word == "any" and not inside:
            raise InvalidInput(
                pointer, "empty", _("“any” of nothing is nobody: name a condition.")
            )
        return {word: [self._part(each, f"{pointer}/{n}", depth) for n, each in enumerate(inside)]}

    def _part(self, value: object, pointer: str, depth: int) -> dict[str, Any]:
        self.count += 1
        if self.count > MOST_CONDITIONS:
            detail = _("There may be %(most)d conditions at most.") % {"most": MOST_CONDITIONS}
            raise InvalidInput(pointer, "too_many", detail)
        if isinstance(value, Mapping) and not ("field" in value or "op" in value):
            return self.group(value, pointer, depth + 1)
        return _condition(value, pointer)


def _condition(value: object, pointer: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        detail = _("A condition is an object with field, op and value.")
        raise InvalidInput(pointer, "invalid", detail)
    validation.require(value, ["field", "op", "value"], pointer)
    for name in value:
        if name not in {"field", "op", "value", "days"}:
            detail = _("A condition has field, op, value and perhaps days.")
            raise InvalidInput(f"{pointer}/{name}", "unknown_field", detail)
    field = _field(value["field"], f"{pointer}/field")
    op = _op(value["op"], field, f"{pointer}/op")
    found = {
        "field": field.name,
        "op": op,
        "value": _value(value["value"], op, field, f"{pointer}/value"),
    }
    if value.get("days") is not None:
        found["days"] = _days(value["days"], field, f"{pointer}/days")
    return found


def _field(name: object, pointer: str) -> Field:
    known = FIELDS.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if known is None:
        detail = _("There is no such field. Possible are: %(names)s.")
        raise InvalidInput(pointer, "unknown", detail % {"names": ", ".join(FIELDS)})
    return known


def _op(name: object, field: Field, pointer: str) -> str:
    op = SPELLINGS.get(name, name) if isinstance(name, str) else ""
    if field.kind == "text" and "has" in field.ops:
        op = {"in": "has", "not_in": "has_none", "eq": "has", "ne": "has_none"}.get(op, op)
    if op not in field.ops:
        detail = _("“%(field)s” cannot be compared like this. Possible are: %(names)s.")
        words = {"field": field.name, "names": ", ".join(field.ops)}
        raise InvalidInput(pointer, "invalid_choice", detail % words)
    return op


def _value(value: object, op: str, field: Field, pointer: str) -> Any:
    if op == "between":
        return _pair(value, field, pointer)
    if op not in LISTS:
        return field.check(value, pointer)
    listed = value if isinstance(value, list) else [value]
    if not 1 <= len(listed) <= MOST_VALUES:
        detail = _("Name from 1 to %(most)d values.") % {"most": MOST_VALUES}
        raise InvalidInput(pointer, "invalid", detail)
    places = [pointer] if listed is not value else [f"{pointer}/{n}" for n in range(len(listed))]
    return [field.check(each, place) for each, place in zip(listed, places, strict=True)]


def _pair(value: object, field: Field, pointer: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidInput(
            pointer, "invalid", _("“between” takes the least and the most: [10, 20].")
        )
    least, most = (field.check(each, f"{pointer}/{n}") for n, each in enumerate(value))
    if Decimal(least) > Decimal(most):
        raise InvalidInput(pointer, "not_rising", _("The first must not be more than the second."))
    return [least, most]


def _days(value: object, field: Field, pointer: str) -> int:
    if not field.is_windowed:
        detail = _("“%(field)s” is not counted over a number of days.") % {"field": field.name}
        raise InvalidInput(pointer, "unknown_field", detail)
    return int(validation.whole_number(least=1, most=MOST_DAYS)(value, pointer))
