"""Awards one by one and by the thousand, beside plain SQL that writes the same rows and beside django-hordak."""

import random
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from multiprocessing import get_context
from statistics import median
from typing import Any

from django.db import connection

from config.bench import hordak, measuring
from config.bench.measuring import Goal, Line
from loyalty import awarding, ordering
from loyalty.awarding import Award
from loyalty.ordering import Line as OrderLine
from loyalty.ordering import OrderFacts
from members.models import Member

WALLETS = 100_000
SINGLES = 300
BATCHES = 4
BATCH = 1_000


def prepare() -> None:
    """Make the yardstick's tables, with as many wallets as there are members to award."""
    with connection.cursor() as cursor:
        cursor.execute(files("config.bench").joinpath("baseline.sql").read_text())
        cursor.execute(
            "INSERT INTO base_wallet (member, active) SELECT n, 0 FROM generate_series(1, %s) AS n",
            [WALLETS],
        )
        cursor.execute("VACUUM (ANALYZE) base_wallet")


def single() -> list[Line]:
    """One award through the verb, one client."""
    members = _members()

    def ours() -> None:
        for member in random.choices(members, k=SINGLES):  # noqa: S311 - a sample, not a secret
            now = datetime.now(UTC)
            each = Award(member=member, points=7, reference=_reference(), at=now)
            awarding.award_all(awards=[each], at=now)

    def yardstick() -> None:
        statement = _baseline("award_one.sql")
        for member in random.choices(range(1, WALLETS + 1), k=SINGLES):  # noqa: S311
            values = {"member": member, "points": 7, "reference": _reference()}
            _prepared(statement, values)

    with ExitStack() as stack:
        transfers, problem = hordak.open_shop(stack)
        sides = [_rate_of(ours, SINGLES), _rate_of(yardstick, SINGLES)]
        rates = measuring.in_turns(*sides, *([transfers] if transfers else []))
    lines = [
        Line(
            what="one award, one client, beside one SQL statement that writes the same rows",
            ours=f"{median(rates[0]):,.0f}/s",
            beside=f"{median(rates[1]):,.0f}/s",
            value=measuring.ratio(rates[0], rates[1]),
            goal=Goal(must=0.25, aim=0.5),
        )
    ]
    hordak_rates = rates[2] if transfers else [float("nan")] * len(rates[0])
    lines.append(
        Line(
            what=f"one award beside `transfer_to` of django-hordak{problem}",
            ours=f"{median(rates[0]):,.0f}/s",
            beside=f"{median(hordak_rates):,.0f}/s",
            value=measuring.ratio(rates[0], hordak_rates),
            goal=Goal(must=1, aim=None),
        )
    )
    return lines


def batch() -> Line:
    """Awards in batches of 1,000, one writer."""
    members = _members()

    def yardstick() -> None:
        statement = _baseline("award_batch.sql")
        for _ in range(BATCHES):
            first = random.randrange(1, WALLETS - BATCH)  # noqa: S311
            _prepared(statement, {"first": first, "run": str(random.getrandbits(50))})

    rates = measuring.in_turns(
        _rate_of(lambda: _award_batches(members), BATCHES * BATCH),
        _rate_of(yardstick, BATCHES * BATCH),
    )
    return Line(
        what="awards in batches of 1,000, one writer, beside one SQL statement per batch",
        ours=f"{median(rates[0]):,.0f}/s",
        beside=f"{median(rates[1]):,.0f}/s",
        value=measuring.ratio(*rates),
        goal=Goal(must=0.3, aim=0.5),
    )


def two_writers() -> Line:
    """Awards in batches of 1,000 by two processes at once, on members of their own."""
    connection.close()
    with get_context("fork").Pool(2) as pool:
        pool.map(_write, [(0, 1), (1, 1)], chunksize=1)  # connected and warm

        def both() -> None:
            pool.map(_write, [(0, BATCHES), (1, BATCHES)], chunksize=1)

        found = [measuring.rate(both, 2 * BATCHES * BATCH) for _ in range(measuring.TURNS)]
    return Line(
        what="awards in batches of 1,000, two writers",
        ours=f"{median(found):,.0f}/s",
        beside="–",
        value=median(found),
        goal=Goal(must=None, aim=10_000, form="{:,.0f}/s"),
    )


def orders() -> Line:
    """Orders of known members in batches of 1,000, with status points, tiers and explanations."""
    numbers = list(Member.objects.order_by("id").values_list("number", flat=True)[:WALLETS])

    def ours() -> None:
        for _ in range(BATCHES):
            now = datetime.now(UTC)
            prefix = _reference()[:-1].replace("/", "-")
            ordering.place_all(
                orders=[
                    OrderFacts(
                        number=f"{prefix}-{place}",
                        member=number,
                        placed_at=now,
                        lines=(OrderLine(sku="latte", amount=Decimal("32.00")),),
                    )
                    for place, number in enumerate(random.sample(numbers, BATCH))
                ],
                at=now,
            )

    rates = measuring.in_turns(_rate_of(ours, BATCHES * BATCH), turns=3)
    return Line(
        what="orders in batches of 1,000, one writer",
        ours=f"{median(rates[0]):,.0f}/s",
        beside="–",
        value=median(rates[0]),
        goal=Goal(must=None, aim=None, form="{:,.0f}/s"),
    )


def _members() -> list[int]:
    return list(Member.objects.order_by("id").values_list("id", flat=True)[:WALLETS])


def _write(task: tuple[int, int]) -> None:
    half, batches = task
    members = _members()[half::2]
    _award_batches(members, batches)


def _award_batches(members: list[int], batches: int = BATCHES) -> None:
    for _ in range(batches):
        now = datetime.now(UTC)
        first = random.randrange(len(members) - BATCH)  # noqa: S311
        reference = _reference()
        awards = [
            Award(member=member, points=7, reference=reference, at=now)
            for member in members[first : first + BATCH]
        ]
        awarding.award_all(awards=awards, at=now)


def _reference() -> str:
    return f"bench/{random.getrandbits(60)}/"


def _rate_of(work: Callable[[], None], count: int) -> Callable[[], float]:
    return lambda: measuring.rate(work, count)


def _baseline(name: str) -> str:
    return files("config.bench").joinpath(name).read_text()


def _prepared(statement: str, values: dict[str, Any]) -> None:
    """Planned once per connection, as `pgbench -M prepared` does: the yardstick at its best."""
    connection.ensure_connection()
    connection.connection.execute(statement, values, prepare=True)
