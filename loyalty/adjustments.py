"""Adjustments: a credit or debit by staff or a script, with a reason."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import expiry, ledger, programs
from loyalty.errors import out_of_range
from loyalty.ledger import MAX_POINTS, Credit, Debit
from loyalty.models import Adjustment, Entry
from members import queries as member_queries
from members.errors import InvalidInput, MemberClosed, ReferenceReused
from members.models import Member
from members.transactions import in_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentFacts:
    """An adjustment as asked for; `points` carries the sign, `member` is a member number."""

    member: str
    points: int
    reason: str
    reference: str
    note: str = ""
    message: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The adjustment; `is_new` False when the reference was known with the same content."""

    adjustment: Adjustment
    is_new: bool


def adjust(*, facts: AdjustmentFacts, requested_by: str, at: datetime) -> Adjusted:
    """Post an adjustment at once; a debit never makes debt.

    Raises NotFound (member), MemberClosed, InvalidInput (points, expires_at, out_of_range), InDebt,
    InsufficientPoints or ReferenceReused.
    """
    return in_transaction(lambda: _adjust(facts, requested_by, at))


def _adjust(facts: AdjustmentFacts, requested_by: str, at: datetime) -> Adjusted:
    member = member_queries.by_number(facts.member, "/member")
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    known = Adjustment.objects.filter(member=member, reference=facts.reference).first()
    if known is not None:
        if not _is_same(known, facts):
            raise ReferenceReused(reference=facts.reference)
        return Adjusted(known, is_new=False)
    member.refresh_from_db(fields=["status"])
    if member.status == Member.Status.CLOSED:
        raise MemberClosed
    _check(facts, at)
    made = Adjustment(
        member=member,
        points=facts.points,
        reason=facts.reason,
        note=facts.note,
        message=facts.message,
        reference=facts.reference,
        expires_at=facts.expires_at,
        requested_by=requested_by,
        at=at,
    )
    ledger.post(postings=[_posting(made, held.of(member.pk).id)], at=at, held=held)
    made.save(force_insert=True)
    return Adjusted(made, is_new=True)


def _check(facts: AdjustmentFacts, at: datetime) -> None:
    if type(facts.points) is not int or not facts.points:
        raise InvalidInput(
            "/points", "invalid", _("Give a whole number of points other than zero.")
        )
    if abs(facts.points) > MAX_POINTS:
        raise out_of_range("/points")
    if facts.reason not in Adjustment.Reason.values:
        raise InvalidInput(
            "/reason",
            "invalid_choice",
            _("Choose one of: %(choices)s.") % {"choices": ", ".join(Adjustment.Reason.values)},
        )
    if facts.expires_at is not None and facts.expires_at <= at:
        raise InvalidInput("/expires_at", "in_the_past", _("The expiry lies in the past."))


def _posting(made: Adjustment, wallet: int) -> Credit | Debit:
    details = {"reason": made.reason, "message": made.message}
    explanation = [{"rule": "adjustment", "kind": made.reason, "points": made.points}]
    if made.points < 0:
        return Debit(
            wallet=wallet,
            kind=Entry.Kind.ADJUST,
            points=-made.points,
            reference=made.reference,
            at=made.at,
            details=details,
            explanation=explanation,
        )
    return Credit(
        wallet=wallet,
        kind=Entry.Kind.ADJUST,
        points=made.points,
        reference=made.reference,
        at=made.at,
        details=details,
        explanation=explanation,
        active_from=made.at,
        expires_at=made.expires_at or expiry.points_lapse_at(programs.current(), made.at),
    )


def _is_same(known: Adjustment, facts: AdjustmentFacts) -> bool:
    stored = (known.points, known.reason, known.note, known.message, known.expires_at)
    return stored == (facts.points, facts.reason, facts.note, facts.message, facts.expires_at)
