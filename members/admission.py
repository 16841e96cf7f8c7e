"""Who wants to be a member, and what is known of them already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from members import codes, phones, queries, validation
from members.errors import AlreadyEnrolled, InvalidInput, Refusal
from members.models import Member, Store, Tier

Problem = Refusal | InvalidInput
T = TypeVar("T")
MOST_TAGS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Newcomer:
    """What is said about somebody who enrols; `store` and `referral_code` are codes."""

    phone: str | None
    email: str = ""
    name: str = ""
    birthday: date | None = None
    external_id: str | None = None
    store: str | None = None
    referral_code: str | None = None
    channel: str = ""
    enrolled_at: datetime | None = None
    consents: Mapping[str, bool] = field(default_factory=dict)
    tags: Sequence[str] = ()
    ip: str | None = None
    device: str = ""


# ---- is it written well? ------------------------------------------------------------------------


def _phone(value: object, pointer: str) -> str:
    plain = validation.text(longest=60)(value, pointer)
    try:
        return phones.normalise(plain)
    except ValueError as error:
        raise InvalidInput(pointer, "invalid", str(error)) from None


def _external_id(value: object, pointer: str) -> str | None:
    return validation.text(longest=100)(value, pointer) or None


def _consents(value: object, pointer: str) -> dict[str, bool]:
    if not isinstance(value, Mapping):
        raise InvalidInput(pointer, "invalid", _("This must name purposes as true or false."))
    purpose = validation.text(longest=50, shortest=1)
    return {
        purpose(name, f"{pointer}/{name}"): validation.flag(is_given, f"{pointer}/{name}")
        for name, is_given in value.items()
    }


def _tags(value: object, pointer: str) -> list[str]:
    """Words without commas, each once, in the order in which they were said."""
    if not isinstance(value, list | tuple):
        raise InvalidInput(pointer, "invalid", _("This must be a list of tags."))
    if len(value) > MOST_TAGS:
        detail = _("A member may have at most %(most)d tags.") % {"most": MOST_TAGS}
        raise InvalidInput(pointer, "too_many", detail)
    word = validation.text(longest=50, shortest=1)
    tags = [word(each, f"{pointer}/{place}") for place, each in enumerate(value)]
    for place, tag in enumerate(tags):
        if "," in tag:
            detail = _("A tag cannot contain a comma, because commas separate tags.")
            raise InvalidInput(f"{pointer}/{place}", "invalid", detail)
    return list(dict.fromkeys(tags))


def _referral_code(value: object, pointer: str) -> str | None:
    plain = validation.text(longest=50)(value, pointer)
    return codes.tidy(plain) or None


# What may be said about a member, at enrolment and later.
CHECKS: dict[str, validation.Check] = {
    "phone": validation.optional(_phone),
    "email": validation.email,
    "name": validation.text(longest=100),
    "birthday": validation.optional(validation.day),
    "external_id": validation.optional(_external_id),
    "store": validation.optional(validation.text(longest=50, shortest=1)),
    "consents": _consents,
    "tags": _tags,
}
ENROLMENT_CHECKS = CHECKS | {
    "referral_code": validation.optional(_referral_code),
    "channel": validation.text(longest=50),
    "enrolled_at": validation.optional(validation.moment),
}
CLIENT_CHECKS: dict[str, validation.Check] = {
    "ip": validation.optional(validation.address),
    "device": validation.text(longest=200),
}


def checked(newcomer: Newcomer, at: datetime) -> Newcomer:
    """The newcomer with every value as it will be stored; raises InvalidInput."""
    said = {name: getattr(newcomer, name) for name in ENROLMENT_CHECKS}
    client = {"ip": newcomer.ip, "device": newcomer.device}
    tidy = replace(
        newcomer,
        **validation.cleaned(said, ENROLMENT_CHECKS),
        **validation.cleaned(client, CLIENT_CHECKS, "/client"),
    )
    refuse_unborn(tidy.birthday, at)
    refuse_unreachable(tidy.phone, tidy.external_id)
    return tidy


def refuse_unborn(birthday: date | None, at: datetime) -> None:
    """Refuse a birthday after the day of `at`."""
    if birthday is not None and birthday > timezone.localdate(at):
        raise InvalidInput("/birthday", "max_value", _("The birthday is in the future."))


def refuse_unreachable(phone: str | None, external_id: str | None) -> None:
    """Refuse a member whom nobody could find again."""
    if not phone and not external_id:
        raise InvalidInput(
            "/phone", "required", _("A member needs a phone number or an external id.")
        )


# ---- is it somebody we know? --------------------------------------------------------------------


@dataclass(kw_only=True, slots=True)
class Known:
    """What the database and the batch so far know; those of the batch are drafts without an id."""

    lowest: Tier
    stores: dict[str, Store]
    referrers: dict[str, Member]
    phones: dict[str, Member] = field(default_factory=dict)
    external_ids: dict[str, Member] = field(default_factory=dict)

    def add(self, member: Member) -> None:
        if member.phone:
            self.phones[member.phone] = member
        if member.external_id:
            self.external_ids[member.external_id] = member


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a newcomer turns out to be, and the member (stored or draft) this rests on."""

    rests_on: Member | None
    is_new: bool = False
    problem: Problem | None = None


