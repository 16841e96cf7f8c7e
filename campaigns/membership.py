"""What becomes of acts, awards and the like when a member is closed or merged into another one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q

from campaigns.models import (
    Act,
    BenefitGrant,
    CampaignAward,
    CheckIn,
    Conversion,
    SegmentMember,
)
from loyalty import owning
from members import lifecycle
from members.models import Member


def follow(event: str, members: Sequence[Member], at: datetime) -> None:
    """Handler of MEMBER_EVENTS: what a merged member did becomes the heir's; a closed one is in no segment any more."""
    if event == lifecycle.CLOSED:
        # Addresses and devices are personal; the acts are facts.
        Act.objects.filter(member__in=members).exclude(client={}).update(client={})
    elif event == lifecycle.MERGED:
        for member in members:
            assert member.merged_into is not None
            _hand_over(member, member.merged_into)
    else:
        return
    SegmentMember.objects.filter(member__in=members).delete()


def _hand_over(source: Member, target: Member) -> None:
    for kind in Act.Source.values:
        owning.hand_over(
            rows=Act.objects.all(),
            owner="member",
            source=source,
            target=target,
            within={"source": kind},
        )
    # Where both have one of what there is only once, each stays with whom it was: the heir has had it already.
    _move(CampaignAward, source, target, once=("order", "campaign"), where=Q(order__isnull=False))
    CampaignAward.objects.filter(member=source, act__isnull=False).update(member=target)
    _move(CheckIn, source, target, once=("day",))
    _move(BenefitGrant, source, target, once=("benefit", "period"))
    _move_conversions(source, target)


def _move(
    model: type[Model],
    source: Member,
    target: Member,
    *,
    once: Sequence[str],
    where: Q | None = None,
) -> None:
    """Make the source's rows the target's, but for those of which the target has one already."""
    rows: Any = model._default_manager
    same = {name: OuterRef(name) for name in once}
    own = rows.filter(member=target, **same)
    rows.filter(where or Q(), ~Exists(own), member=source).update(member=target)


def _move_conversions(source: Member, target: Member) -> None:
    """Friends whom the source won were won by the target; nobody has won oneself."""
    Conversion.objects.filter(referrer=source).exclude(referee=target).update(referrer=target)
    own = Conversion.objects.filter(referee=target, campaign=OuterRef("campaign"))
    as_referee = Conversion.objects.filter(~Exists(own), referee=source)
    as_referee.exclude(referrer=target).update(referee=target)
