"""The history of points, cut into months with their totals."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.translation import pgettext_lazy

from loyalty.models import Entry

PAGE = 30
#: What each tab shows.
TABS = {
    "all": (pgettext_lazy("history", "All"), Q()),
    "earned": (pgettext_lazy("history", "Earned"), Q(points__gt=0)),
    "used": (pgettext_lazy("history", "Used"), Q(points__lt=0) & ~Q(kind=Entry.Kind.EXPIRE)),
    "expired": (pgettext_lazy("history", "Expired"), Q(kind=Entry.Kind.EXPIRE)),
}
#: How a month's total of each kind is called.
TOTALS = {
    Entry.Kind.EARN: pgettext_lazy("month total", "earned"),
    Entry.Kind.REDEEM: pgettext_lazy("month total", "used"),
    Entry.Kind.EXPIRE: pgettext_lazy("month total", "expired"),
    Entry.Kind.REVERSE: pgettext_lazy("month total", "taken back"),
    Entry.Kind.RETURN: pgettext_lazy("month total", "returned"),
    Entry.Kind.TRANSFER_IN: pgettext_lazy("month total", "received"),
    Entry.Kind.TRANSFER_OUT: pgettext_lazy("month total", "given"),
    Entry.Kind.FEE: pgettext_lazy("month total", "fees"),
    Entry.Kind.DONATE: pgettext_lazy("month total", "donated"),
    Entry.Kind.BUY_BACK: pgettext_lazy("month total", "bought back"),
    Entry.Kind.ADJUST: pgettext_lazy("month total", "adjusted"),
}


@dataclass
class Month:
    """One month of a page: its entries shown here, and the totals of the whole month."""

    first: datetime
    entries: list[Entry] = field(default_factory=list)
    totals: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A stretch of the history; `earlier` is the entry to go on from, None at the end."""

    months: list[Month]
    earlier: int | None


def page(*, entries: QuerySet[Entry], tab: str, after: Entry | None, zone: ZoneInfo) -> Page:
    """The entries of a tab by business time, the latest first, those before the entry `after`.

    Three queries at most. Only where all entries are shown has each one a running balance.
    """
    shown = entries.filter(TABS[tab][1], _before(after)).order_by("-at", "-sequence")
    found = list(shown[: PAGE + 1])
    if tab == "all" and found:
        _add_balances(entries, found)
    months: dict[datetime, Month] = {}
    for entry in found[:PAGE]:
        first = _first_of_month(entry.at, zone)
        months.setdefault(first, Month(first)).entries.append(entry)
    _add_totals(entries, months, zone)
    return Page(list(months.values()), found[PAGE - 1].pk if len(found) > PAGE else None)


def _before(entry: Entry | None) -> Q:
    if entry is None:
        return Q()
    return Q(at__lt=entry.at) | Q(at=entry.at, sequence__lt=entry.sequence)


def _add_balances(entries: QuerySet[Entry], found: list[Entry]) -> None:
    # An entry's own `balance` follows the order of posting; what was posted late would not add up here.
    newest = found[0]
    until = entries.filter(_before(newest)).aggregate(sum=Sum("points"))["sum"] or 0
    running = until + newest.points
    for entry in found:
        entry.running = running  # type: ignore[attr-defined]
        running -= entry.points


def _first_of_month(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _add_totals(entries: QuerySet[Entry], months: dict[datetime, Month], zone: ZoneInfo) -> None:
    if not months:
        return
    sums = (
        entries.filter(at__gte=min(months))
        .order_by()
        .annotate(month=TruncMonth("at", tzinfo=zone))
        .values_list("month", "kind")
        .annotate(sum=Sum("points"))
        .values_list("month", "kind", "sum")
    )
    found = {(month, kind): points for month, kind, points in sums}
    for first, month in months.items():
        month.totals = [
            (str(label), found[first, kind])
            for kind, label in TOTALS.items()
            if found.get((first, kind))
        ]
