"""People become members, one by one or by the thousand, and change what is known about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from members import admission, events, queries, stores, transactions, validation
from members.admission import Newcomer
from members.errors import AlreadyEnrolled, InvalidInput, MemberClosed
from members.models import Consent, Member, TierChange

__all__ = ["Enrolment", "Newcomer", "change", "enrol", "enrol_all"]

# A second round is needed only when somebody else took a phone number or a random code in between.
ROUNDS = 5

# Member number and referral code, which are known before the row is written.
Identity = tuple[str, str]

# One row per new member, without an object for each: members come by the thousand.
FIRST_STEPS = f"""
    INSERT INTO {TierChange._meta.db_table} (member_id, tier_id, at, reason, details)
    SELECT id, tier_id, enrolled_at, '{TierChange.Reason.ENROLLED}', '{{}}'
    FROM {Member._meta.db_table} WHERE id = ANY(%s) ORDER BY id"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enrolment:
    """What became of a newcomer: a new member, one known before, or a problem (and no member)."""

    member: Member | None
    is_new: bool
    problem: admission.Problem | None = None


def enrol(*, newcomer: Newcomer, at: datetime) -> Member:
    """Make one member.

    Raises InvalidInput, and AlreadyEnrolled for a known phone number, whatever else is said.
    """
    enrolment = enrol_all(newcomers=[newcomer], at=at)[0]
    if enrolment.problem is not None:
        raise enrolment.problem
    assert enrolment.member is not None
    if not enrolment.is_new:
        raise AlreadyEnrolled(number=enrolment.member.number)
    return enrolment.member


def enrol_all(*, newcomers: Sequence[Newcomer], at: datetime) -> list[Enrolment]:
    """Make members of up to a thousand newcomers, in their order, by a fixed number of statements.

    A bad newcomer never stops the others. The same person with the same content again is neither
    new nor a problem, so an import can be repeated; a known phone number with other content is
    AlreadyEnrolled.
    """
    return transactions.in_transaction(lambda: _enrol_all(newcomers, at))


def _enrol_all(newcomers: Sequence[Newcomer], at: datetime) -> list[Enrolment]:
    outcomes: dict[int, Enrolment] = {}
    checked: dict[int, Newcomer] = {}
    for place, newcomer in enumerate(newcomers):
        try:
            checked[place] = admission.checked(newcomer, at)
        except InvalidInput as problem:
            outcomes[place] = Enrolment(member=None, is_new=False, problem=problem)
    for _round in range(ROUNDS):
        waiting = {place: one for place, one in checked.items() if place not in outcomes}
        if not waiting:
            break
        outcomes |= _admit(waiting, at)
    if len(outcomes) < len(newcomers):
        raise RuntimeError("no free member number or referral code was found")
    in_order = [outcomes[place] for place in range(len(newcomers))]
    arrived = {
        place: one.member for place, one in enumerate(in_order) if one.is_new and one.member
    }
    _begin_history(arrived, checked)
    events.tell(event=events.ENROLLED, members=list(arrived.values()), at=at)
    return in_order


def _admit(waiting: Mapping[int, Newcomer], at: datetime) -> dict[int, Enrolment]:
    """Judge everybody and write the new ones; leaves out who has to be judged again."""
    known = admission.look_up(waiting.values())
    verdicts = {place: admission.judge(newcomer, known, at) for place, newcomer in waiting.items()}
    drafts = {
        _identity(one.rests_on): one.rests_on
        for one in verdicts.values()
        if one.is_new and one.rests_on
    }
    written = _insert(drafts)
    outcomes = {}
    for place, verdict in verdicts.items():
        member = verdict.rests_on
        if member is not None and _identity(member) in drafts:
            member = written.get(_identity(member))
            if member is None:
                continue  # somebody else was first: what this verdict rests on does not exist
        outcomes[place] = Enrolment(
            member=None if verdict.problem else member,
            is_new=verdict.is_new,
            problem=verdict.problem,
        )
    return outcomes


def _insert(drafts: Mapping[Identity, Member]) -> dict[Identity, Member]:
    """Insert the drafts and return those that could be, by identity.

    A draft whose phone number, external id or random code somebody else has just taken is left
    out by the database, after waiting for that somebody to commit. In the order of the phone
    numbers, so that two batches with the same people do not wait for each other.
    """
    if not drafts:
        return {}
    in_order = sorted(drafts.values(), key=lambda one: (one.phone or "", one.external_id or ""))
    Member.objects.bulk_create(in_order, ignore_conflicts=True)
    # An ignored conflict returns no ids, and a number may be that of the member it collided with.
    found = {
        _identity(one): one for one in queries.found(numbers=[one.number for one in in_order])
    }
    return {identity: member for identity, member in found.items() if identity in drafts}


def _identity(member: Member) -> Identity:
    return member.number, member.referral_code


def _begin_history(arrived: Mapping[int, Member], said: Mapping[int, Newcomer]) -> None:
    """Write the first step of each tier history, and the consents."""
    if not arrived:
        return
    with connection.cursor() as cursor:
        cursor.execute(FIRST_STEPS, [[member.pk for member in arrived.values()]])
    Consent.objects.bulk_create(
        Consent(
            member=member,
            purpose=purpose,
            is_given=is_given,
            at=member.enrolled_at,
            channel=member.channel,
        )
        for place, member in arrived.items()
        for purpose, is_given in said[place].consents.items()
    )


def change(*, member: Member, changes: Mapping[str, object], at: datetime) -> Member:
    """Change phone, email, name, birthday, store (code), external_id, tags or consents; the rest stays.

    Returns the member as it is now. Raises MemberClosed, AlreadyEnrolled for the phone number of
    another member, and InvalidInput.
    """
    values = validation.cleaned(changes, admission.CHECKS)
    consents = values.pop("consents", {})
    admission.refuse_unborn(values.get("birthday"), at)
    if "store" in values:
        values["store"] = stores.named(values["store"])

    def work() -> Member:
        fresh = Member.objects.select_for_update(no_key=True).get(pk=member.pk)
        if fresh.status == Member.Status.CLOSED:
            raise MemberClosed
        was_whole = fresh.has_whole_profile
        _save(fresh, values)
        _answer(fresh, consents, at)
        changed = Member.objects.with_names().get(pk=fresh.pk)
        if changed.has_whole_profile and not was_whole:
            events.tell(event=events.PROFILE_COMPLETED, members=[changed], at=at)
        return changed

    return transactions.in_transaction(work)


def _save(member: Member, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(member, name, value)
    admission.refuse_unreachable(member.phone, member.external_id)
    if not values:
        return
    try:
        with transaction.atomic():
            member.save(update_fields=list(values))
    except IntegrityError:
        _refuse_taken(member)
        raise


def _refuse_taken(member: Member) -> None:
    others = Member.objects.exclude(pk=member.pk)
    if member.phone and (holder := others.filter(phone=member.phone).first()):
        raise AlreadyEnrolled(number=holder.number) from None
    if member.external_id and (holder := others.filter(external_id=member.external_id).first()):
        raise admission.external_id_taken(holder) from None


def _answer(member: Member, consents: Mapping[str, bool], at: datetime) -> None:
    """Write the answers that differ from those that hold."""
    holding = queries.consents_of(member)
    Consent.objects.bulk_create(
        Consent(member=member, purpose=purpose, is_given=is_given, at=at)
        for purpose, is_given in consents.items()
        if holding.get(purpose) is not is_given
    )
