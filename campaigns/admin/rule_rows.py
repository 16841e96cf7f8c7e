"""Rules of a segment as rows of a form: field, comparison, value, days; JSON for what rows cannot say."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.segment_conditions import THIS_MONTH
from campaigns.segment_fields import FIELDS, LISTS, Field
from members import queries

#: So many rows there are at least, and so many empty ones.
LEAST_ROWS = 8
EMPTY_ROWS = 4
MOST_ROWS = 100
PARTS = ("field", "op", "value", "days")

OPS = {
    "gt": _("more than"),
    "gte": _("at least"),
    "lt": _("less than"),
    "lte": _("at most"),
    "eq": _("is"),
    "ne": _("is not"),
    "between": _("from … to"),
    "in": _("is one of"),
    "not_in": _("is none of"),
    "has": _("has one of"),
    "has_none": _("has none of"),
}
MATCHES = {"all": _("all conditions hold"), "any": _("any condition holds")}
FLAGS = {
    "true": True,
    "yes": True,
    "1": True,
    "是": True,
    "false": False,
    "no": False,
    "0": False,
    "否": False,
}

_COMMAS = re.compile(r"[,，、;；]")
_BETWEEN = re.compile(r"\s*[~–;；、，至]\s*|\s+-\s+|(?<=\d)-(?=\d)|,\s+|\s+")
_WHOLE = re.compile(r"-?[0-9]{1,30}")


class RulesWidget(forms.Widget):
    """Rows that work without JavaScript; with it only those in use are seen, and one more for each click."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        rows, written, match = _shown(value)
        context = {
            "name": name,
            "rows": rows,
            "json": written,
            "match": match,
            "matches": MATCHES.items(),
            "ops": OPS.items(),
            "fields": FIELDS.values(),
            "tiers": queries.tiers(),
            "stores": queries.stores(),
        }
        return render_to_string("admin/campaigns/segment/rules.html", context)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        written = str(data.get(f"{name}-json", "")).strip()
        if written:
            try:
                return json.loads(written)
            except (ValueError, RecursionError):
                return written
        match = data.get(f"{name}-match", "all")
        return {match if match in MATCHES else "all": _conditions(data, name)}

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return not any(key.startswith(f"{name}-") for key in data)


class RulesField(forms.Field):
    """The rules that rows or JSON say; whether they make sense the verb finds out."""

    widget = RulesWidget

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            raise forms.ValidationError(gettext("This is not JSON."), code="invalid")
        return value

    def validate(self, value: Any) -> None:
        """Nothing: rules without a condition are everybody."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(initial != data)


# ---- reading ---------------------------------------------------------------------------------------------
def _conditions(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    names = {
        field: {store.name: store.code for store in found} for field, found in _codes(data, name)
    }
    conditions = []
    for place in range(MOST_ROWS):
        said = {part: str(data.get(f"{name}-{place}-{part}", "")).strip() for part in PARTS}
        if said["field"]:
            conditions.append(_condition(said, names))
    return conditions


def _codes(data: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    """What may be named instead of a code, asked for only where it is used."""
    kinds = {FIELDS[each].kind for each in _named(data, name) if each in FIELDS}
    asked: dict[str, Any] = {"tier": queries.tiers, "store": queries.stores}
    return [(kind, ask()) for kind, ask in asked.items() if kind in kinds]


def _named(data: Mapping[str, Any], name: str) -> list[str]:
    return [str(data.get(f"{name}-{place}-field", "")) for place in range(MOST_ROWS)]


def _condition(said: Mapping[str, str], names: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    field = FIELDS.get(said["field"])
    found: dict[str, Any] = {"field": said["field"], "op": said["op"], "value": said["value"]}
    if field is not None:
        found["value"] = _typed(field, said["op"], said["value"], names.get(field.kind, {}))
    if said["days"]:
        found["days"] = _whole(said["days"])
    return found


def _typed(field: Field, op: str, text: str, names: Mapping[str, str]) -> Any:
    """The value as the rules have it; what cannot be read stays text, and the verb says what is wrong with it."""
    if op == "between":
        return [_single(field, each, names) for each in _BETWEEN.split(text) if each]
    if op in LISTS:
        parts = (each.strip() for each in _COMMAS.split(text))
        return [_single(field, each, names) for each in parts if each]
    return _single(field, text, names)


def _single(field: Field, text: str, names: Mapping[str, str]) -> Any:
    if field.kind in {"points", "number", "days"}:
        return _whole(text)
    if field.kind == "money":
        return text.replace(",", "").removeprefix("¥").strip()
    if field.kind == "flag":
        return FLAGS.get(text.lower(), text)
    if field.kind == "month":
        return (
            THIS_MONTH if text.lower() in {THIS_MONTH, "本月"} else _whole(text.removesuffix("月"))
        )
    return names.get(text, text)


def _whole(text: str) -> int | str:
    plain = text.replace(",", "")
    return int(plain) if _WHOLE.fullmatch(plain) else text


# ---- showing ---------------------------------------------------------------------------------------------
def _shown(value: Any) -> tuple[list[dict[str, Any]], str, str]:
    """Rows, JSON and match of rules: JSON where rows cannot say it."""
    if (
        isinstance(value, str) and value
    ):  # as it came from the database or from somebody who mistyped
        try:
            value = json.loads(value)
        except ValueError:
            return _rows([]), value, "all"
    if not value:
        return _rows([]), "", "all"
    if _is_flat(value):
        ((match, conditions),) = value.items()
        return _rows([_row(each) for each in conditions]), "", match
    return _rows([]), json.dumps(value, ensure_ascii=False, indent=2), "all"


def _is_flat(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in MATCHES:
        return False
    parts = next(iter(value.values()))
    return isinstance(parts, list) and all(
        isinstance(each, dict) and each.get("field") in FIELDS for each in parts
    )


def _row(condition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "field": condition["field"],
        "op": condition.get("op", ""),
        "value": _text(condition.get("value")),
        "days": condition.get("days", ""),
    }


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return "" if value is None else str(value)


def _rows(filled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    count = max(LEAST_ROWS, len(filled) + EMPTY_ROWS)
    return [*filled, *({} for _ in range(count - len(filled)))][:MOST_ROWS]
