"""How the portal writes drawings, figures, money and days."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

register = template.Library()

SYMBOLS = {"CNY": "¥", "JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$"}
TILE_OF_ART = {"tote": "mist", "cake": "blush", "tree": "brand", "movie": "blush"}


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """One of the drawings in `img/icons.svg`; `size` is empty or "sm"."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        " icon--sm" if size == "sm" else "",
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def art(name: str, css: str = "", box: str = "0 0 120 120") -> SafeString:
    """One of the drawings in `img/art.svg`."""
    return format_html(
        '<svg class="{}" viewBox="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        css,
        box,
        static("img/art.svg"),
        name,
    )


@register.simple_tag
def rings(css: str = "", name: str = "rings") -> SafeString:
    """The growth rings: `rings`, or the small `halo` of empty states."""
    return art(name, css, "0 0 420 400")


@register.filter
def tile_tint(art_name: str) -> str:
    """The ground a drawing stands on."""
    return TILE_OF_ART.get(art_name, "")


@register.filter
def points(value: int | None) -> str:
    """2680 → 2,680, with a real minus."""
    return f"{value or 0:,}".replace("-", "−")


@register.filter
def signed(value: int) -> str:
    """153 → +153, -1200 → −1,200."""
    return f"{value:+,}".replace("-", "−")


@register.filter
def money(amount: Decimal | int, currency: str) -> str:
    """Whole amounts without cents: ¥500, ¥26.80."""
    number = f"{amount:,.2f}".removesuffix(".00").replace("-", "−")
    return f"{SYMBOLS.get(currency, currency + ' ')}{number}"


@register.filter
def rate(value: Decimal) -> str:
    """A rate or multiplier without trailing zeros: 1.2000 → 1.2."""
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"


def _written(moment: datetime, pattern: str) -> str:
    return formats.date_format(timezone.localtime(moment), pattern)


def _is_this_year(moment: datetime) -> bool:
    return timezone.localtime(moment).year == timezone.localtime().year


@register.filter
def day(moment: datetime) -> str:
    """A day with its year."""
    return _written(moment, pgettext("date format", "M j, Y"))


@register.filter
def short_day(moment: datetime) -> str:
    """A day in a sentence; with its year unless it is this one."""
    if _is_this_year(moment):
        return _written(moment, pgettext("date format", "M j"))
    return _written(moment, pgettext("date format in a sentence", "M j, Y"))


@register.filter
def stamp(moment: datetime) -> str:
    """Day and time; with the year unless it is this one."""
    if _is_this_year(moment):
        return _written(moment, pgettext("date format", "M j, H:i"))
    return full_stamp(moment)


@register.filter
def full_stamp(moment: datetime) -> str:
    """Day with year, and time."""
    return _written(moment, pgettext("date format", "M j, Y, H:i"))


@register.filter
def month(moment: datetime) -> str:
    """A month with its year."""
    return _written(moment, pgettext("date format", "F Y"))


@register.filter
def last_day(end: datetime) -> datetime:
    """The day on which something is good for the last time: an end is the first moment after it."""
    return end - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Left:
    """The time to a moment in the parts of a clock; two digits each but for the days."""

    seconds_in_all: int

    @property
    def days(self) -> int:
        return self.seconds_in_all // 86_400

    @property
    def hours(self) -> str:
        return f"{self.seconds_in_all // 3_600 % 24:02}"

    @property
    def minutes(self) -> str:
        return f"{self.seconds_in_all // 60 % 60:02}"

    @property
    def seconds(self) -> str:
        return f"{self.seconds_in_all % 60:02}"


@register.filter
def left_from(moment: datetime, at: datetime) -> Left:
    """How long it is from `at` to a moment; nothing once it has passed."""
    return Left(max(0, math.ceil((moment - at).total_seconds())))


@register.filter
def masked_phone(phone: str) -> str:
    """+8613812348026 → +86138****8026."""
    return f"{phone[:-8]}****{phone[-4:]}"


@register.filter
def within(name: str, names: str) -> bool:
    """Whether a page is one of these, for the navigation."""
    return name in names.split()


@register.filter
def at_most(value: int, limit: int) -> bool:
    """Whether value <= limit, to hand a component a yes or no."""
    return value <= limit


@register.filter
def is_same(value: object, other: object) -> bool:
    """Whether two values are equal, to hand a component a yes or no."""
    return value == other


@register.filter
def hundred(value: Decimal) -> Decimal:
    """What a hundred of something are worth."""
    return value * 100
