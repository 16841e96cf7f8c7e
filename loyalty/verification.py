"""The books checked against themselves: every invariant of the ledger, every paper and every seal.

All is read in one consistent snapshot, so that a ledger at work raises no false alarm. The database does the sums;
only differences come back, at most MOST of each kind, so memory stays flat.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from loyalty import explained_entries, invariants, sealed_days, vouching
from loyalty.models import Seal, VerificationRun, Wallet
from loyalty.snapshots import ROOM_TO_SUM, snapshot
from members import lifecycle

CHECKS: dict[str, str] = {**invariants.CHECKS, **vouching.CHECKS}
# So many differences of one pass are named; a book with more is not mended line by line.
MOST = 10_000
REASON = "verify_ledger"
# So many stay with the stored result.
KEPT = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One broken invariant: which, at which wallet (None: at none), and the figures that disagree."""

    check: str
    wallet: int | None
    found: str


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the books: what it looked at, how long it took and what it found."""

    name: str
    seconds: float
    differences: list[Difference]


@dataclass(slots=True)
class Result:
    """What a verification found: differences in all, and the wallets (ids) that disagree."""

    passes: int = 0
    differences: int = 0
    wallets: set[int] = field(default_factory=set)
    first: list[Difference] = field(default_factory=list)
    frozen: int = 0

    def add(self, found: list[Difference]) -> None:
        """Count what a pass found."""
        self.passes += 1
        self.differences += len(found)
        self.wallets |= {each.wallet for each in found if each.wallet is not None}
        self.first += found[: KEPT - len(self.first)]


Look = Callable[[], Generator[Difference, None, None]]


def passes(*, with_explanations: bool = False) -> Iterator[Pass]:
    """Every pass over the books, in one snapshot; on demand also each entry recomputed from its explanation."""
    looks: dict[str, Look] = {name: _asking(sql) for name, sql in checks().items()}
    looks[gettext_noop("seals")] = _seals
    if with_explanations:
        looks[gettext_noop("explanations")] = _explanations
    with snapshot(settings=ROOM_TO_SUM):
        for name, look in looks.items():
            started = time.monotonic()
            with closing(look()) as broken:
                found = list(islice(broken, MOST))
            yield Pass(name, time.monotonic() - started, found)


def checks() -> dict[str, str]:
    """Every statement that looks for differences: the ledger's own, and those of the papers above it (BOOK_CHECKS)."""
    others = [import_string(name) for name in settings.BOOK_CHECKS]
    return {**CHECKS, **{name: sql for each in others for name, sql in each.items()}}


def differences() -> Iterator[Difference]:
    """Every broken invariant, pass by pass."""
    for each in passes():
        yield from each.differences


def numbers(*, wallets: set[int]) -> dict[int, str]:
    """The member numbers of wallets (ids): what a difference may be told by."""
    found = Wallet.objects.filter(pk__in=wallets).order_by("pk")
    return dict(found.values_list("pk", "member__number"))


def count_wallets() -> int:
    """How many wallets the books hold."""
    return Wallet.objects.count()


def freeze(*, wallets: set[int], by: str, at: datetime) -> int:
    """Freeze the active members whose wallets disagree; nothing is mended silently. Returns how many were."""
    found = Wallet.objects.filter(pk__in=wallets).order_by("member_id")
    owners = set(found.values_list("member_id", flat=True))
    return lifecycle.freeze_all(members=owners, reason=REASON, by=by, at=at)


def conclude(*, result: Result, by: str, started_at: datetime, at: datetime) -> VerificationRun:
    """Keep what a verification found, for the console."""
    known = numbers(wallets={each.wallet for each in result.first if each.wallet is not None})
    last = Seal.objects.order_by("-day").first()
    return VerificationRun.objects.create(
        started_at=started_at,
        finished_at=max(at, started_at),
        by=by,
        wallets=count_wallets(),
        differences=result.differences,
        frozen=result.frozen,
        sealed_until=last.day if last else None,
        found=[
            {
                "check": each.check,
                "wallet": each.wallet,
                "member": known.get(each.wallet) if each.wallet else None,
                "found": each.found,
            }
            for each in result.first
        ],
    )


def verify_and_freeze(*, by: str, at: datetime) -> int:
    """Run all passes, freeze the owners of wallets that disagree and keep the result; returns the differences."""
    result = Result()
    for each in passes():
        result.add(each.differences)
    if result.wallets:
        result.frozen = freeze(wallets=result.wallets, by=by, at=at)
    conclude(result=result, by=by, started_at=at, at=at)
    return result.differences


# ---- looking ----------------------------------------------------------------------------------------
def _asking(statement: str) -> Look:
    def look() -> Generator[Difference, None, None]:
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            # Row by row from the server: whatever is found, it is never all in memory.
            rows: Any = cursor.stream(statement)
            with closing(rows):
                for name, wallet, found in rows:
                    yield Difference(name, wallet, found)

    return look


def _seals() -> Generator[Difference, None, None]:
    for day, found in sealed_days.differences():
        yield Difference("a sealed day is as it was sealed", None, f"{day}: {found}")


def _explanations() -> Generator[Difference, None, None]:
    for wallet, found in explained_entries.differences():
        yield Difference("an entry can be recomputed from its explanation", wallet, found)
