"""Donations: points given to a project."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from loyalty import ledger, queries, spending
from loyalty.ledger import Debit
from loyalty.models import Donation, Entry
from members import queries as member_queries
from members import validation
from members.errors import ReferenceReused
from members.models import Member
from members.transactions import in_transaction

_POINTS = validation.whole_number(least=1)
_PROJECT = validation.text(longest=100, shortest=1)
_REFERENCE = validation.text(longest=100, shortest=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DonationRequest:
    """Points for a project: `member` is a member number, `project` the project's name or code."""

    member: str
    points: int
    project: str
    reference: str


@dataclass(frozen=True, slots=True)
class Donated:
    """The donation; `is_new` False when the reference was known with the same content."""

    donation: Donation
    is_new: bool


def donate(*, request: DonationRequest, at: datetime) -> Donated:
    """Take points for a project, soonest expiry first.

    Raises InvalidInput, NotFound (member), ReferenceReused, MemberClosed, WalletFrozen, InDebt or
    InsufficientPoints, or what DONATION_PROJECTS refuse; then nothing is taken and the reference is not used up.
    """
    _POINTS(request.points, "/points")
    project = _PROJECT(request.project, "/project")
    reference = _REFERENCE(request.reference, "/reference")
    made = Donation(points=request.points, project=project, reference=reference, at=at)
    return in_transaction(lambda: _donate(made, request.member, at))


def _donate(made: Donation, number: str, at: datetime) -> Donated:
    member = made.member = member_queries.by_number(number, "/member")
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    wallet = held.of(member.pk)
    family = queries.family_of(member=member, merged_wallets=wallet.merged_from)
    known = _known(family, made.reference)
    if known is not None:
        if (known.points, known.project) != (made.points, made.project):
            raise ReferenceReused(reference=made.reference)
        return Donated(known, is_new=False)
    spending.check_may_spend(member=Member.objects.get(pk=member.pk))
    details = {"project": made.project, **_known_project(made.project, at)}
    debit = Debit(
        wallet=wallet.id,
        kind=Entry.Kind.DONATE,
        points=made.points,
        reference=made.reference,
        at=at,
        details=details,
        explanation=[{"rule": "donation", "kind": "donation", "points": -made.points}],
    )
    ledger.post(postings=[debit], at=at, held=held)
    made.save(force_insert=True)
    return Donated(made, is_new=True)


def _known_project(project: str, at: datetime) -> dict[str, str]:
    """The name of a project that somebody above knows, who may refuse."""
    found: dict[str, str] = {}
    for name in settings.DONATION_PROJECTS:
        title: str = import_string(name)(project, at)
        if title:
            found = {"name": title}
    return found


def _known(family: list[int], reference: str) -> Donation | None:
    found = Donation.objects.select_related("member")
    return found.filter(member__in=family, reference=reference).order_by("id").first()
