"""Questions about members, tiers and stores."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Right
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from members import phones, validation
from members.errors import NotFound
from members.models import Consent, Job, Member, Message, Store, Tier, TierChange, User


def by_number(number: str, pointer: str = "") -> Member:
    """The member with this number; blanks in it do not matter. Raises NotFound."""
    return _one(number="".join(number.split()), pointer=pointer)


def id_of(number: str, pointer: str = "") -> int:
    """The id of the member with this number, for whoever reads the member under a lock. Raises NotFound."""
    plain = "".join(number.split())
    if validation.is_storable(plain):
        for found in Member.objects.filter(number=plain).values_list("pk", flat=True):
            return int(found)
    raise NotFound(_("Member"), pointer)


def by_phone(phone: str, pointer: str = "") -> Member:
    """The member with this phone number, as people write it. Raises NotFound."""
    try:
        return _one(phone=phones.normalise(phone), pointer=pointer)
    except ValueError:
        raise NotFound(_("Member"), pointer) from None


def by_external_id(external_id: str, pointer: str = "") -> Member:
    """The member that another system knows by this id. Raises NotFound."""
    return _one(external_id=external_id.strip(), pointer=pointer)


def _one(*, pointer: str, **key: str) -> Member:
    if all(validation.is_storable(value) for value in key.values()):
        member = Member.objects.with_names().filter(**key).first()
        if member is not None:
            return member
    raise NotFound(_("Member"), pointer)


def by_last_four(four: str) -> QuerySet[Member]:
    """The members whose phone number ends in these four digits, the newest first."""
    if not validation.is_storable(four):
        return Member.objects.none()
    members = Member.objects.with_names().alias(last_digits=Right("phone", 4))
    return _newest_first(members.filter(last_digits=four))


def found(
    *,
    numbers: Iterable[str] = (),
    external_ids: Iterable[str] = (),
    phones: Iterable[str] = (),
) -> list[Member]:
    """The members with any of these numbers, external ids or phones (as `phones.normalise` gives them), in one query."""
    asked = Q(number__in=set(filter(validation.is_storable, numbers)))
    asked |= Q(external_id__in=set(filter(validation.is_storable, external_ids)))
    asked |= Q(phone__in=set(phones))
    return list(Member.objects.with_names().filter(asked).order_by("id"))


def statuses(members: Iterable[int]) -> dict[int, str]:
    """The status of members by id, in one query."""
    return dict(Member.objects.filter(pk__in=list(members)).values_list("pk", "status"))


def search(text: str) -> QuerySet[Member]:
    """The members staff may mean: by phone, its last four digits, number, external id or name."""
    plain = text.strip()
    if not plain or not validation.is_storable(plain):
        return Member.objects.none()
    asked = Q(name__icontains=plain) | Q(external_id=plain)
    digits = re.sub(r"[\s()-]", "", plain)
    if digits.isascii() and digits.isdigit():
        asked |= Q(number=digits)
    if len(digits) == 4:
        asked |= Q(last_digits=digits)
    with suppress(ValueError):  # what is no phone number may still be a name
        asked |= Q(phone=phones.normalise(plain))
    members = Member.objects.with_names().alias(last_digits=Right("phone", 4)).filter(asked)
    return _newest_first(members)


def in_segment(*, members: QuerySet[Member], code: str, at: datetime) -> QuerySet[Member]:
    """Those of the members who are in a segment, as whoever keeps segments says. Raises NotFound."""
    found: QuerySet[Member] = import_string(settings.SEGMENTS)(members=members, code=code, at=at)
    return found


def segment_names() -> dict[str, str]:
    """The segments there are, by code, as whoever keeps segments says."""
    found: dict[str, str] = import_string(settings.SEGMENT_NAMES)()
    return found


def _newest_first(members: QuerySet[Member]) -> QuerySet[Member]:
    return members.order_by("-enrolled_at", "-id")


def tiers() -> list[Tier]:
    """All tiers, the lowest first."""
    return list(Tier.objects.order_by("rank"))


def lowest_tier() -> Tier:
    """Where everybody begins."""
    return Tier.objects.order_by("rank")[0]


def next_tier(tier: Tier) -> Tier | None:
    """The tier above; None at the top."""
    return Tier.objects.filter(rank__gt=tier.rank).order_by("rank").first()


def tier_changes(member: Member) -> QuerySet[TierChange]:
    """When the member's tier changed, the latest change first; what changed nothing is left out."""
    changes = member.tier_changes.select_related("before", "tier")
    return changes.exclude(before=F("tier")).order_by("-at", "-id")


