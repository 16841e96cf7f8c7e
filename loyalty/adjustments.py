"""Adjustments: a credit or debit by staff or a script, with a reason; large ones wait for a second person."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import expiry, ledger, owning, programs, queries
from loyalty.errors import AdjustmentDecided, ExpiredMeanwhile, SelfApproval, out_of_range
from loyalty.ledger import MAX_POINTS, Credit, Debit, Held
from loyalty.models import Adjustment, Entry
from members import queries as member_queries
from members.errors import InvalidInput, MemberClosed, ReferenceReused
from members.models import Member
from members.transactions import in_transaction

State = Adjustment.State


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


# ---- asking -----------------------------------------------------------------------------------------
def adjust(*, facts: AdjustmentFacts, requested_by: str, at: datetime) -> Adjusted:
    """Post an adjustment, or let it wait for a second person when it is above the program's threshold.

    A debit never makes debt; one that waits is held against the balance when it is approved. Raises NotFound (member),
    MemberClosed, InvalidInput (points, expires_at, out_of_range), InDebt, InsufficientPoints or ReferenceReused.
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
    if _needs_approval(facts.points):
        made.state = State.AWAITING_APPROVAL
    else:
        _post(made, held)
    made.save(force_insert=True)
    return Adjusted(made, is_new=True)


def _needs_approval(points: int) -> bool:
    threshold = programs.current().approval_threshold
    return threshold is not None and abs(points) > threshold


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


def _is_same(known: Adjustment, facts: AdjustmentFacts) -> bool:
    stored = (known.points, known.reason, known.note, known.message, known.expires_at)
    return stored == (facts.points, facts.reason, facts.note, facts.message, facts.expires_at)


# ---- deciding ---------------------------------------------------------------------------------------
def approve(*, adjustment: int, by: str, at: datetime) -> Adjustment:
    """Post an adjustment (id) that waits, as of now; a posted one comes back as it is.

    Raises NotFound, SelfApproval, AdjustmentDecided (rejected before), MemberClosed, ExpiredMeanwhile, InDebt,
    InsufficientPoints or out_of_range; then it goes on waiting.
    """
    return in_transaction(lambda: _approve(adjustment, by, at))


def reject(*, adjustment: int, by: str, at: datetime) -> Adjustment:
    """Turn an adjustment (id) down for good; a rejected one comes back as it is.

    Raises NotFound, SelfApproval and AdjustmentDecided (posted before).
    """
    return in_transaction(lambda: _reject(adjustment, by, at))


def _approve(pk: int, by: str, at: datetime) -> Adjustment:
    found, held = _locked(pk, at)
    if _is_open(found, State.POSTED, by):
        if found.member.status == Member.Status.CLOSED:
            raise MemberClosed
        if found.expires_at is not None and found.expires_at <= at:
            raise ExpiredMeanwhile(expires_at=found.expires_at.isoformat())
        _decide(found, State.POSTED, by, at)
        _post(found, held)
    return found


def _reject(pk: int, by: str, at: datetime) -> Adjustment:
    found, _held = _locked(pk, at)
    if _is_open(found, State.REJECTED, by):
        _decide(found, State.REJECTED, by, at)
    return found


def _locked(pk: int, at: datetime) -> tuple[Adjustment, Held]:
    """The adjustment, locked after the wallet of its member."""

    def owner() -> int:
        return queries.adjustment(pk=pk).member_id

    _owner, held = owning.lock_owner(owner_of=owner, at=at, types=["points"])
    rows = Adjustment.objects.select_related("member").select_for_update(no_key=True, of=("self",))
    return rows.get(pk=pk), held


def _is_open(found: Adjustment, wanted: str, by: str) -> bool:
    """Whether it still waits; False when it was decided just so before."""
    if by == found.requested_by:
        raise SelfApproval
    if found.state == State.AWAITING_APPROVAL:
        return True
    if found.state != wanted:
        raise AdjustmentDecided(state=found.state)
    return False


def _decide(found: Adjustment, state: str, by: str, at: datetime) -> None:
    found.state, found.decided_by, found.decided_at = state, by[:150], at
    found.save(update_fields=["state", "decided_by", "decided_at"])


# ---- posting ----------------------------------------------------------------------------------------
def _post(made: Adjustment, held: Held) -> None:
    """Post as of the decision, or as of asking where nobody had to decide."""
    wallet = held.of(made.member_id)
    # Merged members may have used the same reference each: the adjustment is known by its row, not by its entry.
    reference = queries.free_reference(
        wallets=[wallet.id, *wallet.merged_from],
        kind=Entry.Kind.ADJUST,
        reference=made.reference,
    )
    posting = _posting(made, wallet.id, reference, made.decided_at or made.at)
    ledger.post(postings=[posting], at=held.at, held=held)


def _posting(made: Adjustment, wallet: int, reference: str, at: datetime) -> Credit | Debit:
    details = {"reason": made.reason, "message": made.message}
    explanation = [{"rule": "adjustment", "kind": made.reason, "points": made.points}]
    if made.points < 0:
        return Debit(
            wallet=wallet,
            kind=Entry.Kind.ADJUST,
            points=-made.points,
            reference=reference,
            at=at,
            details=details,
            explanation=explanation,
        )
    return Credit(
        wallet=wallet,
        kind=Entry.Kind.ADJUST,
        points=made.points,
        reference=reference,
        at=at,
        details=details,
        explanation=explanation,
        active_from=at,
        expires_at=made.expires_at or expiry.points_lapse_at(programs.current(), at),
    )
