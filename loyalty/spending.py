"""Taking points for something, and giving them back when it is called off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from loyalty import activity, expiry, ledger, programs, queries, tiers
from loyalty.errors import WalletFrozen
from loyalty.ledger import Debit, Held, Return
from loyalty.models import Entry, Program
from members.errors import MemberClosed
from members.models import Member


@dataclass(frozen=True, slots=True)
class Spender:
    """A member as read under the lock of the wallets, and those wallets."""

    member: Member
    held: Held


def lock_spender(*, member: int, at: datetime) -> Spender:
    """Lock the member's (id) wallets, settle what fell due, and read the member under the lock.

    Call it first, inside a transaction, in every verb that decides from stock, limits or tier.
    """
    held = ledger.lock(members=[member], at=at, types=["points"])
    locked = Member.objects.select_related("tier", "store").get(pk=member)
    tiers.show(members=[locked], at=at)
    return Spender(locked, held)


def lock_member(*, member: Member, at: datetime) -> Member:
    """As `lock_spender`; the member alone."""
    return lock_spender(member=member.pk, at=at).member


def check_may_spend(*, member: Member) -> None:
    """Refuse a closed or frozen member (MemberClosed, WalletFrozen); `member` as read under the lock."""
    if member.status == Member.Status.CLOSED:
        raise MemberClosed
    if member.status == Member.Status.FROZEN:
        raise WalletFrozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What points are taken for; `store` is an id, where it is known."""

    points: int
    reference: str
    details: Mapping[str, Any]
    explanation: Sequence[Mapping[str, Any]]
    store: int | None = None


def take(*, spender: Spender, spending: Spending, at: datetime) -> None:
    """Debit active points, soonest expiry first, in the transaction in which the spender was locked.

    Raises MemberClosed, WalletFrozen, InDebt, InsufficientPoints or ReferenceReused; then nothing is taken.
    """
    check_may_spend(member=spender.member)
    debit = Debit(
        wallet=spender.held.of(spender.member.pk).id,
        kind=Entry.Kind.REDEEM,
        points=spending.points,
        reference=spending.reference,
        at=at,
        details=spending.details,
        explanation=spending.explanation,
        store=spending.store,
    )
    ledger.post(postings=[debit], at=at, held=spender.held)
    activity.keep_alive(held=spender.held, program=programs.current())


@transaction.atomic
def spend(  # noqa: PLR0913 - where it happened is not always known
    *,
    member: Member,
    points: int,
    reference: str,
    details: Mapping[str, Any],
    explanation: Sequence[Mapping[str, Any]],
    at: datetime,
    store: int | None = None,
) -> Entry:
    """Lock the member and `take`; returns the redeem entry."""
    spender = lock_spender(member=member.pk, at=at)
    what = Spending(
        points=points, reference=reference, details=details, explanation=explanation, store=store
    )
    take(spender=spender, spending=what, at=at)
    wallet = spender.held.of(member.pk)
    return queries.entry_of(wallet=wallet.id, kind=Entry.Kind.REDEEM, reference=reference)


@transaction.atomic
def give_back(
    *,
    member: Member,
    reference: str,
    return_reference: str,
    details: Mapping[str, Any],
    at: datetime,
) -> Entry:
    """Give all points of the redeem entry `reference` back to the lots they came from; returns the return entry.

    A lot that has lapsed meanwhile lapses at once, or lives `return_grace_days` of the program to a day's end.
    """
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    wallet = held.of(member.pk)
    redeem = queries.entry_of(wallet=wallet.id, kind=Entry.Kind.REDEEM, reference=reference)
    posting = Return(
        wallet=wallet.id,
        kind=Entry.Kind.RETURN,
        points=-redeem.points,
        reference=return_reference,
        at=at,
        details=details,
        explanation=[
            {
                "rule": part["rule"],
                "title": part.get("title", ""),
                "kind": "return",
                "points": -part["points"],
            }
            for part in redeem.explanation
        ],
        store=redeem.store_id,
        of=reference,
        grace_until=grace_until(programs.current(), at),
    )
    ledger.post(postings=[posting], at=at, held=held)
    return queries.entry_of(wallet=wallet.id, kind=Entry.Kind.RETURN, reference=return_reference)


def grace_until(program: Program, at: datetime) -> datetime | None:
    """How long a lot that had lapsed lives on when points are given back to it; None: it lapses at once."""
    if not program.return_grace_days:
        return None
    today = at.astimezone(program.zone).date()
    return expiry.end_of_local_day(today + timedelta(days=program.return_grace_days), program.zone)
