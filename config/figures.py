"""The figures of the console's first page: what came and went, by day of the program."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Case, Count, QuerySet, Sum, Value, When
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils.translation import gettext as _

from loyalty import programs
from loyalty.models import Entry, Order, PointType, Program
from members.models import Member, User
from rewards.models import Redemption

DAYS = 30
WEEK = 7
LATEST = 6
SPARKS_TALL = 100
ISSUED, REVERSED, USED, LAPSED = "issued", "reversed", "used", "lapsed"
_QUIET = "#8b918d"
OPTIONS = {
    "responsive": True,
    "maintainAspectRatio": False,
    "animation": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {
        "legend": {
            "display": True,
            "align": "end",
            "labels": {"color": _QUIET, "boxWidth": 10, "boxHeight": 10, "useBorderRadius": True},
        },
    },
    "scales": {
        "x": {
            "grid": {"display": False},
            "border": {"display": False},
            "ticks": {"color": _QUIET, "maxRotation": 0, "autoSkipPadding": 16},
        },
        "y": {
            "beginAtZero": True,
            "border": {"display": False},
            "ticks": {"color": _QUIET, "precision": 0, "maxTicksLimit": 6},
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One figure: today, the last seven days, and the seven before them to compare."""

    title: str
    icon: str
    address: str
    days: Sequence[int]

    @property
    def today(self) -> int:
        return self.days[-1]

    @property
    def week(self) -> int:
        return sum(self.days[-WEEK:])

    @property
    def change(self) -> int | None:
        """Per cent against the seven days before; None when those were empty."""
        before = sum(self.days[-2 * WEEK : -WEEK])
        return round((self.week - before) * 100 / before) if before > 0 else None

    @property
    def sparks(self) -> list[int]:
        """The height of each day's bar in per cent of the tallest; a day below zero has none."""
        tallest = max(1, *self.days)
        return [max(0, round(count * SPARKS_TALL / tallest)) for count in self.days]


@dataclass(frozen=True, slots=True)
class _Span:
    """The last thirty days of the program, today included."""

    program: Program
    first: date

    @classmethod
    def until(cls, at: datetime) -> "_Span":
        program = programs.current()
        return cls(program, at.astimezone(program.zone).date() - timedelta(days=DAYS - 1))

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first, time(), self.program.zone)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(DAYS)]

    def by_day(self, rows: QuerySet[Any], moment: str) -> QuerySet[Any]:
        """The rows of the span, grouped by day: a bounded range on the index of `moment`."""
        inside = rows.filter(**{f"{moment}__gte": self.starts_at})
        days: QuerySet[Any] = inside.annotate(day=TruncDate(moment, tzinfo=self.program.zone))
        return days.values("day")

    def counted(self, rows: QuerySet[Any], moment: str) -> list[int]:
        """How many rows each day has."""
        return self.series(
            dict(self.by_day(rows, moment).annotate(n=Count("id")).values_list("day", "n"))
        )

    def series(self, known: Mapping[date, int]) -> list[int]:
        return [known.get(day, 0) for day in self.days]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The cards that a person may see, and the bars of the points that came and went."""

    cards: list[Card]
    chart: dict[str, str] | None


def overview(user: User, *, at: datetime) -> Overview:
    """The last thirty days in three queries."""
    span = _Span.until(at)
    cards = []
    if user.has_perm("members.view_member"):
        days = span.counted(Member.objects.all(), "enrolled_at")
        cards.append(_card(_("New members"), "person_add", "members_member", days))
    if user.has_perm("loyalty.view_order"):
        days = span.counted(Order.objects.all(), "placed_at")
        cards.append(_card(_("Orders"), "receipt_long", "loyalty_order", days))
    if not user.has_perm("loyalty.view_entry"):
        return Overview(cards=cards, chart=None)
    flow = _flow(span)
    cards += [
        _card(_("Points issued"), "add_circle", "loyalty_entry", flow[ISSUED]),
        _card(_("Points used"), "redeem", "loyalty_entry", flow[USED]),
        _card(_("Points expired"), "hourglass_bottom", "loyalty_entry", flow[LAPSED]),
    ]
    return Overview(cards=cards, chart=_chart(span, flow))


def latest_orders(user: User) -> QuerySet[Order] | None:
    """The newest orders, for those who may see orders."""
    if not user.has_perm("loyalty.view_order"):
        return None
    return Order.objects.select_related("member", "store").order_by("-placed_at", "-id")[:LATEST]


def latest_redemptions(user: User) -> QuerySet[Redemption] | None:
    """The newest redemptions, for those who may see redemptions."""
    if not user.has_perm("rewards.view_redemption"):
        return None
    newest = Redemption.objects.order_by("-redeemed_at", "-id")
    return newest.select_related("member", "reward")[:LATEST]


def _card(title: str, icon: str, screen: str, days: Sequence[int]) -> Card:
    return Card(title=title, icon=icon, address=reverse(f"admin:{screen}_changelist"), days=days)


_KINDS: Mapping[str, Collection[Entry.Kind]] = {
    ISSUED: [Entry.Kind.EARN],
    REVERSED: [Entry.Kind.REVERSE],
    USED: [Entry.Kind.REDEEM, Entry.Kind.RETURN, Entry.Kind.DONATE, Entry.Kind.BUY_BACK],
    LAPSED: [Entry.Kind.EXPIRE],
}


def _flow(span: _Span) -> dict[str, list[int]]:
    """Points issued, taken back by refunds, used (net of returns) and expired, by day.

    Adjustments, transfers and merges are none of them.
    """
    kinds = [kind for each in _KINDS.values() for kind in each]
    points = Entry.objects.filter(
        wallet__point_type__kind=PointType.Kind.REDEEMABLE, kind__in=kinds
    )
    flow = Case(*(When(kind__in=each, then=Value(name)) for name, each in _KINDS.items()))
    rows = span.by_day(points, "at").annotate(flow=flow).annotate(total=Sum("points"))
    found: dict[str, dict[date, int]] = {name: {} for name in _KINDS}
    for name, day, total in rows.values_list("flow", "day", "total"):
        found[name][day] = total if name == ISSUED else -total
    return {name: span.series(days) for name, days in found.items()}


def _chart(span: _Span, flow: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Data and options in the form of Chart.js."""
    bars = (
        (_("Issued"), flow[ISSUED], "var(--color-primary-600)"),
        (_("Taken back"), flow[REVERSED], "#b4533c"),
        (_("Used"), flow[USED], "#d9a648"),
        (_("Expired"), flow[LAPSED], "#9aa39e"),
    )
    data = {
        "labels": [f"{day.month}/{day.day}" for day in span.days],
        "datasets": [
            {
                "label": label,
                "data": list(points),
                "backgroundColor": colour,
                "borderRadius": 3,
                "maxBarThickness": 12,
                "categoryPercentage": 0.8,
            }
            for label, points, colour in bars
        ],
    }
    return {"data": json.dumps(data), "options": json.dumps(OPTIONS)}
