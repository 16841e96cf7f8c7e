"""Questions about holds and about points given away, donated or bought back."""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from loyalty.models import Entry, Hold, Transfer, Wallet
from members.errors import NotFound
from members.models import Member


def hold(*, pk: int, pointer: str = "") -> Hold:
    """One hold of a till with its member and order; one that serves another purpose is not shown. Raises NotFound."""
    found = (
        Hold.objects.select_related("wallet__member", "order").filter(pk=pk, purpose="").first()
    )
    if found is None:
        raise NotFound(_("Hold"), pointer)
    return found


def hold_state(hold: Hold, at: datetime) -> str:
    """The state at a moment: a hold whose time has come is `expired`, settled or not."""
    is_over = hold.state == Hold.State.HELD and hold.expires_at <= at
    return Hold.State.EXPIRED if is_over else hold.state


def open_holds_of(*, member: Member, at: datetime) -> QuerySet[Hold]:
    """The member's holds that are open at a moment, the soonest to time out first."""
    found = Hold.objects.filter(
        wallet__member=member,
        wallet__point_type__code="points",
        state=Hold.State.HELD,
        expires_at__gt=at,
    )
    return found.order_by("expires_at", "id")


def family_of(*, member: Member, merged_wallets: Collection[int]) -> list[int]:
    """The ids of the member and of those merged into it: what they did counts as the member's own.

    `merged_wallets` are the `merged_from` of the member's locked wallet.
    """
    if not merged_wallets:
        return [member.pk]
    merged = Wallet.objects.filter(pk__in=merged_wallets).values_list("member_id", flat=True)
    return [member.pk, *merged.order_by("id")]


def points_given_today(*, members: Collection[int], at: datetime, zone: ZoneInfo) -> int:
    """The points that members (ids) have given to others on the program's day around `at`, fees left out."""
    today = at.astimezone(zone).date()
    given = Transfer.objects.filter(
        sender__in=members,
        at__gte=datetime.combine(today, time.min, zone),
        at__lt=datetime.combine(today + timedelta(days=1), time.min, zone),
    )
    return given.aggregate(sum=Sum("points"))["sum"] or 0


def points_redeemed_this_month(*, wallets: Collection[int], at: datetime, zone: ZoneInfo) -> int:
    """What one member's wallets (ids) redeemed and captured in the program's month around `at`, less what was given back.

    What open holds keep counts as well: it may be captured at any moment.
    """
    first = at.astimezone(zone).date().replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    redeemed = Entry.objects.filter(
        wallet__in=wallets,
        kind=Entry.Kind.REDEEM,
        at__gte=datetime.combine(first, time.min, zone),
        at__lt=datetime.combine(after, time.min, zone),
    ).order_by()
    taken = redeemed.aggregate(sum=Sum("points"))["sum"] or 0
    returned = Entry.objects.filter(kind=Entry.Kind.RETURN, corrects__in=redeemed.values("pk"))
    back = returned.aggregate(sum=Sum("points"))["sum"] or 0
    held = Hold.objects.filter(wallet__in=wallets, state=Hold.State.HELD, expires_at__gt=at)
    return (held.aggregate(sum=Sum("points"))["sum"] or 0) - taken - back
