"""How the parts of a rule become form fields, and the fields become the rule again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from campaigns.admin.fields import DataField, HoursField, NumbersField, WordsField
from campaigns.models import Segment
from campaigns.wording.conditions import weekday
from members import queries as member_queries

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One condition as form fields: `fields` by suffix, "" for a value that is one field."""

    name: str
    fields: Mapping[str, Callable[[], forms.Field]]
    shown: Callable[[Any], Values] = field(default=lambda value: {"": value})
    said: Callable[[Values], Any] = field(default=lambda values: values[""])

    def names(self, prefix: str) -> dict[str, str]:
        """The form's name of each field by suffix."""
        return {
            suffix: "_".join(each for each in (prefix, self.name, suffix) if each)
            for suffix in self.fields
        }

    def initial(self, prefix: str, value: Any) -> dict[str, Any]:
        """What the form shows for a stored value."""
        shown = self.shown(value)
        return {name: shown.get(suffix) for suffix, name in self.names(prefix).items()}

    def read(self, prefix: str, cleaned: Values) -> Any:
        """The value that the form says, None for nothing."""
        values = {suffix: cleaned.get(name) for suffix, name in self.names(prefix).items()}
        if all(is_empty(value) for value in values.values()):
            return None
        return self.said(values)


def is_empty(value: Any) -> bool:
    """Whether a field says nothing; 0 is something."""
    return value is None or value is False or (not value and not isinstance(value, int | Decimal))


# ---- fields ---------------------------------------------------------------------------------------
def number(label: Any, help_text: Any = "") -> Callable[[], forms.Field]:
    """A whole number."""
    return lambda: forms.IntegerField(
        label=label, help_text=help_text, required=False, widget=UnfoldAdminIntegerFieldWidget
    )


def amount(label: Any, help_text: Any = "") -> Callable[[], forms.Field]:
    """An amount or a factor."""
    return lambda: forms.DecimalField(
        label=label,
        help_text=help_text,
        required=False,
        max_digits=30,
        widget=UnfoldAdminDecimalFieldWidget,
    )


def text(label: Any, help_text: Any = "") -> Callable[[], forms.Field]:
    """A short text."""
    return lambda: forms.CharField(
        label=label, help_text=help_text, required=False, widget=UnfoldAdminTextInputWidget
    )


def switch(label: Any, help_text: Any = "") -> Callable[[], forms.Field]:
    """Yes or no."""
    return lambda: forms.BooleanField(
        label=label, help_text=help_text, required=False, widget=UnfoldBooleanSwitchWidget
    )


def choice(label: Any, choices: Any, help_text: Any = "") -> Callable[[], forms.Field]:
    """One of some."""
    return lambda: forms.ChoiceField(
        label=label,
        choices=choices,
        help_text=help_text,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )


def words(label: Any, help_text: Any = "") -> Callable[[], forms.Field]:
    """A row of words."""
    return lambda: WordsField(label=label, help_text=help_text)


def boxes(
    label: Any, choices: Any, help_text: Any = "", coerce: Callable[[str], Any] = str
) -> Callable[[], forms.Field]:
    """Any of a few."""
    return lambda: forms.TypedMultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        coerce=coerce,
        help_text=help_text,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


def several(label: Any, choices: Any, help_text: Any = "") -> Callable[[], forms.Field]:
    """Any of many."""
    return lambda: forms.MultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        help_text=help_text,
        widget=UnfoldAdminSelect2MultipleWidget,
    )


def weekdays() -> list[tuple[int, str]]:
    """Monday to Sunday."""
    return [(day, weekday(day)) for day in range(1, 8)]


def stores() -> list[tuple[str, str]]:
    """Every store by its code."""
    return [(store.code, store.name) for store in member_queries.stores()]


def tiers() -> list[tuple[str, str]]:
    """Every tier by its code."""
    return [(tier.code, tier.name) for tier in member_queries.tiers()]


def segments() -> list[tuple[str, str]]:
    """Every segment by its code."""
    return list(Segment.objects.order_by("name", "id").values_list("code", "name"))


PERIODS = [
    ("", "—"),
    ("day", _("a day")),
    ("week", _("a week")),
    ("month", _("a month")),
    ("quarter", _("a quarter")),
    ("year", _("a year")),
    ("ever", _("ever")),
]


# ---- inputs of more than one field ------------------------------------------------------------------
def one(name: str, make: Callable[[], forms.Field]) -> Input:
    """A condition that is one field."""
    return Input(name=name, fields={"": make})


