"""What the report on rewards shows: the period asked for, the rows, the partners, the picture, the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from loyalty import programs
from rewards import report_queries
from rewards.models import Reward
from rewards.report_queries import Asked, DayLine, Line, RewardLine

USUAL_DAYS = 30
# Beyond so many days the picture has a bar for each month; beyond so many nothing is asked.
DAYS_SHOWN = 62
MOST_DAYS = 3_660
TALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodForm:
    """What was asked for; nonsense falls back to the last thirty days of all rewards."""

    first: date
    last: date
    reward: str
    today: date

    @classmethod
    def of(cls, said: Mapping[str, str], *, at: datetime) -> "PeriodForm":
        """Read the address."""
        today = at.astimezone(programs.current().zone).date()
        last = _day(said.get("last")) or today
        first = _day(said.get("first")) or last - timedelta(days=USUAL_DAYS - 1)
        first, last = min(first, last), max(first, last)
        return cls(
            first=max(first, last - timedelta(days=MOST_DAYS)),
            last=last,
            reward=said.get("reward", "")[:50],
            today=today,
        )

    def asked(self) -> Asked:
        """The question."""
        zone = programs.current().zone
        return Asked(first=self.first, last=self.last, zone=zone, reward=self.reward)

    @property
    def periods(self) -> list[dict[str, Any]]:
        """The periods one click away."""
        month = self.today.replace(day=1)
        before = month - timedelta(days=1)
        spans = (
            (_("Last 30 days"), self.today - timedelta(days=USUAL_DAYS - 1), self.today),
            (_("This month"), month, self.today),
            (_("Last month"), before.replace(day=1), before),
            (_("Last 12 months"), self.today - timedelta(days=364), self.today),
        )
        return [
            {
                "title": title,
                "address": "?" + self.query(first=first, last=last),
                "is_chosen": (first, last) == (self.first, self.last),
            }
            for title, first, last in spans
        ]

    def query(self, **changes: Any) -> str:
        """The address's parameters, with some changed."""
        said = {"first": self.first, "last": self.last, "reward": self.reward, **changes}
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def exports(self) -> dict[str, str]:
        """The table as a file."""
        return {name.upper(): "?" + self.query(format=name) for name in ("csv", "json")}

    @property
    def all_rewards(self) -> str:
        """The same period of all rewards."""
        return "?" + self.query(reward="")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the picture: `height` in per cent of the tallest."""

    label: str
    points: int
    redemptions: int
    height: float


class Page:
    """The report of a period."""

    def __init__(self, form: PeriodForm) -> None:
        self.form = form
        self.asked = form.asked()
        self.currency = programs.current().currency

    @cached_property
    def found(self) -> list[RewardLine]:
        """One line for each reward."""
        return report_queries.by_reward(self.asked)

    @cached_property
    def total(self) -> Line:
        """All of them together."""
        return report_queries.together([each.line for each in self.found])

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rewards with their links, and how much of the most popular one each is."""
        most = max((each.line.pieces for each in self.found), default=0)
        return [
            {
                "reward": each,
                "line": each.line,
                "address": "?" + self.form.query(reward=each.code),
                "redemptions": self._redemptions(each),
                "width": round(each.line.pieces * TALL / most, 1) if most else 0,
            }
            for each in self.found
        ]

    @property
    def title(self) -> str:
        """The one reward that was asked for, or all."""
        if self.form.reward and self.found:
            return self.found[0].name
        return _("Popularity and cost of rewards")

    @cached_property
    def partners(self) -> list[dict[str, Any]]:
        """Who bears how much of which cost, the most first; without those who bear nothing."""
        by_partner: dict[str, list[Line]] = {}
        for each in self.found:
            if each.line.borne:
                by_partner.setdefault(each.partner or _("No name"), []).append(each.line)
        rows = [
            {"name": name, "line": report_queries.together(lines)}
            for name, lines in by_partner.items()
        ]
        return sorted(rows, key=lambda row: -row["line"].borne)

    def _redemptions(self, each: RewardLine) -> str:
        """The redemptions behind a line."""
        values = self.asked.values()
        asked = {
            "reward__id__exact": each.id,
            "redeemed_at__gte": values["since"].isoformat(),
            "redeemed_at__lt": values["until"].isoformat(),
        }
        return f"{reverse('admin:rewards_redemption_changelist')}?{urlencode(asked)}"

    # ---- picture --------------------------------------------------------------------------------
    @cached_property
    def is_long(self) -> bool:
        """Whether the picture has a bar for each month."""
        return (self.asked.last - self.asked.first).days >= DAYS_SHOWN

    @cached_property
    def bars(self) -> list[Bar]:
        """Points by day of redemption, or by month; none where nothing was bought."""
        days = report_queries.by_day(self.asked)
        sums = dict.fromkeys(self._labels(), (0, 0))
        for each in days:
            label = self._label(each.day)
            points, redemptions = sums[label]
            sums[label] = points + int(each.points), redemptions + each.redemptions
        most = max((points for points, _redemptions in sums.values()), default=0)
        if not most:
            return []
        return [
            Bar(label, points, redemptions, round(points * TALL / most, 2))
            for label, (points, redemptions) in sums.items()
        ]

    @property
    def tallest(self) -> int:
        """The points of the tallest bar."""
        return max((bar.points for bar in self.bars), default=0)

    def _labels(self) -> Iterator[str]:
        day = self.asked.first
        while day <= self.asked.last:
            yield self._label(day)
            day += timedelta(days=1)

    def _label(self, day: date) -> str:
        return f"{day:%Y-%m}" if self.is_long else f"{day:%m/%d}"

    # ---- files ----------------------------------------------------------------------------------
    @property
    def file_name(self) -> str:
        """Without its ending."""
        return f"rewards-{self.asked.first}-{self.asked.last}"

    def as_rows(self) -> Iterator[list[Any]]:
        """Titles, lines and total as cells."""
        yield [_("Code"), _("Name"), _("Kind"), _("Partner"), *_titles().values()]
        for each in self.found:
            kind = str(Reward.Kind(each.kind).label)
            cells = [each.code, each.name, kind, each.partner]
            yield [*(_plain(cell) for cell in cells), *_figures(each.line).values()]
        yield ["", _("Total"), "", "", *_figures(self.total).values()]

    def as_json(self) -> dict[str, Any]:
        """The table as data; figures are named in English, money is text."""
        return {
            "first": str(self.asked.first),
            "last": str(self.asked.last),
            "zone": self.asked.zone.key,
            "rewards": [
                {"code": each.code, "name": each.name, "kind": each.kind, "partner": each.partner}
                | _figures(each.line)
                for each in self.found
            ],
            "total": _figures(self.total),
            "days": [_day_figures(each) for each in report_queries.by_day(self.asked)],
        }


