"""Tiers given by hand: a floor below which a member does not fall, for a while or until it is withdrawn."""

from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import ledger, tier_records, tiers
from loyalty.tier_ladder import Reason
from loyalty.tier_walks import Change
from members.errors import InvalidInput, MemberClosed
from members.models import Member, Tier
from members.transactions import in_transaction


def give(
    *, member: Member, tier: Tier, until: datetime | None, reason: str, by: str, at: datetime
) -> Member:
    """Give a tier by hand: until a moment, or until it is withdrawn, the member does not fall below it.

    Another tier given before is replaced. Raises InvalidInput (`until` is past) and MemberClosed.
    """
    if until is not None and until <= at:
        raise InvalidInput("/until", "past", _("The end must be in the future."))
    return in_transaction(lambda: _put_floor(member, (tier, until), reason, by, at))


def withdraw(*, member: Member, reason: str, by: str, at: datetime) -> Member:
    """Take away a tier given by hand: the member falls at once to what the status points give.

    Raises InvalidInput (none was given) and MemberClosed.
    """
    return in_transaction(lambda: _put_floor(member, None, reason, by, at))


def _put_floor(
    member: Member,
    floor: tuple[Tier, datetime | None] | None,
    reason: str,
    by: str,
    at: datetime,
) -> Member:
    # The points too: what campaigns give for a new tier is posted in this transaction.
    ledger.lock(members=[member.pk], at=at)
    tiers.settle(members=[member.pk], at=at)
    fresh = Member.objects.select_for_update(no_key=True).get(pk=member.pk)
    if fresh.status == Member.Status.CLOSED:
        raise MemberClosed
    if floor is None and fresh.tier_floor_id is None:
        raise InvalidInput(
            "/member", "no_tier_given", _("No tier was given to this member by hand.")
        )
    fresh.tier_floor, fresh.tier_floor_until = floor or (None, None)
    fresh.save(update_fields=["tier_floor", "tier_floor_until"])
    walks = tier_records.read(members=[member.pk], ladder=tier_records.ladder_of())
    walk = walks[member.pk]
    tier_records.load_credits(walks=walks, since=None)
    assert walk.climb is not None
    walk.climb.advance(at)
    before, computed = walk.told_at(at), walk.climb.tier_at(at)
    after = max([computed, *([floor[0]] if floor else [])], key=lambda tier: tier.rank)
    details: dict[str, object] = {
        "status_points": walk.climb.points_at(at),
        "note": reason,
        **tier_records.floor_details(*(floor or (None, None))),
    }
    change = Change(at, before, after, Reason.GIVEN, details)
    tier_records.decide(member=member.pk, change=change, by=by)
    return Member.objects.with_names().get(pk=member.pk)
