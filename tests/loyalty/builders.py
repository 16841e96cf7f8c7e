"""Postings, orders and moments for the ledger's tests, and the books read back as plain data."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings

from loyalty import ledger, verification
from loyalty.ledger import (
    Capture,
    Credit,
    Debit,
    Gift,
    Posted,
    Posting,
    Release,
    Reserve,
    Return,
    Reversal,
)
from loyalty.models import Allocation, Entry, Hold, Lot, Program, Wallet
from loyalty.ordering import Line, OrderFacts
from members.models import Member
from tests.conftest import NOON

FIGURES = ("active", "pending", "reserved", "debt", "earned", "spent", "expired")


def day(number: float) -> datetime:
    """A moment some days after (or before) noon of the tests' day."""
    return NOON + timedelta(days=number)


def examples(count: int) -> settings:
    """So many Hypothesis examples, always the same ones; EXAMPLES=2000 looks at others, SHRINK=1 shortens failures."""
    wanted = os.environ.get("EXAMPLES")
    return settings(
        max_examples=int(wanted or count),
        derandomize=wanted is None,
        database=None,
        stateful_step_count=int(os.environ.get("STEPS", "25")),
        deadline=None,
        # Shrinking a history of postings takes minutes: only on demand.
        phases=[Phase.generate, *([Phase.shrink] if "SHRINK" in os.environ else [])],
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def sandbox() -> Iterator[None]:
    """What is written inside is undone: one example of a property never sees another."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def program(**changes: Any) -> Program:
    """The program with these settings."""
    Program.objects.filter(pk=1).update(**changes)
    return Program.objects.get(pk=1)


# ---- postings -----------------------------------------------------------------------------------
def credit(
    wallet: int,
    points: int,
    reference: str,
    *,
    active_from: datetime = NOON,
    expires_at: datetime | None = None,
    kind: str = "earn",
    at: datetime = NOON,
) -> Credit:
    return Credit(
        wallet=wallet,
        kind=kind,
        points=points,
        reference=reference,
        at=at,
        details={},
        explanation=[{"rule": "award", "kind": "bonus", "points": points}],
        active_from=active_from,
        expires_at=expires_at,
    )


def debit(
    wallet: int, points: int, reference: str, *, kind: str = "redeem", at: datetime = NOON
) -> Debit:
    return Debit(
        wallet=wallet,
        kind=kind,
        points=points,
        reference=reference,
        at=at,
        details={},
        explanation=[{"rule": "mug", "kind": "reward", "points": -points}],
    )


def reversal(
    wallet: int,
    points: int,
    reference: str,
    *,
    of: str,
    clamp: bool = False,
    at: datetime = NOON,
) -> Reversal:
    return Reversal(
        wallet=wallet,
        kind="reverse",
        points=points,
        reference=reference,
        at=at,
        details={},
        explanation=[{"rule": "refund", "kind": "refund", "points": -points}],
        of=of,
        clamp=clamp,
    )


def give_back(
    wallet: int,
    points: int,
    reference: str,
    *,
    of: str,
    grace_until: datetime | None = None,
    at: datetime = NOON,
) -> Return:
    return Return(
        wallet=wallet,
        kind="return",
        points=points,
        reference=reference,
        at=at,
        details={},
        explanation=[{"rule": "mug", "kind": "return", "points": points}],
        of=of,
        grace_until=grace_until,
    )


def hold(wallet: int, points: int, *, until: datetime, reference: str = "hold") -> Hold:
    """An open hold that keeps points, made as the verb makes it."""
    row = Hold(
        wallet_id=wallet,
        points=points,
        reference=reference,
        expires_in=1,
        at=NOON - timedelta(days=400),
        expires_at=until,
    )
    row.save(force_insert=True)
    words = _words(wallet, "hold", points, f"hold/{row.pk}", at=row.at)
    post(Reserve(**words, hold=row.pk, until=until), at=min(NOON, until - timedelta(seconds=1)))
    return row


def capture(row: Hold, points: int, *, at: datetime = NOON) -> Posted:
    words = _words(row.wallet_id, "redeem", points, f"hold/{row.pk}", at=at)
    words["details"] = {"hold": row.pk}
    answer = post(Capture(**words, hold=row.pk), at=at)[0]
    Hold.objects.filter(pk=row.pk).update(state="captured", captured_points=points, closed_at=at)
    return answer


def release(row: Hold, *, at: datetime = NOON) -> Posted:
    words = _words(row.wallet_id, "release", row.points, f"hold/{row.pk}", at=at)
    answer = post(Release(**words, hold=row.pk), at=at)[0]
    Hold.objects.filter(pk=row.pk).update(state="released", closed_at=at)
    return answer


def gift(
    giver: int, receiver: int, points: int, reference: str, *, fee: int = 0, at: datetime = NOON
) -> Gift:
    words = _words(giver, "transfer_out", points, reference, at=at)
    there: dict[str, Any] = {"reference_there": f"from/{reference}", "details_there": {}}
    return Gift(**words, to=receiver, fee=fee, **there)


def _words(wallet: int, kind: str, points: int, reference: str, *, at: datetime) -> dict[str, Any]:
    return {
        "wallet": wallet,
        "kind": kind,
        "points": points,
        "reference": reference,
        "at": at,
        "details": {},
        "explanation": [{"rule": kind, "kind": kind, "points": -points}],
    }


def post(*postings: Posting, at: datetime = NOON) -> list[Posted]:
    return ledger.post(postings=postings, at=at)


def settle(wallet: int, at: datetime) -> None:
    """Touch a wallet: what fell due by `at` is settled."""
    with transaction.atomic():
        ledger.lock_wallets(wallets=[wallet], at=at)


# ---- orders -------------------------------------------------------------------------------------
def order(number: str, *amounts: str, member: Member | None, **more: Any) -> OrderFacts:
    """An order with lines of these amounts; their SKUs are A, B, C and so on."""
    lines = tuple(
        Line(sku=chr(ord("A") + place), amount=Decimal(amount))
        for place, amount in enumerate(amounts)
    )
    facts: dict[str, Any] = {
        "number": number,
        "member": member.number if member else None,
        "placed_at": NOON,
        "lines": lines,
    }
    return OrderFacts(**{**facts, **more})


# ---- the books read back --------------------------------------------------------------------------
def wallet_of(member: Member, code: str = "points") -> int:
    return Wallet.objects.get(member=member, point_type__code=code).pk


def figures(wallet: int) -> dict[str, int]:
    """The wallet's figures that are not zero."""
    row = Wallet.objects.get(pk=wallet)
    return {name: getattr(row, name) for name in FIGURES if getattr(row, name)}


def entries(wallet: int) -> list[tuple[str, int, int]]:
    """(kind, points, balance) in the order of posting."""
    rows = Entry.objects.filter(wallet=wallet).order_by("sequence")
    return [(row.kind, row.points, row.balance) for row in rows]


def open_lots(wallet: int) -> dict[str, int]:
    """What is left of each lot with something left, by the reference of its source."""
    rows = Lot.objects.filter(wallet=wallet, remaining__gt=0).select_related("entry")
    return {row.entry.reference: row.remaining for row in rows.order_by("id")}


def lot_of(wallet: int, reference: str) -> Lot:
    return Lot.objects.get(wallet=wallet, entry__reference=reference)


def taken_by(wallet: int, reference: str) -> dict[str, int]:
    """What the entry with this reference took from (−) or gave back to (+) each lot, in its order."""
    rows = Allocation.objects.filter(entry__wallet=wallet, entry__reference=reference)
    taken: dict[str, int] = {}
    for row in rows.select_related("lot__entry").order_by("id"):
        source = row.lot.entry.reference
        taken[source] = taken.get(source, 0) + row.points
    return taken


def books() -> dict[str, Any]:
    """Wallets, entries, lots and allocations without any id, so that two runs can be compared."""
    lots = {lot.pk: lot for lot in Lot.objects.select_related("entry")}
    names = {pk: f"{lot.wallet_id}:{lot.entry.reference}" for pk, lot in lots.items()}
    return {
        "wallets": {
            row.pk: (*(getattr(row, name) for name in FIGURES), row.sequence)
            for row in Wallet.objects.all()
        },
        "entries": sorted(
            (
                e.wallet_id,
                e.sequence,
                e.kind,
                e.points,
                e.balance,
                _named(e.reference, names),
                e.at,
            )
            for e in Entry.objects.all()
        ),
        "explanations": {
            (e.wallet_id, e.sequence): (e.explanation, e.details.get("earned_at"))
            for e in Entry.objects.all()
        },
        "lots": {names[pk]: _state(lot) for pk, lot in lots.items()},
        "allocations": sorted(
            (names[a.lot_id], a.entry.wallet_id, a.entry.sequence, a.points)
            for a in Allocation.objects.select_related("entry")
        ),
    }


def _named(reference: str, names: dict[int, str]) -> str:
    """An expiry is named after its lot's id: put the lot's own name there."""
    if not reference.startswith("lot/"):
        return reference
    _, lot, *rest = reference.split("/")
    return "/".join(["lot", names[int(lot)], *rest])


def _state(lot: Lot) -> tuple[Any, ...]:
    return (
        lot.points,
        lot.remaining,
        lot.lapsed,
        lot.forgiven,
        lot.is_pending,
        lot.active_from,
        lot.expires_at,
    )


def assert_clean() -> None:
    """The books agree with themselves."""
    found = list(verification.differences())
    assert found == [], found


def spoil(statement: str) -> None:
    """Change what the database protects, as somebody with all its rights could."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")
