"""What a condition saw, in words: beside "an order of at least ¥50" stands "¥32"."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.wording.conditions import weekday
from campaigns.wording.names import Names, called, in_a_row, money
from campaigns.wording.windows import moment_words

Words = Callable[[Any, Names], str]


def seen_words(name: str, seen: Any, names: Names | None = None) -> str:
    """What was there when the condition was looked at."""
    if seen in (None, "", [], {}):
        return _("nothing")
    if isinstance(seen, bool):
        return _("yes") if seen else _("no")
    words = _WORDS.get(name)
    if words is not None:
        return words(seen, names or Names())
    if isinstance(seen, Mapping):
        return in_a_row(f"{key}: {_plain(value)}" for key, value in seen.items())
    return in_a_row(str(each) for each in seen) if isinstance(seen, list) else str(seen)


def _plain(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def _amount(seen: Any, _names: Names) -> str:
    return money(seen)


def _days(seen: Any, _names: Names) -> str:
    return ngettext("after %(days)d day", "after %(days)d days", seen) % {"days": seen}


def _previous(seen: Any, _names: Names) -> str:
    return ngettext(
        "%(amount)s, %(days)d day before", "%(amount)s, %(days)d days before", seen["days"]
    ) % {"amount": money(seen["amount"]), "days": seen["days"]}


def _place(seen: Any, _names: Names) -> str:
    return _("no. %(place)d") % {"place": seen}


_WORDS: Mapping[str, Words] = {
    "window": lambda seen, _names: moment_words(seen),
    "weekdays": lambda seen, _names: weekday(seen),
    "month_days": lambda seen, _names: str(seen),
    "stores": lambda seen, names: called([seen], names.stores),
    "tiers": lambda seen, names: called([seen], names.tiers),
    "segments": lambda seen, names: in_a_row(names.segments.get(each, each) for each in seen),
    "min_amount": _amount,
    "max_amount": _amount,
    "period_sum": _amount,
    "period_count": _place,
    "every_nth_order": _place,
    "after_spend": _previous,
    "enrolled_within_days": _days,
}
