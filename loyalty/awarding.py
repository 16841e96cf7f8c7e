"""Giving points: a credit with reference, reason and explanation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from loyalty import expiry, ledger, programs, queries
from loyalty.ledger import Credit, Posted
from loyalty.models import Program
from members.models import Member
from members.transactions import in_transaction


class PolicyExpiry:
    """Stands for "as the program's expiry policy says"."""


BY_POLICY = PolicyExpiry()
# By database: the version of its program that was seen last, and what makes credits by it.
_remembered: dict[tuple[str, str], tuple[str, "_Credits"]] = {}


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
    """Credit a batch, all or nothing, in a fixed number of statements.

    Raises as `award`; MemberClosed when one of the members is closed and the award is new.
    """
    if len(awards) == 1:
        posted = _at_once(awards[0], at)
        if posted is not None:
            return [posted]
    return in_transaction(lambda: _award_all(awards, at))


def _at_once(each: Award, at: datetime) -> Posted | None:
    """The usual single award, in one statement; None where more has to be read first.

    The program is remembered between calls: the statement itself checks that it is still the one in force.
    """
    database = (connection.settings_dict["HOST"], connection.settings_dict["NAME"])
    version, credits = _remembered.get(database) or _remember(database)
    posted = _credited(each, at, version, credits)
    if posted is None and queries.program_version() != version:
        posted = _credited(each, at, *_remember(database))
    return posted


def _credited(each: Award, at: datetime, version: str, credits: "_Credits") -> Posted | None:
    if credits.is_kept_alive:  # by what the wallet says
        return None
    credit = credits.of(each, wallet=0, last_activity=None)
    return ledger.credit_at_once(member=each.member, credit=credit, at=at, program=version)


def _remember(database: tuple[str, str]) -> tuple[str, "_Credits"]:
    # First the version: whatever changes after it makes the version another one.
    version = queries.program_version()
    found = _remembered[database] = version, _Credits(programs.current())
    return found


def _award_all(awards: Sequence[Award], at: datetime) -> list[Posted]:
    credits = _Credits(programs.current())
    held = ledger.lock(members={each.member for each in awards}, at=at, types=["points"])
    wallets = [held.of(each.member) for each in awards]
    postings = [
        credits.of(each, wallet=wallet.id, last_activity=wallet.last_activity_at)
        for each, wallet in zip(awards, wallets, strict=True)
    ]
    return ledger.post(postings=postings, at=at, held=held)


class _Credits:
    """From awards to credits; most of a batch share their dates, which are computed once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.lapse_at = lru_cache(maxsize=1_000)(expiry.rules(program).lapse_at)
        self.is_kept_alive = program.expiry_policy == Program.ExpiryPolicy.INACTIVITY

    def of(self, each: Award, *, wallet: int, last_activity: datetime | None) -> Credit:
        active_from = each.active_from or expiry.active_from(self.program, each.at)
        expires_at = each.expires_at
        if isinstance(expires_at, PolicyExpiry):
            expires_at = self.lapse_at(
                active_from.astimezone(UTC), last_activity if self.is_kept_alive else None
            )
        return Credit(
            wallet=wallet,
            kind="earn",
            points=each.points,
            reference=each.reference,
            at=each.at,
            details=each.details,
            explanation=each.explanation or [_whole(each)],
            active_from=active_from,
            expires_at=expires_at,
        )


def _whole(each: Award) -> dict[str, Any]:
    return {"rule": "award", "kind": "bonus", "points": each.points}
