"""Giving points: a credit with reference, reason and explanation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loyalty import expiry, ledger, programs
from loyalty.ledger import Credit, Posted
from loyalty.models import Program
from members.models import Member
from members.transactions import in_transaction


class PolicyExpiry:
    """Stands for "as the program's expiry policy says"."""


BY_POLICY = PolicyExpiry()


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """One credit of redeemable points to a member (id), with a reference that is unique for ever."""

    member: int
    points: int
    reference: str
    at: datetime
    details: dict[str, Any] = field(default_factory=dict)
    explanation: Sequence[dict[str, Any]] = ()
    active_from: datetime | None = None
    expires_at: datetime | PolicyExpiry | None = BY_POLICY


def award(
    *,
    member: Member,
    points: int,
    reference: str,
    details: dict[str, Any],
    at: datetime,
    expires_at: datetime | PolicyExpiry | None = BY_POLICY,
) -> Posted:
    """Credit `points` to one member now; the same reference again gives the same answer and no second effect.

    Raises ReferenceReused (other points under the reference) or InvalidInput `out_of_range`.
    """
    single = Award(
        member=member.pk,
        points=points,
        reference=reference,
        at=at,
        details=details,
        expires_at=expires_at,
    )
    return award_all(awards=[single], at=at)[0]


def award_all(*, awards: Sequence[Award], at: datetime) -> list[Posted]:
    """Credit a batch, all or nothing, in a fixed number of statements."""
    return in_transaction(lambda: _award_all(awards, at))


def _award_all(awards: Sequence[Award], at: datetime) -> list[Posted]:
    program = programs.current()
    held = ledger.lock(members={each.member for each in awards}, at=at, types=["points"])
    postings = [_credit(each, held.of(each.member).id, program) for each in awards]
    return ledger.post(postings=postings, at=at, held=held)


def _credit(each: Award, wallet: int, program: Program) -> Credit:
    active_from = each.active_from or expiry.active_from(program, each.at)
    return Credit(
        wallet=wallet,
        kind="earn",
        points=each.points,
        reference=each.reference,
        at=each.at,
        details=each.details,
        explanation=each.explanation or [_whole(each)],
        active_from=active_from,
        expires_at=expiry.points_lapse_at(program, active_from)
        if isinstance(each.expires_at, PolicyExpiry)
        else each.expires_at,
    )


def _whole(each: Award) -> dict[str, Any]:
    return {"rule": "award", "kind": "bonus", "points": each.points}
