"""Prices in the reward's form: one input for each tier, and the floating price as sentences to fill in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members import queries as member_queries
from members.errors import InvalidInput
from rewards import floating

BOUNDS = ("floor", "ceiling", "step")
#: What is typed for each type of rule, beside the factor; and how many rows there are at least.
CELLS = {"stock": ("at_most",), "season": ("from", "to"), "demand": ("above",)}
ROWS = {"stock": 2, "season": 3, "demand": 2}
KIND_WORDS = {"stock": _("Stock"), "season": _("Season"), "demand": _("Demand")}
PART_WORDS = {
    "at_most": _("share left"),
    "from": _("first day"),
    "to": _("last day"),
    "above": _("how many times"),
    "factor": _("factor"),
    "floor": _("not below"),
    "ceiling": _("not above"),
    "step": _("rounded up to"),
}


@dataclass(slots=True)
class Typed:
    """What stands in the inputs: the bounds, and the rows of each type of rule."""

    bounds: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)


def typed(pricing: Mapping[str, Any]) -> Typed:
    """A stored price as it is typed: shares in percent."""
    rows: dict[str, list[dict[str, str]]] = {kind: [] for kind in CELLS}
    for rule in pricing.get("rules", ()):
        row = {part: rule[part] for part in (*CELLS[rule["type"]], "factor")}
        if "at_most" in row:
            row["at_most"] = _plain(Decimal(row["at_most"]) * 100)
        rows[rule["type"]].append(row)
    return Typed({name: str(pricing[name]) for name in BOUNDS if name in pricing}, rows)


class _Drawn(forms.Widget):
    """A widget drawn by a template of the console, which the renderer of forms does not look for."""

    template_name: str = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return render_to_string(self.template_name, self.get_context(name, value, attrs))


class PricingWidget(_Drawn):
    """Sentences with gaps; empty ones do not count."""

    template_name = "admin/rewards/reward/pricing.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        shown = value if isinstance(value, Typed) else typed(value or {})
        kinds = []
        for kind, parts in CELLS.items():
            rows = [dict(row) for row in shown.rows.get(kind, ())]
            missing = max(ROWS[kind] - len(rows), 1)
            rows += [dict.fromkeys((*parts, "factor"), "") for _row in range(missing)]
            kinds.append({"kind": kind, "word": KIND_WORDS[kind], "rows": rows})
        return context | {"name": name, "kinds": kinds, "bounds": shown.bounds}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Typed:
        found = Typed({part: str(data.get(f"{name}-{part}", "")).strip() for part in BOUNDS})
        for kind, parts in CELLS.items():
            found.rows[kind] = []
            for place in range(floating.MOST_RULES + 1):
                keys = {part: f"{name}-{kind}-{place}-{part}" for part in (*parts, "factor")}
                row = {part: str(data.get(key, "")).strip() for part, key in keys.items()}
                if any(row.values()):
                    found.rows[kind].append(row)
        return found

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class PricingField(forms.Field):
    """A floating price as the catalogue stores it; what is wrong is said by rule and part."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=PricingWidget(), **options)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, Typed) else typed(value or {})

    def to_python(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Typed):
            return {}
        rules: list[dict[str, Any]] = []
        places: list[tuple[str, int]] = []
        for kind, rows in value.rows.items():
            for place, row in enumerate(rows, start=1):
                rules.append({"type": kind, **_rule(row)})
                places.append((kind, place))
        said: dict[str, Any] = {name: text for name, text in value.bounds.items() if text}
        if said.get("step", "").isdecimal():
            said["step"] = int(said["step"])
        if rules:
            said["rules"] = rules
        try:
            return floating.check(said, "")
        except InvalidInput as problem:
            raise ValidationError(_where(problem, places) + problem.detail) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(self.prepare_value(initial)) != self.to_python(data)
        except ValidationError:
            return True


def _rule(row: Mapping[str, str]) -> dict[str, str]:
    said = {part: text for part, text in row.items() if text}
    if "at_most" in said:
        try:
            said["at_most"] = _plain(Decimal(said["at_most"].removesuffix("%")) / 100)
        except InvalidOperation:
            pass  # the check says what is wrong with it
    return said


def _where(problem: InvalidInput, places: list[tuple[str, int]]) -> str:
    """“Season 2, factor: ” for /rules/3/factor."""
    steps = problem.pointer.strip("/").split("/")
    if steps[0] == "rules" and len(steps) > 1:
        kind, place = places[int(steps[1])]
        part = PART_WORDS.get(steps[-1], "")
        words = {"kind": KIND_WORDS[kind], "place": place, "part": part}
        return gettext("%(kind)s %(place)d, %(part)s: ") % words
    return f"{PART_WORDS[steps[0]]}: " if steps[0] in PART_WORDS else ""


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class TierPricesWidget(_Drawn):
    """One input for each tier."""

    template_name = "admin/rewards/reward/tier_prices.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        shown = value or {}
        tiers = [
            {"code": tier.code, "name": tier.name, "points": shown.get(tier.code, "")}
            for tier in member_queries.tiers()
        ]
        return context | {"name": name, "tiers": tiers}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, str]:
        prefix = f"{name}-"
        return {
            key.removeprefix(prefix): str(text).strip()
            for key, text in data.items()
            if key.startswith(prefix) and str(text).strip()
        }

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class TierPricesField(forms.Field):
    """Prices in points by tier; an empty input: the usual price."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=TierPricesWidget(), **options)

    def to_python(self, value: Any) -> dict[str, int]:
        names = {tier.code: str(tier.name) for tier in member_queries.tiers()}
        prices = {}
        for code, text in (value or {}).items():
            plain = str(text).replace(",", "")
            if not (plain.isascii() and plain.isdecimal() and len(plain) < 19 and int(plain)):
                raise ValidationError(
                    _("%(tier)s: give a whole number of points from 1 on."),
                    params={"tier": names.get(code, code)},
                )
            prices[code] = int(plain)
        return prices

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return (initial or {}) != self.to_python(data)
        except ValidationError:
            return True
