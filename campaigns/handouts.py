"""Points for everybody in a segment, once: planned, begun, given batch by batch in the background."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from campaigns import segment_queries, segmenting
from campaigns.errors import HandoutBegun
from campaigns.models import Handout, Segment, SegmentMember
from loyalty import awarding, expiry, ledger, programs
from loyalty.awarding import BY_POLICY, Award
from members import jobs, transactions, validation
from members.errors import InvalidInput, MemberClosed
from members.jobs import Report
from members.models import Job, Member

#: The kind of the background job.
GIVE = "handout"
BATCH = 1_000
# Members who are closed between being read and being locked make a batch begin again.
ROUNDS = 5


def _segment(value: object, pointer: str) -> Segment:
    if isinstance(value, Segment):
        return value
    code = validation.code(value, pointer)
    found = segment_queries.segments_by_code([code])
    if not found:
        raise validation.unknown(code, pointer)
    return found[0]


CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "title": validation.text(longest=100, shortest=1),
    "segment": _segment,
    "points": validation.whole_number(least=1, most=ledger.MAX_POINTS),
    "expires_at": validation.optional(validation.moment),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom a grant would reach now, and what that gives in all."""

    members: int
    points: int


def plan(*, changes: Mapping[str, object]) -> Handout:
    """Plan a grant: code, title (members read it), segment (its code), points, expires_at. Raises InvalidInput."""
    validation.require(changes, ["code", "title", "segment", "points"])
    made = Handout(**validation.cleaned(changes, CHECKS))
    taken = InvalidInput("/code", "taken", _("There is already a grant with this code."))
    if Handout.objects.filter(code=made.code).exists():
        raise taken
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # planned by somebody else in this very moment
        raise taken from None
    return made


def change(*, handout: Handout, changes: Mapping[str, object]) -> Handout:
    """Change a grant that nobody has begun; its code stays. Raises InvalidInput and HandoutBegun."""
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, handout.code)

    def work() -> Handout:
        fresh = _locked(handout)
        if fresh.state != Handout.State.PLANNED:
            raise HandoutBegun(handout=fresh.code)
        for name, value in values.items():
            setattr(fresh, name, value)
        if values:
            fresh.save(update_fields=list(values))
        return fresh

    return transactions.in_transaction(work)


def preview(*, handout: Handout, at: datetime) -> Preview:
    """How many members a grant would reach at a moment, and how many points that makes."""
    members = segmenting.members_of(segment=handout.segment, at=at).count()
    return Preview(members, members * handout.points)


def start(*, handout: Handout, by: str, at: datetime) -> Job:
    """Begin to give, or go on with what failed in the middle; a worker does it.

    Raises HandoutBegun where that is done or being done, InvalidInput where the points would have lapsed already.
    """

    def work() -> Job:
        fresh = _locked(handout)
        if not can_start(handout=fresh):
            raise HandoutBegun(handout=fresh.code)
        if fresh.state == Handout.State.PLANNED:
            _refuse_lapsed(fresh, at)
            fresh.state, fresh.at, fresh.by = Handout.State.RUNNING, at, by[:150]
            fresh.save(update_fields=["state", "at", "by"])
        return jobs.start(kind=GIVE, parameters={"handout": fresh.code}, by=by, at=at)

    return transactions.in_transaction(work)


def can_start(*, handout: Handout) -> bool:
    """Whether there is something to give and nobody gives it."""
    return handout.state != Handout.State.DONE and job_of(handout=handout) is None


def job_of(*, handout: Handout) -> Job | None:
    """The job that is giving, if one is."""
    asked = Job.objects.filter(kind=GIVE, state__in=jobs.OPEN, parameters__handout=handout.code)
    return asked.order_by("-id").first()


def give(parameters: Mapping[str, Any], report: Report, at: datetime) -> dict[str, Any]:
    """The background job: everybody who is in the segment now gets the points, each once, whatever happens on the way.

    Frozen members get them too, closed ones do not. Safe to run twice, killed, or by two workers.
    """
    handout = segment_queries.handout(str(parameters["handout"]))
    if handout.state == Handout.State.RUNNING:
        segmenting.refresh(segment=handout.segment, at=at)
        _give_all(handout, report, at)
        running = Handout.objects.filter(pk=handout.pk, state=Handout.State.RUNNING)
        running.update(state=Handout.State.DONE)
    handout.refresh_from_db()
    return {"members": handout.members, "points": handout.members * handout.points}


def _give_all(handout: Handout, report: Report, at: datetime) -> None:
    kept = SegmentMember.objects.filter(segment=handout.segment)
    total, done, last = max(1, kept.count()), 0, 0
    while members := _after(kept, last):
        _give_batch(handout, members, at)
        done, last = done + len(members), members[-1]
        report(min(99, 100 * done // total))


def _after(kept: Any, last: int) -> list[int]:
    following = kept.filter(member__gt=last).order_by("member_id")
    return list(following.values_list("member_id", flat=True)[:BATCH])


def _give_batch(handout: Handout, members: list[int], at: datetime) -> None:
    for attempt in range(1, ROUNDS + 1):
        try:
            transactions.in_transaction(lambda: _give(handout, members, at))
        except MemberClosed:
            if attempt == ROUNDS:
                raise
        else:
            return


def _give(handout: Handout, members: list[int], at: datetime) -> None:
    """Credit a batch and count whom it was new to, in one transaction: the count is exact."""
    open_ones = Member.objects.filter(pk__in=members).exclude(status=Member.Status.CLOSED)
    awards = [_award(handout, pk) for pk in open_ones.order_by("pk").values_list("pk", flat=True)]
    if not awards:
        return
    new = sum(each.is_new for each in awarding.award_all(awards=awards, at=at))
    Handout.objects.filter(pk=handout.pk).update(members=F("members") + new)


def _award(handout: Handout, member: int) -> Award:
    assert handout.at is not None  # it was begun
    explanation = {
        "rule": "handout",
        "kind": "bonus",
        "title": handout.title,
        "points": handout.points,
    }
    return Award(
        member=member,
        points=handout.points,
        reference=f"handout/{handout.code}",
        at=handout.at,
        details={"title": handout.title},
        explanation=[explanation],
        expires_at=BY_POLICY if handout.expires_at is None else handout.expires_at,
    )


def _refuse_lapsed(handout: Handout, at: datetime) -> None:
    active_from = expiry.active_from(programs.current(), at)
    if handout.expires_at is not None and handout.expires_at <= active_from:
        detail = _("These points would expire before anybody could use them.")
        raise InvalidInput("/expires_at", "past", detail)


def _locked(handout: Handout) -> Handout:
    locked = Handout.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("segment").get(pk=handout.pk)
