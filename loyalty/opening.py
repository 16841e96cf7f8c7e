"""Opening balances: what members had before the program kept its books, credited with its original dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from loyalty import awarding, expiry, ledger, programs, tiers
from loyalty.awarding import Award
from loyalty.ledger import Credit, Held
from loyalty.models import Entry, Program
from members import queries as member_queries
from members.errors import InvalidInput, MemberClosed, ReferenceReused, Refusal
from members.models import Member
from members.transactions import in_transaction

PREFIX = "opening-balance/"

Problem = Refusal | InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningBalance:
    """Points and status points that a member earned at a moment; without `expires_at` the program's policy decides.

    Without a `reference` the content makes one, so that the same balance comes in once.
    """

    member: Member
    points: int = 0
    status_points: int = 0
    earned_at: datetime
    active_from: datetime | None = None
    expires_at: datetime | None = None
    reference: str = ""
    title: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """The reference of the entries."""
        if self.reference:
            return PREFIX + self.reference
        # What it is called and what is written about it may be corrected later.
        words = [
            self.member.number,
            str(self.points) if self.points else f"status {self.status_points}",
            *(
                moment.astimezone(UTC).isoformat() if moment else ""
                for moment in (self.earned_at, self.active_from, self.expires_at)
            ),
        ]
        return PREFIX + sha256("\x1f".join(words).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a balance: credited (`is_new`), known from before, or refused (`problem`)."""

    is_new: bool
    problem: Problem | None = None


def open_all(*, balances: Sequence[OpeningBalance], at: datetime) -> list[Opened]:
    """Credit opening balances like awards (kind `earn`); one that is refused never stops the others.

    Each holds from its `earned_at` on, and lapses at once where its time is over; status points count for the tier from
    then on. The same balance again has no second effect. Problems: MemberClosed, ReferenceReused (other points or
    another moment), InvalidInput (out_of_range, an expiry before the activation).
    """
    if not balances:
        return []
    try:
        return in_transaction(lambda: _open_all(balances, at))
    except (Refusal, InvalidInput) as problem:
        if len(balances) == 1:
            return [Opened(is_new=False, problem=problem)]
        # Somewhere in there is one that cannot be: halve until it stands alone.
        middle = len(balances) // 2
        first = open_all(balances=balances[:middle], at=at)
        return first + open_all(balances=balances[middle:], at=at)


def _open_all(balances: Sequence[OpeningBalance], at: datetime) -> list[Opened]:
    program = programs.current()
    members = {each.member.pk for each in balances}
    held = ledger.lock(members=members, at=at)
    if Member.Status.CLOSED in member_queries.statuses(members).values():
        raise MemberClosed
    points_are_new = _credit_points(balances, held, program)
    status_is_new = _credit_status(balances, held, program)
    pairs = zip(points_are_new, status_is_new, strict=True)
    answers = [Opened(is_new=any(pair)) for pair in pairs]
    known = [each for each, one in zip(balances, answers, strict=True) if not one.is_new]
    _refuse_other_moments(known, held)
    return answers


def _credit_points(balances: Sequence[OpeningBalance], held: Held, program: Program) -> list[bool]:
    """Credit the points; for each balance whether that was new."""
    awards = [_award(each, held, program) for each in balances if each.points]
    posted = iter(awarding.award_all(awards=awards, at=held.at) if awards else [])
    return [bool(each.points) and next(posted).is_new for each in balances]


def _award(each: OpeningBalance, held: Held, program: Program) -> Award:
    active_from = each.active_from or expiry.active_from(program, each.earned_at)
    last_activity = held.of(each.member.pk).last_activity_at
    return Award(
        member=each.member.pk,
        points=each.points,
        reference=each.key,
        at=each.earned_at,
        details=_details(each),
        explanation=_explanation(each.points),
        active_from=active_from,
        expires_at=each.expires_at or expiry.points_lapse_at(program, active_from, last_activity),
    )


def _credit_status(balances: Sequence[OpeningBalance], held: Held, program: Program) -> list[bool]:
    """Credit the status points and judge their owners' tiers anew; for each balance whether that was new."""
    postings = [_credit(each, held, program) for each in balances if each.status_points]
    posted = iter(ledger.post(postings=postings, at=held.at, held=held))
    new = [bool(each.status_points) and next(posted).is_new for each in balances]
    fresh = [each for each, is_new in zip(balances, new, strict=True) if is_new]
    if fresh:
        tiers.judge(
            members={each.member.pk for each in fresh},
            since=min(each.earned_at for each in fresh),
            at=held.at,
        )
    return new


def _credit(each: OpeningBalance, held: Held, program: Program) -> Credit:
    wallet = held.of(each.member.pk, "status")
    return Credit(
        wallet=wallet.id,
        kind=Entry.Kind.EARN,
        points=each.status_points,
        reference=each.key,
        at=each.earned_at,
        details=_details(each),
        explanation=_explanation(each.status_points),
        active_from=each.earned_at,
        expires_at=expiry.status_lapses_at(program, each.earned_at, wallet.last_activity_at),
    )


def _refuse_other_moments(known: Sequence[OpeningBalance], held: Held) -> None:
    """Refuse a reference that was used for another moment before."""
    if not known:
        return
    owners = {
        wallet_id: wallet.member_id
        for wallet in held.wallets.values()
        for wallet_id in (wallet.id, *wallet.merged_from)
    }
    entries = Entry.objects.filter(
        wallet__in=list(owners),
        kind=Entry.Kind.EARN,
        reference__in={each.key for each in known},
    )
    moments = {
        (owners[wallet], reference): moment
        for wallet, reference, moment in entries.values_list("wallet", "reference", "at")
    }
    for each in known:
        if moments[each.member.pk, each.key] != each.earned_at:
            raise ReferenceReused(reference=each.reference)


def _details(each: OpeningBalance) -> dict[str, Any]:
    said = {"title": each.title, "note": each.note}
    return {"opening": True, **{name: text for name, text in said.items() if text}}


def _explanation(points: int) -> list[dict[str, Any]]:
    return [{"rule": "opening", "kind": "opening", "points": points}]
