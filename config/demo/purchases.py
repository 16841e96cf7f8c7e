"""A year of purchases: who bought what, when and where."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from config.demo.people import Guest
from config.demo.shop import BAKERY, BY_SKU, COFFEE, GOODS, STORES
from loyalty.ordering import Line, OrderFacts

DAYS = 365
PASSERS_BY_A_DAY = 2
OPENING_HOURS = (8, 8, 9, 9, 10, 11, 12, 12, 13, 14, 15, 15, 16, 17, 18, 19, 20)


def year_of(
    *, guests: Sequence[Guest], rng: Random, at: datetime, zone: ZoneInfo
) -> list[OrderFacts]:
    """Everybody's orders of the year that ends at a moment, in the order of time; numbered by day."""
    visits: list[tuple[datetime, Guest | None]] = [
        (moment, guest) for guest in guests for moment in _visits(guest, rng, at, zone)
    ]
    for days in range(DAYS):
        visits.extend(
            (_opening(rng, at - timedelta(days=days), zone), None)
            for _person in range(rng.randrange(2 * PASSERS_BY_A_DAY + 1))
        )
    visits = [visit for visit in visits if visit[0] < at - timedelta(minutes=5)]
    visits.sort(key=lambda visit: visit[0])
    return [_order(place, moment, guest, rng) for place, (moment, guest) in enumerate(visits)]


def _visits(guest: Guest, rng: Random, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    for _visit in range(rng.randint(*guest.habit.visits)):
        moment = _opening(rng, at - timedelta(days=rng.uniform(0, DAYS)), zone)
        if moment > guest.member.enrolled_at:
            yield moment


def _opening(rng: Random, around: datetime, zone: ZoneInfo) -> datetime:
    """A moment of that day while the shop is open."""
    clock = time(rng.choice(OPENING_HOURS), rng.randrange(60), rng.randrange(60))
    return datetime.combine(around.astimezone(zone).date(), clock, zone)


def _order(place: int, moment: datetime, guest: Guest | None, rng: Random) -> OrderFacts:
    is_online = guest is not None and rng.random() < 0.2
    store = guest.store if guest and rng.random() < 0.75 else rng.choice(STORES)[0]
    return OrderFacts(
        number=f"{moment:%y%m%d}-{place % 10_000:04}",
        source="mini_program" if is_online else "pos",
        member=guest.member.number if guest else None,
        store=None if is_online else store,
        channel="mini_program" if is_online else "store",
        placed_at=moment,
        lines=tuple(_basket(guest.habit.basket if guest else "cup", rng)),
    )


def _basket(kind: str, rng: Random) -> Iterator[Line]:
    if kind == "company":
        yield BY_SKU["BEANS"].line(rng.randint(4, 8))
        yield BY_SKU["DRIP-BAGS"].line(rng.randint(2, 6))
        return
    cups = {"office": (8, 14), "fan": (1, 3)}.get(kind, (1, 2))
    yield rng.choice(COFFEE).line(rng.randint(*cups))
    if rng.random() < 0.4 or kind == "office":
        yield rng.choice(BAKERY).line(rng.randint(*cups))
    if rng.random() < 0.06:
        yield rng.choice(GOODS).line()
