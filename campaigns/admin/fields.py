"""Form fields for what rules consist of: rows of words, of numbers, of hours, and data of events."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

DASHES = re.compile(r"\s*[-\u2013\u2014~\uff5e\u81f3]\s*")
# Written by hand, a row may have Chinese commas as well.
COMMAS = re.compile("[,;\N{FULLWIDTH COMMA}\N{FULLWIDTH SEMICOLON}\N{IDEOGRAPHIC COMMA}]")


class WordsField(forms.CharField):
    """Words, one a line; on a single line commas separate them too."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 2}))
        super().__init__(required=False, strip=False, **options)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        shown = "\n".join(str(each) for each in value)
        # A lone word that has a comma of its own is not to be taken apart.
        return f"{shown}\n" if len(value) == 1 and COMMAS.search(shown) else shown

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        text = str(value or "").replace("\r\n", "\n")
        words = text.split("\n") if "\n" in text else COMMAS.split(text)
        return [word.strip() for word in words if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        before = initial if isinstance(initial, list | tuple) else self.to_python(initial)
        return list(before) != self.to_python(data)


class HoursField(WordsField):
    """Windows of a day: 11:30-13:30, also with a long dash or a Chinese colon."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextInputWidget, **options)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [
            DASHES.sub("-", each.replace("\N{FULLWIDTH COLON}", ":"))
            for each in super().to_python(value)
        ]


class NumbersField(HoursField):
    """Whole numbers in a row: 8, 18, 28."""

    def prepare_value(self, value: Any) -> Any:
        is_row = isinstance(value, list | tuple)
        return ", ".join(str(each) for each in value) if is_row else value

    def to_python(self, value: Any) -> list[int]:  # type: ignore[override]
        words = [number for word in WordsField.to_python(self, value) for number in word.split()]
        if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
            raise ValidationError(_("Give whole numbers with a comma between: 8, 18."))
        return [int(word) for word in words]

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except ValidationError:
            return True


# ---- data of events -------------------------------------------------------------------------------
TEXT, NUMBER, LEAST, EVERY, YES, NO = "text", "number", "gte", "every", "yes", "no"
HOWS = [
    ("", "—"),
    (LEAST, _("is at least")),
    (NUMBER, _("is the number")),
    (EVERY, _("is a multiple of")),
    (TEXT, _("is the text")),
    (YES, _("is yes")),
    (NO, _("is no")),
]
ROWS = 3


class DataWidget(forms.MultiWidget):
    """Rows of name, comparison and value."""

    def __init__(self, rows: int = ROWS) -> None:
        self.rows = rows
        widgets: list[forms.Widget] = []
        for _row in range(rows):
            widgets += [
                UnfoldAdminTextInputWidget(attrs={"aria-label": _("Field of the event")}),
                UnfoldAdminSelectWidget(choices=HOWS, attrs={"aria-label": _("Comparison")}),
                UnfoldAdminTextInputWidget(attrs={"aria-label": _("Value")}),
            ]
        super().__init__(widgets)

    def decompress(self, value: Any) -> list[Any]:
        said = value.items() if isinstance(value, Mapping) else ()
        parts = [part for name, wanted in said for part in _shown(name, wanted)]
        return parts + [""] * (3 * self.rows - len(parts))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        # So many rows as were sent: the form may have been shown with more than the usual number.
        while f"{name}_{len(self.widgets)}" in data:
            self._grow()
        return super().value_from_datadict(data, files, name)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        count = len(value) if isinstance(value, Mapping) else 0
        while self.rows < count + 1:
            self._grow()
        parts = value if isinstance(value, list) else self.decompress(value)
        cells = [
            widget.render(f"{name}_{place}", part, {"id": f"id_{name}_{place}"}, renderer)
            for place, (widget, part) in enumerate(zip(self.widgets, parts, strict=False))
        ]
        lines = [(format_html("{}{}{}", *cells[at : at + 3]),) for at in range(0, len(cells), 3)]
        rows = format_html_join("", '<div class="j-rows-line">{}</div>', lines)
        return format_html('<div class="j-rows">{}</div>', rows)

    def _grow(self) -> None:
        """One row more."""
        more = DataWidget(rows=1)
        self.widgets = [*self.widgets, *more.widgets]
        self.widgets_names = [f"_{place}" for place in range(len(self.widgets))]
        self.rows += 1


class DataField(forms.Field):
    """What an event's data have to be, as conditions store it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=DataWidget(), **options)

    def to_python(self, value: Any) -> dict[str, Any]:
        parts: Sequence[str] = [str(part or "") for part in value or ()]
        found: dict[str, Any] = {}
        for row in (parts[at : at + 3] for at in range(0, len(parts), 3)):
            name, how, said = row
            if not any(part.strip() for part in row):
                continue
            if not name.strip() or not how:
                raise ValidationError(_("Give both the name of the field and how it is compared."))
            if name.strip() in found:
                raise ValidationError(
                    _("“%(name)s” is there twice."), params={"name": name.strip()[:50]}
                )
            found[name.strip()] = _wanted(how, said)
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return (initial or {}) != self.to_python(data)
        except ValidationError:
            return True


def _shown(name: str, wanted: Any) -> tuple[str, str, str]:
    if isinstance(wanted, bool):
        return name, YES if wanted else NO, ""
    if isinstance(wanted, Mapping):
        how = LEAST if LEAST in wanted else EVERY
        return name, how, str(wanted[how])
    return name, TEXT if isinstance(wanted, str) else NUMBER, str(wanted)


def _wanted(how: str, said: str) -> Any:
    if how in (YES, NO):
        return how == YES
    if how == TEXT:
        return said
    number = _number(said.strip())
    return {how: number} if how in (LEAST, EVERY) else number


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValidationError(_("“%(text)s” is not a number."), params={"text": text[:40]})
    return found
