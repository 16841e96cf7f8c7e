"""Questions about campaigns as people look at them."""

from datetime import date, datetime

from django.db.models import F, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from campaigns.models import Act, Campaign, Conversion
from members import validation
from members.errors import NotFound
from members.models import Member


def campaigns() -> QuerySet[Campaign]:
    """All campaigns with their budgets, the newest first."""
    return Campaign.objects.select_related("budget").order_by("-id")


def campaign(code: str, pointer: str = "") -> Campaign:
    """The campaign with this code. Raises NotFound."""
    found = campaigns().filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(_("Campaign"), pointer)
    return found


def shown_to_members(at: datetime) -> QuerySet[Campaign]:
    """The public campaigns that run at a moment or are still to come, the first to end first."""
    found = Campaign.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=at), state=Campaign.State.ACTIVE, is_public=True
    )
    return found.order_by(F("ends_at").asc(nulls_last=True), "id")


def brought_by(member: Member) -> QuerySet[Member]:
    """Who joined with a member's referral code, the newest first."""
    return Member.objects.filter(referrer=member).order_by("-enrolled_at", "-id")


def conversions_of(*, referrer: Member) -> QuerySet[Conversion]:
    """What a member's friends have brought, the newest first."""
    found = Conversion.objects.filter(referrer=referrer).select_related("campaign")
    return found.order_by("-at", "-id")


def earned_by_friends(*, referrer: Member, since: date) -> tuple[int, int]:
    """What friends have brought a member and was not taken back: in all, and since a program day."""
    standing = Conversion.objects.filter(referrer=referrer, reversed_at=None)
    sums = standing.aggregate(
        total=Sum("referrer_points", default=0),
        recent=Sum("referrer_points", filter=Q(day__gte=since), default=0),
    )
    return sums["total"], sums["recent"]


def to_approve(*, by: str) -> QuerySet[Campaign]:
    """The campaigns for which somebody else asked and nobody has decided."""
    open_states = [Campaign.State.DRAFT, Campaign.State.PAUSED]
    waiting = Campaign.objects.filter(state__in=open_states, approved_by="")
    return waiting.exclude(requested_by="").exclude(requested_by=by).order_by("requested_at", "id")


def act(pk: int) -> Act:
    """One event with its member. Raises NotFound."""
    found = (
        Act.objects.select_related("member", "member__tier").filter(pk=pk).first()
        if pk < 2**63
        else None
    )
    if found is None:
        raise NotFound(_("Event"))
    return found