def tier_at(*, member: Member, at: datetime) -> Tier:
    """The tier that a member held at a moment, as its history says; before it began, the one it began with."""
    history = TierChange.objects.filter(member=member).select_related("tier", "before")
    last = history.filter(at__lte=at).order_by("-at", "-id").first()
    if last is not None:
        return last.tier
    first = history.order_by("at", "id").first()
    if first is None:
        return member.tier
    return first.before or first.tier


def tier(code: str, pointer: str = "") -> Tier:
    """The tier with this code. Raises NotFound."""
    known = Tier.objects.filter(code=code).first() if validation.is_storable(code) else None
    if known is None:
        raise NotFound(_("Tier"), pointer)
    return known


def staff_names(usernames: Iterable[str]) -> dict[str, str]:
    """What people of the staff are called, by login, for those who have a name; one query."""
    named = User.objects.filter(username__in=set(usernames)).exclude(name="")
    return dict(named.values_list("username", "name"))


def stores() -> QuerySet[Store]:
    """All stores by code."""
    return Store.objects.order_by("code")


def store(code: str, pointer: str = "") -> Store:
    """The store with this code. Raises NotFound."""
    known = stores_by_code([code]).get(code)
    if known is None:
        raise NotFound(_("Store"), pointer)
    return known


def stores_by_code(codes: Iterable[str]) -> dict[str, Store]:
    """The stores that exist among these codes, in one query."""
    asked = {code for code in codes if code and validation.is_storable(code)}
    if not asked:
        return {}
    return {store.code: store for store in Store.objects.filter(code__in=asked)}


def consents_of(member: Member) -> dict[str, bool]:
    """The member's answers that hold now, by purpose."""
    newest = (
        Consent.objects.filter(member=member).order_by("purpose", "-at", "-id").distinct("purpose")
    )
    return {consent.purpose: consent.is_given for consent in newest}


def consents_of_all(members: Sequence[Member]) -> dict[int, dict[str, bool]]:
    """The answers that hold now of many members, by member id, in one query."""
    newest = (
        Consent.objects.filter(member__in=members)
        .order_by("member", "purpose", "-at", "-id")
        .distinct("member", "purpose")
    )
    answers: dict[int, dict[str, bool]] = {member.pk: {} for member in members}
    for consent in newest:
        answers[consent.member_id][consent.purpose] = consent.is_given
    return answers


def job(pk: int, pointer: str = "") -> Job:
    """The background job with this id. Raises NotFound."""
    found = Job.objects.filter(pk=pk).first() if pk <= validation.LARGEST else None
    if found is None:
        raise NotFound(_("Job"), pointer)
    return found


def messages_of(member: Member) -> QuerySet[Message]:
    """What is in a member's inbox, unread messages first, each part with the newest first."""
    inbox = Message.objects.filter(member=member).alias(is_unread=Q(read_at__isnull=True))
    return inbox.order_by("-is_unread", "-sent_at", "-id")


def message(*, member: Member, pk: int) -> Message:
    """A message (id) of the member. Raises NotFound."""
    found = messages_of(member).filter(pk=pk).first() if pk <= validation.LARGEST else None
    if found is None:
        raise NotFound(_("Message"))
    return found


def unread_messages(member: Member) -> int:
    """How many messages of a member are unread."""
    return Message.objects.filter(member=member, read_at__isnull=True).count()
