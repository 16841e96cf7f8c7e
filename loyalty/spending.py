"""Taking points for something, and giving them back when it is called off."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from loyalty import activity, expiry, ledger, programs, queries, tiers
from loyalty.errors import WalletFrozen
from loyalty.ledger import Debit, Return
from loyalty.models import Entry, Program
from members.errors import MemberClosed
from members.models import Member


def lock_member(*, member: Member, at: datetime) -> Member:
    """Lock the member's wallets, settle what fell due, and return the member as read under the lock.

    Call it first, inside a transaction, in every verb that decides from stock, limits or tier.
    """
    ledger.lock(members=[member.pk], at=at, types=["points"])
    locked = Member.objects.select_related("tier", "store").get(pk=member.pk)
    tiers.show(members=[locked], at=at)
    return locked


def check_may_spend(*, member: Member) -> None:
    """Refuse a closed or frozen member (MemberClosed, WalletFrozen); `member` as read under the lock."""
    if member.status == Member.Status.CLOSED:
        raise MemberClosed
    if member.status == Member.Status.FROZEN:
        raise WalletFrozen


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
    """Debit active points, soonest expiry first, at a store (id); returns the redeem entry.

    Raises MemberClosed, WalletFrozen, InDebt, InsufficientPoints or ReferenceReused; then nothing is taken.
    """
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    check_may_spend(member=Member.objects.get(pk=member.pk))
    wallet = held.of(member.pk)
    debit = Debit(
        wallet=wallet.id,
        kind=Entry.Kind.REDEEM,
        points=points,
        reference=reference,
        at=at,
        details=details,
        explanation=explanation,
        store=store,
    )
    ledger.post(postings=[debit], at=at, held=held)
    activity.keep_alive(held=held, program=programs.current())
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