def _titles() -> dict[str, str]:
    return {
        "redemptions": _("Redemptions"),
        "pieces": _("Pieces"),
        "points": _("Points"),
        "cash": _("Money besides"),
        "cost": _("Cost"),
        "partners": _("Partners' share"),
        "own_cost": _("Own cost"),
        "cost_per_point": _("Cost per point"),
        "given": _("Given without points"),
        "cancelled": _("Cancelled"),
        "used_rate": _("Used"),
        "wishes": _("Wishes"),
    }


def _figures(line: Line) -> dict[str, Any]:
    return {
        "redemptions": line.redemptions,
        "pieces": line.pieces,
        "points": line.points,
        "cash": _money(line.cash),
        "cost": _money(line.whole_cost),
        "partners": _money(line.partners),
        "own_cost": _money(line.own_cost),
        "cost_per_point": _exact(line.cost_per_point),
        "given": line.given,
        "cancelled": line.cancelled,
        "used_rate": _exact(line.used_rate),
        "wishes": line.wishes,
    }


def _day_figures(each: DayLine) -> dict[str, Any]:
    return {
        "day": str(each.day),
        "redemptions": each.redemptions,
        "pieces": int(each.pieces),
        "points": int(each.points),
        "cost": _money(each.cost),
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _exact(figure: Decimal | None) -> str | None:
    return None if figure is None else f"{figure:.4f}"


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _day(said: str | None) -> date | None:
    try:
        day = date.fromisoformat(said or "")
    except ValueError:
        return None
    return day if date.min.replace(year=1900) < day < date.max.replace(year=9000) else None