def look_up(newcomers: Iterable[Newcomer]) -> Known:
    """Everything needed to judge these newcomers, in at most four statements."""
    everybody = list(newcomers)
    known = Known(
        lowest=queries.lowest_tier(),
        stores=queries.stores_by_code(one.store for one in everybody if one.store),
        referrers=_referrers({one.referral_code for one in everybody if one.referral_code}),
    )
    asked = Q(phone__in=[one.phone for one in everybody if one.phone])
    asked |= Q(external_id__in=[one.external_id for one in everybody if one.external_id])
    for member in Member.objects.select_related("store").filter(asked):
        known.add(member)
    return known


def _referrers(asked: set[str]) -> dict[str, Member]:
    if not asked:
        return {}
    members = Member.objects.filter(referral_code__in=asked).select_related("merged_into")
    # The code of a member who was merged brings people to the one that goes on.
    heirs = {member.referral_code: member.merged_into or member for member in members}
    return {code: one for code, one in heirs.items() if one.status != Member.Status.CLOSED}


def judge(newcomer: Newcomer, known: Known, at: datetime) -> Verdict:
    """Say what the newcomer is; a new one becomes a draft, against which the next are judged."""
    same_phone = known.phones.get(newcomer.phone or "")
    same_id = known.external_ids.get(newcomer.external_id or "")
    member = same_phone if newcomer.phone else same_id
    if member is not None and _says_nothing_new(newcomer, member):
        return Verdict(member)
    if same_phone is not None:
        return Verdict(same_phone, problem=AlreadyEnrolled(number=same_phone.number))
    if same_id is not None:
        return Verdict(same_id, problem=external_id_taken(same_id))
    try:
        draft = _draft(newcomer, known, at)
    except InvalidInput as problem:
        return Verdict(None, problem=problem)
    known.add(draft)
    return Verdict(draft, is_new=True)


def _says_nothing_new(newcomer: Newcomer, member: Member) -> bool:
    """Whether all that is said of the newcomer is known of the member."""
    pairs = [
        (newcomer.external_id, member.external_id),
        (newcomer.name, member.name),
        (newcomer.email, member.email),
        (newcomer.birthday, member.birthday),
        (newcomer.store, member.store.code if member.store else None),
    ]
    return all(said == is_known for said, is_known in pairs if said)


def external_id_taken(member: Member) -> InvalidInput:
    """The external id belongs to this member."""
    return InvalidInput(
        "/external_id",
        "taken",
        _("This external id already belongs to member %(number)s.") % {"number": member.number},
    )


def _referrer_of(newcomer: Newcomer, known: Known) -> Member | None:
    """Who brought the newcomer; with another phone number, but one's own e-mail address, it is oneself."""
    referrer = _named(known.referrers, newcomer.referral_code, "/referral_code")
    address = newcomer.email.casefold()
    if referrer is not None and address and address == referrer.email.casefold():
        raise InvalidInput(
            "/referral_code", "self_referral", _("You cannot use your own referral code.")
        )
    return referrer


def _draft(newcomer: Newcomer, known: Known, at: datetime) -> Member:
    return Member(
        number=codes.member_number(),
        phone=newcomer.phone,
        email=newcomer.email,
        name=newcomer.name,
        birthday=newcomer.birthday,
        external_id=newcomer.external_id,
        referral_code=codes.random_code(codes.REFERRAL_CODE_LENGTH),
        referrer=_referrer_of(newcomer, known),
        store=_named(known.stores, newcomer.store, "/store"),
        tier=known.lowest,
        channel=newcomer.channel,
        sign_up_ip=newcomer.ip,
        sign_up_device=newcomer.device,
        enrolled_at=newcomer.enrolled_at or at,
        tags=list(newcomer.tags),
    )


def _named(known: Mapping[str, T], code: str | None, pointer: str) -> T | None:
    if code is None:
        return None
    if code not in known:
        raise validation.unknown(code, pointer)
    return known[code]
