"""What segments can be made of: each field with its comparisons, what may be compared with, and its SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import segment_conditions
from campaigns.segment_conditions import THIS_MONTH, Make
from members import queries, validation
from members.errors import InvalidInput
from members.models import Store, Tier

MOST_DAYS = 36_500
MOST_VALUES = 100
MOST_MONEY = Decimal("999999999999999999.99")

NUMBERS = ("gt", "gte", "lt", "lte", "eq", "ne", "between")
SPANS = ("gt", "gte", "lt", "lte", "between")
CHOICES = ("in", "not_in", "eq", "ne")
#: Comparisons with a list of values, and that with two.
LISTS = ("in", "not_in", "has", "has_none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that is known of every member. `kind` says what it is compared with and how it is typed in."""

    name: str
    label: Promise
    kind: str
    ops: tuple[str, ...]
    check: validation.Check
    make: Make
    is_windowed: bool = False
    hint: Promise | str = ""


# ---- what may be compared with -----------------------------------------------------------------------
def _months(value: object, pointer: str) -> int | str:
    if value == THIS_MONTH:
        return THIS_MONTH
    return int(validation.whole_number(least=1, most=12)(value, pointer))


def _tier(value: object, pointer: str) -> str:
    code = str(validation.text(longest=50, shortest=1)(value, pointer))
    if code not in {tier.code for tier in queries.tiers()}:
        raise validation.unknown(code, pointer)
    return code


def _store(value: object, pointer: str) -> str:
    code = str(validation.text(longest=50, shortest=1)(value, pointer))
    if not queries.stores_by_code([code]):
        raise validation.unknown(code, pointer)
    return code


def _status(value: object, pointer: str) -> str:
    if value not in ("active", "frozen"):
        raise InvalidInput(
            pointer,
            "invalid_choice",
            _("Possible are: %(names)s.") % {"names": "active, frozen"},
        )
    return str(value)


def _money(value: object, pointer: str) -> str:
    return f"{validation.decimal(places=2, most=MOST_MONEY)(value, pointer):.2f}"


WHOLE = validation.whole_number(least=0)
DAYS = validation.whole_number(least=0, most=MOST_DAYS)
WORD = validation.text(longest=50, shortest=1)


_POINTS: Mapping[str, tuple[Promise, str, str]] = {
    "active": (gettext_lazy("Available points"), "points", "active"),
    "pending": (gettext_lazy("Pending points"), "points", "pending"),
    "debt": (gettext_lazy("Debt in points"), "points", "debt"),
    "earned": (gettext_lazy("Points earned in all"), "points", "earned"),
    "spent": (gettext_lazy("Points spent in all"), "points", "spent"),
    "expired": (gettext_lazy("Points expired in all"), "points", "expired"),
    "status_points": (gettext_lazy("Status points"), "status", "active"),
}

_ALL = (
    Field(
        name="tier",
        label=gettext_lazy("Tier"),
        kind="tier",
        ops=CHOICES,
        check=_tier,
        make=segment_conditions.referring("m.tier_id", Tier._meta.db_table),
    ),
    *(
        Field(
            name=name,
            label=label,
            kind="points",
            ops=NUMBERS,
            check=WHOLE,
            make=segment_conditions.wallet(point_type, figure),
        )
        for name, (label, point_type, figure) in _POINTS.items()
    ),
    Field(
        name="days_since_last_order",
        label=gettext_lazy("Days since the last order"),
        kind="days",
        ops=SPANS,
        check=DAYS,
        make=segment_conditions.since_order,
        hint=gettext_lazy("Who never bought anything counts as longer ago than any number."),
    ),
    Field(
        name="orders",
        label=gettext_lazy("Number of orders"),
        kind="number",
        ops=NUMBERS,
        check=WHOLE,
        make=segment_conditions.bought("count(*)", nothing="0"),
        is_windowed=True,
        hint=gettext_lazy("Cancelled, unpaid and wholly refunded orders do not count."),
    ),
    Field(
        name="spend",
        label=gettext_lazy("Money spent"),
        kind="money",
        ops=NUMBERS,
        check=_money,
        make=segment_conditions.net_spend,
        is_windowed=True,
        hint=gettext_lazy("After refunds."),
    ),
    Field(
        name="average_order",
        label=gettext_lazy("Average order"),
        kind="money",
        ops=NUMBERS,
        check=_money,
        make=segment_conditions.average_order,
        is_windowed=True,
        hint=gettext_lazy("After refunds; who has no order has no average."),
    ),
    Field(
        name="bought_in",
        label=gettext_lazy("Bought in the stores"),
        kind="store",
        ops=CHOICES,
        check=_store,
        make=segment_conditions.bought_in,
        is_windowed=True,
    ),
    Field(
        name="days_since_enrolled",
        label=gettext_lazy("Days since enrolment"),
        kind="days",
        ops=SPANS,
        check=DAYS,
        make=segment_conditions.since_enrolled,
    ),
    Field(
        name="channel",
        label=gettext_lazy("Sign-up channel"),
        kind="text",
        ops=CHOICES,
        check=WORD,
        make=segment_conditions.column("m.channel"),
    ),
    Field(
        name="store",
        label=gettext_lazy("Store of the member"),
        kind="store",
        ops=CHOICES,
        check=_store,
        make=segment_conditions.referring("m.store_id", Store._meta.db_table),
    ),
    Field(
        name="birthday_month",
        label=gettext_lazy("Month of the birthday"),
        kind="month",
        ops=CHOICES,
        check=_months,
        make=segment_conditions.birthday_month,
        hint=gettext_lazy("1 to 12, or “this” for the current month."),
    ),
    Field(
        name="days_until_birthday",
        label=gettext_lazy("Days until the birthday"),
        kind="days",
        ops=NUMBERS,
        check=DAYS,
        make=segment_conditions.until_birthday,
        hint=gettext_lazy("0 on the day itself."),
    ),
    Field(
        name="birthday_known",
        label=gettext_lazy("Birthday is known"),
        kind="flag",
        ops=("eq", "ne"),
        check=validation.flag,
        make=segment_conditions.birthday_known,
    ),
    Field(
        name="tags",
        label=gettext_lazy("Tags"),
        kind="text",
        ops=("has", "has_none"),
        check=WORD,
        make=segment_conditions.tagged,
        hint=gettext_lazy("Several: any of them is enough."),
    ),
    Field(
        name="status",
        label=gettext_lazy("Status"),
        kind="status",
        ops=CHOICES,
        check=_status,
        make=segment_conditions.column("m.status"),
        hint=gettext_lazy("active or frozen; closed members are in no segment."),
    ),
)
FIELDS: Mapping[str, Field] = {each.name: each for each in _ALL}
