"""Segments as the merchant keeps them: made, changed, refreshed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns import segment_queries, segment_rules, segmenting
from campaigns.models import Segment
from members import jobs, transactions, validation
from members.errors import InvalidInput
from members.models import Job

#: The kind of the background job.
REFRESH = "segments"

CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "description": validation.text(longest=300),
    "rules": segment_rules.checked,
    "group": validation.text(longest=50),
    "position": validation.whole_number(least=0, most=32_767),
}
#: What decides who is in it; in a group also who is in the others.
DECIDING = ("rules", "group", "position")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A segment as it is now; `job` refreshes it where the shop is too large to do that at once."""

    segment: Segment
    job: Job | None


def create(*, changes: Mapping[str, object], by: str, at: datetime) -> Saved:
    """Make a segment: code, name, rules and what else differs from the defaults.

    Raises InvalidInput with the pointer of what is wrong, also for a code that is taken.
    """
    validation.require(changes, ["code", "name", "rules"])
    segment = Segment(**validation.cleaned(changes, CHECKS))

    def work() -> Saved:
        if Segment.objects.filter(code=segment.code).exists():
            raise _taken()
        try:
            with transaction.atomic():
                segment.save(force_insert=True)
        except IntegrityError:  # made by somebody else in this very moment
            raise _taken() from None
        return refresh(segment=segment, by=by, at=at)

    return transactions.in_transaction(work)


def change(*, segment: Segment, changes: Mapping[str, object], by: str, at: datetime) -> Saved:
    """Change a segment; its code stays. Who is in it is found anew if that may have changed. Raises InvalidInput."""
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, segment.code)

    def work() -> Saved:
        fresh = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
        before = {name: getattr(fresh, name) for name in DECIDING}
        for name, value in values.items():
            setattr(fresh, name, value)
        if values:
            fresh.save(update_fields=list(values))
        if before == {name: getattr(fresh, name) for name in DECIDING}:
            return Saved(segment=fresh, job=None)
        return _refresh(fresh, {before["group"], fresh.group}, by, at)

    return transactions.in_transaction(work)


def refresh(*, segment: Segment, by: str, at: datetime) -> Saved:
    """Find out who is in a segment and the others of its group: at once in a small shop, by a job in a large one."""
    return _refresh(segment, {segment.group}, by, at)


def _refresh(segment: Segment, groups: set[str], by: str, at: datetime) -> Saved:
    mates = segment_queries.segments_of_groups(groups - {""})
    concerned = {each.pk: each for each in (segment, *mates)}
    if segmenting.is_small():
        segmenting.refresh_these(segments=list(concerned.values()), at=at)
        segment.refresh_from_db()
        return Saved(segment=segment, job=None)
    codes = [each.code for each in concerned.values()]
    return Saved(segment=segment, job=refresh_by_job(codes=codes, by=by, at=at))


def refresh_by_job(*, codes: list[str] | None, by: str, at: datetime) -> Job:
    """Have a worker refresh these segments; None: all."""
    parameters: dict[str, Any] = {} if codes is None else {"segments": codes}
    return jobs.start(kind=REFRESH, parameters=parameters, by=by, at=at)


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is already a segment with this code."))
