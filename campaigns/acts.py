"""Acts: what members do or have happen beside buying. Each counts once per member and reference, for ever."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from campaigns import act_awards
from campaigns.models import Act
from campaigns.occasions import TRIGGERS
from loyalty import ledger
from members import queries as member_queries
from members import validation
from members.errors import InvalidInput, MemberClosed, ReferenceReused
from members.models import Member
from members.transactions import in_transaction

#: So far ahead of ours somebody's clock may be.
CLOCK_TOLERANCE = timedelta(minutes=5)
LONGEST_REFERENCE = 100
LONGEST_DATA = 10_000
TYPE = re.compile(r"[A-Za-z0-9._-]{1,50}", re.ASCII)

_REFERENCE = validation.text(longest=LONGEST_REFERENCE, shortest=1)
_OBJECT = validation.json_object(longest=LONGEST_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActFacts:
    """An act as somebody reports it: the member's number, a type and reference of their own, when (None: now), what."""

    member: str
    type: str
    reference: str
    at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    client: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act, and whether it is new."""

    act: Act
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """What happened to a member by itself: a trigger of the product, under a reference that says which time it was.

    `only`: the codes of the campaigns that may give something for it; None: all of them.
    """

    member: Member
    type: str
    reference: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    only: Collection[str] | None = None


def record(*, act: ActFacts, now: datetime) -> Recorded:
    """Take down what somebody reports and give what the campaigns give for it.

    The same act again (type, moment as said, data) gives the first answer. Raises InvalidInput (/type, /reference, /at,
    /data, /client), NotFound (/member), MemberClosed, ReferenceReused; then the reference is not used up.
    """
    checked = _checked(act, now)
    return in_transaction(lambda: _record(act.member, checked, now))


def record_all(*, occurrences: Sequence[Occurrence], at: datetime) -> list[Act]:
    """Take down what happened to members by itself, and give what the campaigns give; acts come in the order given.

    In the caller's transaction and in a fixed number of statements; the wallets are locked here, in id order. What is
    known by its reference has no second effect. Raises MemberClosed where something new happens to a closed member.
    """
    if not occurrences:
        return []
    members = {each.member.pk: each.member for each in occurrences}
    held = ledger.lock(members=members, at=at)
    found = Act.objects.filter(
        source=Act.Source.SYSTEM,
        member__in=members,
        reference__in={each.reference for each in occurrences},
    )
    known = {(act.member_id, act.reference): act for act in found}
    fresh: dict[tuple[int, str], Act] = {}
    only: dict[tuple[int, str], Collection[str]] = {}
    for each in occurrences:
        key = (each.member.pk, each.reference)
        if key not in known and key not in fresh:
            fresh[key] = _happened(each)
            if each.only is not None:
                only[key] = each.only
    if fresh:
        _refuse_closed({member for member, _reference in fresh})
        act_awards.give(acts=list(fresh.values()), held=held, at=at, only=only)
    every = known | fresh
    return [every[each.member.pk, each.reference] for each in occurrences]


def _happened(each: Occurrence) -> Act:
    return Act(
        member=each.member,
        source=Act.Source.SYSTEM,
        type=each.type,
        reference=each.reference,
        at=each.at,
        data=dict(each.data),
    )


def _refuse_closed(members: set[int]) -> None:
    if Member.Status.CLOSED in member_queries.statuses(members).values():
        raise MemberClosed


# ---- what is reported -------------------------------------------------------------------------------
def _checked(act: ActFacts, now: datetime) -> Act:
    """The act's row (unsaved, without its member)."""
    if act.at is not None and validation.moment(act.at, "/at") > now + CLOCK_TOLERANCE:
        raise InvalidInput(
            "/at", "future", _("This is in the future: check the clock and the offset.")
        )
    return Act(
        type=_type(act.type),
        reference=_REFERENCE(act.reference, "/reference"),
        at=act.at or now,
        said_at=act.at,
        data=_OBJECT(act.data, "/data"),
        client=_OBJECT(act.client, "/client"),
    )


def _type(value: object) -> str:
    if not isinstance(value, str) or TYPE.fullmatch(value) is None:
        raise InvalidInput(
            "/type",
            "invalid",
            _("A type consists of 1 to 50 letters, digits, points, dashes and underscores."),
        )
    if value in TRIGGERS:
        raise InvalidInput(
            "/type",
            "reserved",
            _("“%(type)s” happens automatically and cannot be reported.") % {"type": value},
        )
    return value


def _record(number: str, act: Act, now: datetime) -> Recorded:
    member = member_queries.by_number(number, "/member")
    held = ledger.lock(members=[member.pk], at=now)
    known = Act.objects.filter(
        member=member, source=Act.Source.REPORTED, reference=act.reference
    ).first()
    if known is not None:
        if not _is_same(known, act):
            raise ReferenceReused(reference=act.reference)
        return Recorded(known, is_new=False)
    _refuse_closed({member.pk})
    act.member = member
    act_awards.give(acts=[act], held=held, at=now)
    return Recorded(act, is_new=True)


def _is_same(known: Act, act: Act) -> bool:
    return (
        known.type == act.type and known.said_at == act.said_at and _is_equal(known.data, act.data)
    )


def _is_equal(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _is_equal(one[name], other[name]) for name in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