def money(name: str, make: Callable[[], forms.Field]) -> Input:
    """A condition that is an amount."""
    return Input(name=name, fields={"": make}, said=lambda values: plain(values[""]))


def plain(value: Any) -> Any:
    """A decimal as text, as the verbs take it."""
    return f"{value:f}" if isinstance(value, Decimal) else value


def parts(name: str, fields: Mapping[str, Callable[[], forms.Field]]) -> Input:
    """A condition of named parts."""
    return Input(
        name=name,
        fields=fields,
        shown=lambda value: value or {},
        said=lambda values: {
            part: plain(value) for part, value in values.items() if value not in (None, "")
        },
    )


def _count_shown(value: Any) -> Values:
    said = value or {}
    unit = "events" if "events" in said else "orders"
    return {"period": said.get("period"), "orders": said.get(unit), "unit": unit}


def _count_said(values: Values) -> Any:
    if not values["period"] and values["orders"] is None:
        return None  # only what is counted was chosen
    said = {"period": values["period"], values["unit"] or "orders": values["orders"]}
    return {name: value for name, value in said.items() if value not in (None, "")}


COUNT = Input(
    name="period_count",
    fields={
        "period": choice(_("Reached within"), PERIODS),
        "orders": number(_("so many")),
        "unit": choice(_("of"), [("orders", _("orders")), ("events", _("events of this kind"))]),
    },
    shown=_count_shown,
    said=_count_said,
)

#: Every condition, by the section of the form in which it stands.
WHEN = (
    one("weekdays", boxes(_("Days of the week"), weekdays, coerce=int)),
    one(
        "month_days",
        lambda: NumbersField(label=_("Days of the month"), help_text=_("For example 8, 18, 28.")),
    ),
    one(
        "hours",
        lambda: HoursField(label=_("Hours"), help_text=_("For example 11:30-13:30, 20:00-24:00.")),
    ),
)
WHO = (
    one("tiers", boxes(_("Tiers"), tiers, _("None chosen: every tier."))),
    one("segments", several(_("Segments"), segments, _("In one of these. Empty: everybody."))),
    one("enrolled_within_days", number(_("Enrolled within days"), _("New members only."))),
    one("birthday_month", switch(_("In the month of their birthday"))),
    one(
        "percentage",
        number(_("Percentage of members"), _("A pilot: always the same members, by chance.")),
    ),
)
WHERE = (
    one("stores", several(_("Stores"), stores, _("Empty: every store."))),
    one("channels", words(_("Channels"), _("One a line, as the tills report them."))),
)
ORDERS = (
    money("min_amount", amount(_("Amount at least"))),
    money("max_amount", amount(_("Amount at most"))),
    one("payment_methods", words(_("Paid by"), _("One a line, as the tills report them."))),
    one("coupon", text(_("Coupon code"))),
    one("first_order", switch(_("Only the first order"), _("With channels: the first there."))),
    one("every_nth_order", number(_("Every so many orders"), _("5: the 5th, the 10th …"))),
    parts(
        "after_spend",
        {
            "amount": amount(_("After an order of at least")),
            "days": number(_("within so many days")),
        },
    ),
    parts(
        "period_sum",
        {
            "period": choice(_("Sum reached within"), PERIODS),
            "amount": amount(_("amount of orders")),
        },
    ),
)
ITEMS = (
    one("categories", words(_("Categories"), _("One a line; one of them is enough."))),
    one("skus", words(_("Articles"), _("Article numbers, one a line."))),
    one("brands", words(_("Brands"), _("One a line."))),
    one("tags", words(_("Marks"), _("Such as new; one a line."))),
    one("exclude_categories", words(_("Not these categories"))),
    one("exclude_skus", words(_("Not these articles"))),
    one("exclude_brands", words(_("Not these brands"))),
    one("exclude_tags", words(_("Not these marks"))),
)
EVENTS = (one("event_data", lambda: DataField(label=_("What the event says"))),)
OFTEN = (COUNT,)
CONDITIONS: tuple[Input, ...] = (*WHEN, *WHO, *WHERE, *ORDERS, *ITEMS, *OFTEN, *EVENTS)


def fields_of(prefix: str, inputs: Iterable[Input]) -> dict[str, forms.Field]:
    """The fields of inputs by their names in the form."""
    return {
        name: each.fields[suffix]()
        for each in inputs
        for suffix, name in each.names(prefix).items()
    }
