"""What a member has, by the day on which it expires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.queries import OpenLot

SHOWN = 6
SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Due:
    """Points that expire, or become active, at one moment; `at` None: never."""

    at: datetime | None
    points: int
    is_soon: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """The soonest days, what expires after them, and what is still to become active."""

    days: list[Due]
    largest: int
    later: int
    pending: list[Due]
    expiring: int


def schedule(*, lots: Sequence[OpenLot], at: datetime) -> Schedule:
    """Open lots as a member reads them."""
    days = _by_moment(
        [(lot.expires_at, lot.free) for lot in lots if lot.free and not lot.is_pending], at
    )
    pending = _by_moment([(lot.active_from, lot.remaining) for lot in lots if lot.is_pending], at)
    return Schedule(
        days=days[:SHOWN],
        largest=max((day.points for day in days[:SHOWN]), default=0),
        later=sum(day.points for day in days[SHOWN:]),
        pending=pending[:3],
        expiring=sum(day.points for day in days if day.is_soon),
    )


def _by_moment(pieces: list[tuple[datetime | None, int]], at: datetime) -> list[Due]:
    sums: dict[datetime | None, int] = {}
    for moment, points in pieces:
        sums[moment] = sums.get(moment, 0) + points
    known = sorted(moment for moment in sums if moment is not None)
    dues = [Due(moment, sums[moment], moment <= at + SOON) for moment in known]
    return dues + ([Due(None, sums[None], False)] if None in sums else [])  # noqa: FBT003
