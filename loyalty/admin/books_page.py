"""What the page of the books shows: the period asked for, the table, its links and its picture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loyalty import books, programs
from loyalty.admin.charts import bars
from loyalty.books import COLUMNS, Asked, Line
from loyalty.models import Entry, PointType
from members import queries as member_queries

# Beyond so many days the picture has a bar for each month.
DAYS_SHOWN = 62
ALWAYS = ("issued", "redeemed", "expired")


def _titles() -> dict[str, str]:
    return {
        "issued": _("Issued"),
        "reversed": _("Taken back"),
        "adjusted": _("Adjusted"),
        "transferred": _("Transferred"),
        "fees": _("Fees"),
        "redeemed": _("Redeemed"),
        "given": _("Donated, bought back"),
        "returned": _("Returned"),
        "expired": _("Expired"),
    }


def _steps() -> dict[str, str]:
    return {"day": _("Day"), "month": _("Month"), "store": _("Store"), "kind": _("Kind")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodForm:
    """What was asked for; nonsense falls back to this month by day."""

    point_type: PointType
    point_types: list[PointType]
    first: date
    last: date
    by: str
    today: date
    zone: str

    @classmethod
    def of(cls, said: Mapping[str, str], *, at: datetime) -> "PeriodForm":
        program = programs.current()
        today = at.astimezone(program.zone).date()
        types = list(PointType.objects.order_by("id"))
        chosen = [each for each in types if each.code == said.get("type")]
        first = _day(said.get("first")) or today.replace(day=1)
        last = _day(said.get("last")) or max(today, first)
        return cls(
            point_type=(chosen or types)[0],
            point_types=types,
            first=min(first, last),
            last=max(first, last),
            by=said.get("by", "") if said.get("by") in books.STEPS else "day",
            today=today,
            zone=program.time_zone,
        )

    def asked(self) -> Asked:
        """The question to the books."""
        return Asked(
            point_type=self.point_type.pk,
            first=self.first,
            last=self.last,
            by=self.by,
            zone=self.zone,
        )

    @property
    def steps(self) -> dict[str, str]:
        """What the rows may stand for, in words."""
        return _steps()

    @property
    def periods(self) -> list[dict[str, Any]]:
        """The periods one click away."""
        month = self.today.replace(day=1)
        before = month - timedelta(days=1)
        spans = (
            (_("This month"), month, self.today),
            (_("Last month"), before.replace(day=1), before),
            (_("This year"), self.today.replace(month=1, day=1), self.today),
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
        said = {
            "type": self.point_type.code,
            "first": self.first,
            "last": self.last,
            "by": self.by,
        }
        return urlencode({**said, **changes})

    @property
    def exports(self) -> dict[str, str]:
        """The table as a file."""
        return {name.upper(): "?" + self.query(format=name) for name in ("csv", "json")}


class Page:
    """The roll-forward of a period in words, with a link behind every number."""

    def __init__(self, asked: Asked, point_type: PointType) -> None:
        self.asked = asked
        self.point_type = point_type
        self.book = books.roll_forward(asked=asked)
        self.borders = books.Borders(asked)

    @property
    def file_name(self) -> str:
        return f"books-{self.point_type.code}-{self.asked.first}-{self.asked.last}"

    @cached_property
    def columns(self) -> dict[str, str]:
        """The columns in which anything moved, with their titles."""
        moved = {name for line in self.book.lines for name, points in line.moved.items() if points}
        return {
            name: title for name, title in _titles().items() if name in moved or name in ALWAYS
        }

    @property
    def first_title(self) -> str:
        return _steps()[self.asked.by]

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        return [self._shown(line, self._label(line.key)) for line in self.book.lines]

    @property
    def total(self) -> dict[str, Any]:
        return self._shown(self.book.total, _("Total"))

    @property
    def is_balanced(self) -> bool:
        """Whether both recounts found the same."""
        return not self.book.wallets_differ_by and not self.book.total.residual

    def _shown(self, line: Line, label: str) -> dict[str, Any]:
        return {
            "label": label,
            "line": line,
            "cells": [
                {"points": line.moved[name], "address": self._address(line, name)}
                for name in self.columns
            ],
        }

    # ---- links ----------------------------------------------------------------------------------
    def _address(self, line: Line, column: str) -> str:
        """The entries behind a number."""
        starts_at, ends_at = self.borders.of(*self._span(line.key))
        kinds = [line.key] if self.asked.by == "kind" and line.key else COLUMNS[column]
        asked = {
            "wallet__point_type": self.point_type.pk,
            "kind__in": ",".join(kinds),
            "created_at__gte": starts_at.isoformat(),
            "created_at__lt": ends_at.isoformat(),
        }
        if self.asked.by == "store" and line.key:
            asked |= (
                {"store__isnull": "True"} if line.key == "0" else {"store__id__exact": line.key}
            )
        return f"{reverse('admin:loyalty_entry_changelist')}?{urlencode(asked)}"

    def _span(self, key: str) -> tuple[date, date]:
        if not key or self.asked.by not in books.DATED:
            return self.asked.first, self.asked.last
        if self.asked.by == "day":
            return date.fromisoformat(key), date.fromisoformat(key)
        month = date.fromisoformat(f"{key}-01")
        until = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return max(month, self.asked.first), min(until, self.asked.last)

    # ---- words ----------------------------------------------------------------------------------
    @cached_property
    def _stores(self) -> dict[str, str]:
        return {str(store.pk): store.name for store in member_queries.stores()}

    def _label(self, key: str) -> str:
        if self.asked.by == "store":
            return self._stores.get(key) or pgettext("of an order", "No store")
        return str(Entry.Kind(key).label) if self.asked.by == "kind" else key

    # ---- files and picture -------------------------------------------------------------------------
    def as_rows(self) -> Iterator[list[Any]]:
        """Titles, lines and total as cells."""
        titles = [_("Opening"), *_titles().values(), _("Closing"), _("Residual"), _("Entries")]
        yield [self.first_title, *titles]
        for shown in (*self.lines, self.total):
            yield [_plain(shown["label"]), *_figures(shown["line"]).values()]

    def as_json(self) -> dict[str, Any]:
        """The table as data; figures are named in English."""
        return {
            "point_type": self.point_type.code,
            "first": str(self.asked.first),
            "last": str(self.asked.last),
            "by": self.asked.by,
            "zone": self.asked.zone,
            "lines": [
                {"key": line.key, "label": self._label(line.key), **_figures(line)}
                for line in self.book.lines
            ],
            "total": _figures(self.book.total),
            "wallets_differ_by": self.book.wallets_differ_by,
        }

    @cached_property
    def chart(self) -> dict[str, str] | None:
        """Bars by day, or by month for long periods."""
        is_long = (self.asked.last - self.asked.first).days >= DAYS_SHOWN
        step = "month" if is_long else "day"
        lines = self.book.lines
        if self.asked.by != step:
            lines = books.roll_forward(asked=replace(self.asked, by=step)).lines
        if not lines:
            return None
        found = {line.key: line for line in lines}
        keys = sorted(found) if is_long else list(self._days())
        shown = [found.get(key) or Line(key) for key in keys]
        return bars(
            labels=[key if is_long else key[5:].replace("-", "/") for key in keys],
            series={
                _("Issued"): [line.net_issued for line in shown],
                _("Used"): [line.used for line in shown],
                _("Expired"): [-line.moved["expired"] for line in shown],
            },
        )

    def _days(self) -> Iterator[str]:
        day = self.asked.first
        while day <= self.asked.last:
            yield str(day)
            day += timedelta(days=1)


def _figures(line: Line) -> dict[str, int | None]:
    return {
        "opening": line.opening,
        **line.moved,
        "closing": line.closing,
        "residual": line.residual,
        "entries": line.entries,
    }


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _day(said: str | None) -> date | None:
    try:
        return date.fromisoformat(said or "")
    except ValueError:
        return None
