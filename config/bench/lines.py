"""The lines of the bench: what is measured, ours and the yardstick, and how they take turns."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from statistics import median

from django.db import connection

from loyalty import awarding
from loyalty.awarding import Award
from members import enrolment
from members.models import Member

TURNS = 7
SINGLES = 150
BATCHES = 3
BATCH = 1_000

_BASE_ONE = """
WITH wallet AS (
    UPDATE base_wallet SET active = active + %(points)s, earned = earned + %(points)s, sequence = sequence + 1
    WHERE member = %(member)s RETURNING id, active, sequence
), entry AS (
    INSERT INTO base_entry (wallet_id, kind, points, balance, sequence, reference, explanation, at)
    SELECT id, 1, %(points)s, active, sequence, %(reference)s, '[{"rule": "base"}]', now() FROM wallet
    RETURNING id, wallet_id
)
INSERT INTO base_lot (wallet_id, entry_id, points, remaining, active_from, expires_at)
SELECT wallet_id, id, %(points)s, %(points)s, now(), now() + interval '24 months' FROM entry"""

_BASE_BATCH = """
WITH posting AS MATERIALIZED (
    SELECT n AS member, (random() * 499)::int + 1 AS points, %(reference)s || n AS reference
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + 999) AS n
), wallet AS (
    UPDATE base_wallet SET active = active + posting.points, earned = earned + posting.points, sequence = sequence + 1
    FROM posting WHERE base_wallet.member = posting.member
    RETURNING base_wallet.id, active, sequence, posting.points, posting.reference
), entry AS (
    INSERT INTO base_entry (wallet_id, kind, points, balance, sequence, reference, explanation, at)
    SELECT id, 1, points, active, sequence, reference, '[{"rule": "base"}]', now() FROM wallet
    RETURNING id, wallet_id, points
)
INSERT INTO base_lot (wallet_id, entry_id, points, remaining, active_from, expires_at)
SELECT wallet_id, id, points, points, now(), now() + interval '24 months' FROM entry"""


@dataclass(frozen=True, slots=True)
class Line:
    """One measured comparison; rates are awards per second, the ratio is the median of the turns."""

    name: str
    ours: float
    yardstick: float
    ratio: float


def prepare(members: int) -> list[int]:
    """Fill an empty, migrated database: members through the verb, as many wallets for the yardstick."""
    now = datetime.now(UTC)
    for start in range(0, members, BATCH):
        newcomers = [
            enrolment.Newcomer(phone=f"+86139{number:08d}", enrolled_at=now)
            for number in range(start, start + BATCH)
        ]
        enrolment.enrol_all(newcomers=newcomers, at=now)
    with connection.cursor() as cursor:
        cursor.execute(files("config.bench").joinpath("baseline.sql").read_text())
        cursor.execute(
            "INSERT INTO base_wallet (member, active) SELECT n, 0 FROM generate_series(1, %s) AS n",
            [members],
        )
        cursor.execute("ANALYZE")
    return list(Member.objects.order_by("id").values_list("id", flat=True))


def single(members: list[int]) -> Line:
    """One award through the verb, one client, beside one SQL statement that writes the same rows."""

    def ours() -> None:
        for member in random.choices(members, k=SINGLES):  # noqa: S311 - a sample, not a secret
            now = datetime.now(UTC)
            each = Award(member=member, points=7, reference=_reference(), at=now)
            awarding.award_all(awards=[each], at=now)

    def yardstick() -> None:
        for member in random.choices(range(1, len(members) + 1), k=SINGLES):  # noqa: S311
            _execute(_BASE_ONE, {"member": member, "points": 7, "reference": _reference()})

    return _in_turns("one award, one client", SINGLES, ours, yardstick)


def batch(members: list[int]) -> Line:
    """Awards in batches of 1,000, one writer, beside one SQL statement that writes the same rows."""

    def ours() -> None:
        for _ in range(BATCHES):
            now = datetime.now(UTC)
            first = random.randrange(len(members) - BATCH)  # noqa: S311
            reference = _reference()
            awards = [
                Award(member=member, points=7, reference=reference, at=now)
                for member in members[first : first + BATCH]
            ]
            awarding.award_all(awards=awards, at=now)

    def yardstick() -> None:
        for _ in range(BATCHES):
            first = random.randrange(1, len(members) - BATCH)  # noqa: S311
            _execute(_BASE_BATCH, {"first": first, "reference": _reference()})

    return _in_turns("awards in batches of 1,000", BATCHES * BATCH, ours, yardstick)


def _reference() -> str:
    return f"bench/{random.getrandbits(60)}/"


def _execute(statement: str, parameters: dict[str, int | str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _in_turns(
    name: str, count: int, ours: Callable[[], None], yardstick: Callable[[], None]
) -> Line:
    """A B A B …, after a warm-up of both; the machine's drift meets both alike."""
    ours()
    yardstick()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # both with the statistics of a database that has been in use
    pairs = [(_rate(ours, count), _rate(yardstick, count)) for _ in range(TURNS)]
    return Line(
        name,
        median(pair[0] for pair in pairs),
        median(pair[1] for pair in pairs),
        median(pair[0] / pair[1] for pair in pairs),
    )


def _rate(work: Callable[[], None], count: int) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)
