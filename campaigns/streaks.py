"""Signed days of one member: how many in a row, in all, in a month. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

A_DAY = timedelta(days=1)
#: What an event of signing in says; conditions look at it.
FACTS = ("streak", "total", "month_total")


class SignedDays:
    """A member's signed days."""

    def __init__(self, days: Iterable[date]) -> None:
        self.days: Sequence[date] = sorted(set(days))
        self._known = frozenset(self.days)

    def __contains__(self, day: date) -> bool:
        return day in self._known

    def also(self, day: date) -> "SignedDays":
        """The same days and this one."""
        return SignedDays([*self.days, day])

    def after(self, day: date) -> Sequence[date]:
        """The signed days after a day, the first one first."""
        return self.days[bisect_right(self.days, day) :]

    def streak(self, day: date) -> int:
        """Days in a row that end with this one; 0 where it is not signed."""
        last, count = day.toordinal(), 0
        # The first day of the calendar has none before it.
        while count < last and date.fromordinal(last - count) in self._known:
            count += 1
        return count

    def standing(self, today: date) -> int:
        """Days in a row as of today: a today that is not signed yet breaks nothing."""
        return self.streak(today) or self.streak(today - A_DAY)

    def total(self, day: date) -> int:
        """Signed days up to and with a day."""
        return bisect_right(self.days, day)

    def month_total(self, day: date) -> int:
        """Signed days of a day's month, up to and with it."""
        return self.total(day) - bisect_left(self.days, day.replace(day=1))

    def facts(self, day: date) -> dict[str, Any]:
        """The data of the event of signing a day."""
        return {
            "streak": self.streak(day),
            "total": self.total(day),
            "month_total": self.month_total(day),
            "day": day.isoformat(),
        }


def ahead(signed: SignedDays, today: date, days: int) -> Iterable[tuple[date, dict[str, Any]]]:
    """The coming days, today's included while it is not signed, each with its facts if no day is missed from now on."""
    streak = signed.standing(today)
    total, month_total = signed.total(today), signed.month_total(today)
    start = 1 if today in signed else 0
    for place in range(start, start + days):
        day = today + place * A_DAY
        month_total = 1 if day.day == 1 else month_total + 1
        streak, total = streak + 1, total + 1
        yield (
            day,
            {
                "streak": streak,
                "total": total,
                "month_total": month_total,
                "day": day.isoformat(),
            },
        )
