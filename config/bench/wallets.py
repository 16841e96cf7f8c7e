"""One wallet with many lots or a long history beside one with few."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from statistics import median
from typing import Any

from config.bench import measuring
from config.bench.measuring import Goal, Line
from loyalty import awarding, queries, spending
from loyalty.awarding import Award
from members.models import Member

LOTS = 1_000
SPENDS = 15
PAGE = 20
READS = 50

_references = count()


def one_lot(members: Iterator[Member]) -> Line:
    """Taking one lot's points from a wallet with 1,000 open lots, beside one with one lot."""
    rich, poor = next(members), next(members)
    _give(rich, LOTS)
    _give(poor, 1)

    def spends(member: Member) -> float:
        took = 0.0
        for _ in range(SPENDS):
            took += measuring.seconds(lambda: _spend(member, 10))
            _give(member, 1)
        return took / SPENDS

    times = measuring.in_turns(lambda: spends(rich), lambda: spends(poor))
    return Line(
        what=f"taking one lot's points from a wallet with {LOTS:,} open lots, beside one with one lot",
        ours=f"{median(times[0]) * 1000:.1f} ms",
        beside=f"{median(times[1]) * 1000:.1f} ms",
        value=measuring.ratio(*times),
        goal=Goal(must=3, aim=1.5, form="{:.2f} ×", is_least=True),
    )


def drain(members: Iterator[Member]) -> Line:
    """Draining 1,000 lots in one redemption."""
    found = []
    for _ in range(measuring.TURNS):
        member = next(members)
        _give(member, LOTS)
        found.append(measuring.seconds(lambda member=member: _spend(member, 10 * LOTS)) * 1000)  # type: ignore[misc]
    return Line(
        what=f"draining {LOTS:,} lots in one redemption",
        ours=f"{median(found):.0f} ms",
        beside="–",
        value=median(found),
        goal=Goal(must=100, aim=30, form="{:.0f} ms", is_least=True),
    )


def reads(short: Member, long: Member, entries: str) -> list[Line]:
    """Balance and first page of the history of a long wallet, beside a short one."""

    def balance(member: Member) -> None:
        queries.figures(member=member, at=datetime.now(UTC))

    def history(member: Member) -> None:
        list(queries.entries_of(member=member)[: PAGE + 1])

    return [
        _read("balance", balance, short, long, entries),
        _read("first page of the history", history, short, long, entries),
    ]


def _read(what: str, read: Any, short: Member, long: Member, entries: str) -> Line:
    def of(member: Member) -> float:
        return measuring.seconds(lambda: [read(member) for _ in range(READS)]) / READS

    times = measuring.in_turns(lambda: of(long), lambda: of(short), turns=11)
    return Line(
        what=f"{what}: {entries}",
        ours=f"{median(times[0]) * 1000:.2f} ms",
        beside=f"{median(times[1]) * 1000:.2f} ms",
        value=measuring.ratio(*times),
        goal=Goal(must=1.5, aim=1.05, form="{:.2f} ×", is_least=True),
    )


def _give(member: Member, lots: int) -> None:
    now = datetime.now(UTC)
    awards = [
        Award(
            member=member.pk,
            points=10,
            reference=f"lot/{next(_references)}",
            at=now,
            expires_at=None,
        )
        for _ in range(lots)
    ]
    awarding.award_all(awards=awards, at=now)


def _spend(member: Member, points: int) -> None:
    spending.spend(
        member=member,
        points=points,
        reference=f"spent/{next(_references)}",
        details={},
        explanation=[{"rule": "mug", "kind": "reward", "points": -points}],
        at=datetime.now(UTC),
    )
