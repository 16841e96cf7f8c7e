"""A membership's standing: frozen, unfrozen, closed for good, or given up for another one."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from members import events, logins, queries, transactions
from members.errors import MemberClosed
from members.models import Member, StatusChange, User

CLOSED = "closed"
MERGED = "merged"
#: The reason that is noted when nobody gives one.
BY_MERGE = "merged"

# What a target lacks is filled from the source; what is personal is cleared from a member who is closed.
FILLED: dict[str, Any] = {
    "phone": None,
    "email": "",
    "name": "",
    "birthday": None,
    "external_id": None,
    "user": None,
    "tags": [],
}
PERSONAL: dict[str, Any] = {**FILLED, "sign_up_ip": None, "sign_up_device": ""}


def freeze(*, member: Member, reason: str, by: str, at: datetime) -> Member:
    """Refuse the member's spends from now on; earning goes on. A frozen member stays as it is.

    What was being spent in this moment is still spent. Raises MemberClosed.
    """
    return _set_status(member, Member.Status.FROZEN, reason, by, at)


def unfreeze(*, member: Member, reason: str, by: str, at: datetime) -> Member:
    """Let the member spend again; an active member stays as it is. Raises MemberClosed."""
    return _set_status(member, Member.Status.ACTIVE, reason, by, at)


def freeze_all(*, members: Collection[int], reason: str, by: str, at: datetime) -> int:
    """Freeze the active ones among these members (ids) in three statements; returns how many there were."""

    def work() -> int:
        active = Member.objects.filter(pk__in=members, status=Member.Status.ACTIVE)
        locked = active.select_for_update(no_key=True).order_by("pk")
        found = list(locked.values_list("pk", flat=True))
        Member.objects.filter(pk__in=found).update(status=Member.Status.FROZEN)
        StatusChange.objects.bulk_create(
            StatusChange(
                member_id=pk,
                before=Member.Status.ACTIVE,
                after=Member.Status.FROZEN,
                reason=reason[:200],
                by=by[:150],
                at=at,
            )
            for pk in found
        )
        return len(found)

    return transactions.in_transaction(work)


def lock(*, members: Collection[int]) -> dict[int, Member]:
    """The members by id, locked in id order: after their wallets, where those are locked too."""
    rows = Member.objects.filter(pk__in=members).select_for_update(no_key=True).order_by("pk")
    return {member.pk: member for member in rows}


def close(*, member: Member, reason: str, by: str, at: datetime) -> None:
    """End a membership that the caller has locked and emptied: what is personal goes, number and facts stay.

    The login is switched off with its sessions; consents stay as facts. Tells MEMBER_EVENTS `closed`.
    """
    _switch_off(member)
    _note(member, Member.Status.CLOSED, reason, by, at)
    _anonymise(member)
    events.tell(event=CLOSED, members=[member], at=at)


def give_up(*, source: Member, target: Member, by: str, at: datetime) -> None:
    """Close `source` for `target`, both locked by the caller: gaps in the target's profile are filled from it.

    Whoever either brought in belongs to the target, and so do members merged into the source before. The target is
    frozen if either was. Tells MEMBER_EVENTS `merged` with the source, whose `merged_into` says the target.
    """
    filled = gaps(source=source, target=target)
    if "user" not in filled:
        _switch_off(source)
    is_frozen = source.status == Member.Status.FROZEN
    source.merged_into = target
    _note(source, Member.Status.CLOSED, BY_MERGE, by, at)
    _anonymise(source)
    for name, value in filled.items():
        setattr(target, name, value)
    _inherit_referrals(source, target)
    target.save(update_fields=[*filled, "referrer"])
    if is_frozen and target.status == Member.Status.ACTIVE:
        _note(target, Member.Status.FROZEN, BY_MERGE, by, at)
    Member.objects.filter(merged_into=source).update(merged_into=target)
    events.tell(event=MERGED, members=[source], at=at)


def gaps(*, source: Member, target: Member) -> dict[str, Any]:
    """What the target's profile lacks and the source's has, by field."""
    return {
        name: getattr(source, name)
        for name, nothing in FILLED.items()
        if getattr(target, name) == nothing and getattr(source, name) != nothing
    }


def _set_status(member: Member, status: str, reason: str, by: str, at: datetime) -> Member:
    def work() -> Member:
        fresh = lock(members=[member.pk])[member.pk]
        if fresh.status == Member.Status.CLOSED:
            raise MemberClosed
        if fresh.status != status:
            _note(fresh, status, reason, by, at)
        return queries.by_number(fresh.number)

    return transactions.in_transaction(work)


def _note(member: Member, status: str, reason: str, by: str, at: datetime) -> None:
    """Write the new status and the step that led to it."""
    StatusChange.objects.create(
        member=member, before=member.status, after=status, reason=reason[:200], by=by[:150], at=at
    )
    member.status = status
    member.save(update_fields=["status", "merged_into"])


def _anonymise(member: Member) -> None:
    if member.phone:
        logins.forget_newcomer(phone=member.phone)
    for name, nothing in PERSONAL.items():
        setattr(member, name, nothing)
    member.save(update_fields=list(PERSONAL))
    logged = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Member), object_id=str(member.pk)
    )
    logged.update(object_repr=str(member))


def _switch_off(member: Member) -> None:
    """Switch the member's login off: its sessions open nothing any more."""
    if member.user_id is not None:
        User.objects.filter(pk=member.user_id, is_staff=False).update(is_active=False)


def _inherit_referrals(source: Member, target: Member) -> None:
    Member.objects.filter(referrer=source).exclude(pk=target.pk).update(referrer=target)
    if target.referrer_id == source.pk:
        is_own = source.referrer_id in (None, target.pk)
        target.referrer_id = None if is_own else source.referrer_id
    if _is_brought_by_own_friends(target):
        # Nobody brings in whoever brought them in: the first of the circle came by itself, or as the source did.
        target.referrer_id = None if source.referrer_id == target.pk else source.referrer_id


def _is_brought_by_own_friends(member: Member) -> bool:
    """Whether the line of those who brought each other leads back to the member."""
    seen: set[int] = set()
    pk = member.referrer_id
    while pk is not None and pk not in seen:
        if pk == member.pk:
            return True
        seen.add(pk)
        pk = Member.objects.filter(pk=pk).values_list("referrer_id", flat=True).get()
    return False
