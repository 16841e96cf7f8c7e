"""What the page of a replay shows: the period asked for, the figures in words, pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from campaigns import editing, replay_queries
from campaigns.models import Campaign
from loyalty import programs
from loyalty.admin.charts import bars, lying_bars
from members.models import Job

# So long a period is offered; beyond so many days the picture has a bar for each month.
USUAL_DAYS = 28
DAYS_SHOWN = 62
STORES_SHOWN = 15
PEOPLE_SHOWN = 10
_TOMORROW = timedelta(days=1)


def _day_input() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class PeriodForm(forms.Form):
    """The first and the last day; at first the last four weeks with orders."""

    first = forms.DateField(label=gettext_lazy("From"), widget=_day_input())
    last = forms.DateField(label=gettext_lazy("Through"), widget=_day_input())

    def __init__(self, data: Any = None, *, at: datetime) -> None:
        self.zone = programs.current().zone
        self.today = at.astimezone(self.zone).date()
        super().__init__(
            data, initial=dict(zip(("first", "last"), self._usual_days(), strict=True))
        )

    def _usual_days(self) -> tuple[date, date]:
        newest = replay_queries.newest_order_at()
        last = self.today - _TOMORROW
        if newest is not None:
            last = min(last, newest.astimezone(self.zone).date())
        return last - timedelta(days=USUAL_DAYS - 1), last

    def usual(self) -> tuple[datetime, datetime]:
        """The period that is offered."""
        return self._moments(*self._usual_days())

    def period(self) -> tuple[datetime, datetime] | None:
        """The period that was asked for; None: it cannot be read."""
        if not self.is_valid():
            return None
        try:
            return self._moments(self.cleaned_data["first"], self.cleaned_data["last"])
        except OverflowError:
            self.add_error("last", _("This day is out of range."))
            return None

    def _moments(self, first: date, last: date) -> tuple[datetime, datetime]:
        return tuple(  # type: ignore[return-value]
            datetime.combine(day, time.min, self.zone) for day in (first, last + _TOMORROW)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A replay in the list: its job, the first and the last day."""

    job: Job
    first: date
    last: date

    @classmethod
    def of(cls, job: Job) -> "Row":
        """From the job's parameters."""
        since, until = (datetime.fromisoformat(job.parameters[name]) for name in ("from", "to"))
        return cls(job, since.date(), (until - timedelta(microseconds=1)).date())


class Page:
    """A replay that is done."""

    def __init__(self, job: Job, campaign: Campaign) -> None:
        self.job = job
        self.campaign = campaign
        self.result: dict[str, Any] = job.result if isinstance(job.result, dict) else {}
        self.program = programs.current()

    @property
    def figures(self) -> Mapping[str, Any]:
        """The result as the API shows it."""
        return self.result

    @cached_property
    def period(self) -> tuple[datetime, datetime]:
        """From when (inclusive) to when (exclusive)."""
        said = self.result["period"]
        return datetime.fromisoformat(said["from"]), datetime.fromisoformat(said["to"])

    @property
    def cost(self) -> Decimal:
        """What the points are worth in money."""
        return Decimal(self.result["cost"])

    @property
    def is_of_another_version(self) -> bool:
        """Whether the campaign says something else now than what was replayed."""
        now, then = editing.content(self.campaign), self.job.parameters["content"]
        return any(now.get(name) != then.get(name) for name in _SAID)

    @property
    def budget_gone_at(self) -> datetime | None:
        """When the budget was used up."""
        return _moment(self.result["budget_gone_at"])

    @property
    def caps(self) -> list[dict[str, Any]]:
        """What each limit cut, the most first."""
        titles = {
            "per_member_per_day": _("For each member a day"),
            "per_member_per_month": _("For each member a month"),
            "per_member": _("For each member"),
            "budget_points": _("Budget"),
        }
        found = [
            {"title": titles.get(name, name), **hits}
            for name, hits in self.result["cap_hits"].items()
        ]
        return sorted(found, key=lambda each: -int(each["points"]))

    @property
    def now(self) -> dict[str, Any] | None:
        """What it gives as it runs now, and how much more or less that is; None where it does not run."""
        now = self.result["now"]
        if now is None:
            return None
        return {**now, "difference": self.result["points"] - now["points"]}

    @property
    def winners(self) -> list[dict[str, Any]]:
        """Who gets most."""
        return list(self.result["winners"][:PEOPLE_SHOWN])

    @property
    def losers(self) -> list[dict[str, Any]]:
        """Who loses most."""
        return list(self.result["losers"]["most"][:PEOPLE_SHOWN])

    # ---- tables and pictures --------------------------------------------------------------------
    @cached_property
    def tiers(self) -> list[dict[str, Any]]:
        """By tier, the lowest first."""
        return _rows(self.result["by_tier"])

    @cached_property
    def stores(self) -> list[dict[str, Any]]:
        """By store, the one with most points first; the others beyond the first few together."""
        rows = self.result["by_store"]
        shown = _rows(rows[:STORES_SHOWN], nameless=pgettext("of an order", "No store"))
        if rest := rows[STORES_SHOWN:]:
            shown.append(_together(rest, _("All others")))
        return shown

    @property
    def is_long(self) -> bool:
        """Whether the picture has a bar for each month."""
        since, until = self.period
        return (until - since).days > DAYS_SHOWN

    @cached_property
    def times(self) -> list[dict[str, Any]]:
        """By day, or by month for long periods; times that gave nothing are left out."""
        days = self.result["by_day"]
        if not self.is_long:
            return [{**each, "name": each["day"], "cost": Decimal(each["cost"])} for each in days]
        months: dict[str, list[dict[str, Any]]] = {}
        for each in days:
            months.setdefault(each["day"][:7], []).append(each)
        return [_together(rows, month) for month, rows in months.items()]

    @property
    def by_day(self) -> dict[str, str] | None:
        """Points by day, or by month for long periods."""
        points = {each["name"]: int(each["points"]) for each in self.times}
        if not points:
            return None
        if self.is_long:
            return self._bars(list(points), list(points.values()))
        since, until = (moment.date() for moment in self.period)
        row = [str(since + timedelta(days=n)) for n in range((until - since).days)]
        labels = [day[5:].replace("-", "/") for day in row]
        return self._bars(labels, [points.get(day, 0) for day in row])

    @property
    def by_tier(self) -> dict[str, str] | None:
        """Points by tier."""
        return self._of(self.tiers)

    @property
    def by_store(self) -> dict[str, str] | None:
        """Points by store."""
        return self._of(self.stores[:STORES_SHOWN])

    def _of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
        if len(rows) < 2:
            return None
        return lying_bars(
            labels=[each["name"] for each in rows],
            series={_("Points"): [each["points"] for each in rows]},
        )

    def _bars(self, labels: Sequence[str], points: Sequence[int]) -> dict[str, str]:
        return bars(labels=labels, series={_("Points"): points})


_SAID = ("trigger", "starts_at", "ends_at", "conditions", "effect", "limits", "combine")


def _rows(rows: Sequence[Mapping[str, Any]], nameless: str = "") -> list[dict[str, Any]]:
    return [
        {
            **each,
            "name": each["name"] or each.get("store") or nameless,
            "cost": Decimal(each["cost"]),
        }
        for each in rows
    ]


def _together(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    return {
        "name": name,
        "orders": sum(each["orders"] for each in rows),
        "points": sum(each["points"] for each in rows),
        "cost": sum((Decimal(each["cost"]) for each in rows), Decimal(0)),
    }


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)
