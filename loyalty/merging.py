"""Two memberships of one person become one: everything of the source goes over to the target."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from loyalty import ledger, owning, tiers
from loyalty.models import Adjustment, BuyBack, Donation, Order, PointType, Transfer
from members import lifecycle
from members import queries as member_queries
from members.errors import InvalidInput, MemberClosed
from members.models import Member
from members.transactions import in_transaction


def merge(*, source: str, into: str, by: str, at: datetime) -> Member:
    """Merge the member `source` into `into` (numbers) for good; returns the target as it is now.

    Lots keep their dates, debts are netted, holds, orders, redemptions and references go along; both histories stay
    readable. The source is closed and anonymised; what the target's profile lacks is filled from it. The same pair again
    changes nothing. Raises NotFound, InvalidInput (into oneself, out_of_range) and MemberClosed.
    """
    giver, taker = member_queries.by_number(source), member_queries.by_number(into, "/into")
    if giver.pk == taker.pk:
        raise InvalidInput("/into", "same_member", _("A member cannot be merged into itself."))
    in_transaction(lambda: _merge(giver.pk, taker.pk, by, at))
    return member_queries.by_number(taker.number)


def _merge(source_id: int, target_id: int, by: str, at: datetime) -> None:
    both = [source_id, target_id]
    types = list(PointType.objects.order_by("id").values_list("code", flat=True))
    # All wallets at once, in the order of their ids: no spend, award or other merge comes between.
    ledger.lock(members=both, at=at, types=types)
    members = lifecycle.lock(members=both)
    source, target = members[source_id], members[target_id]
    if source.merged_into_id == target.pk:
        return
    if Member.Status.CLOSED in {source.status, target.status}:
        raise MemberClosed
    tiers.settle(members=both, at=at)
    for code in types:
        _merge_wallets(source, target, code, at)
    _move_records(source, target)
    tiers.merged(source_member=source, target_member=target, at=at)
    target.refresh_from_db()
    lifecycle.give_up(source=source, target=target, by=by, at=at)


def _merge_wallets(source: Member, target: Member, code: str, at: datetime) -> None:
    held = ledger.lock(members=[source.pk, target.pk], at=at, types=[code])
    emptied = held.of(source.pk, code).id
    ledger.merge(
        source=emptied,
        target=held.of(target.pk, code).id,
        reference=source.number,
        at=at,
        held=held,
    )
    ledger.close(wallets=[emptied])


def _move_records(source: Member, target: Member) -> None:
    Order.objects.filter(member=source).update(member=target)
    # What the two gave each other stays with whom it was: nobody can give points to oneself.
    between = Q(sender=source, receiver=target) | Q(sender=target, receiver=source)
    others = Transfer.objects.exclude(between)
    others.filter(receiver=source).update(receiver=target)
    owning.hand_over(rows=others, owner="sender", source=source, target=target)
    for model in (Adjustment, Donation, BuyBack):
        owning.hand_over(rows=model.objects.all(), owner="member", source=source, target=target)
