"""What happens to members by itself, told to the campaigns: enrolment, a complete profile, a tier reached."""

from collections.abc import Sequence
from datetime import datetime

from campaigns import acts, benefits, running
from campaigns.acts import Occurrence
from campaigns.occasions import ENROLLED, PROFILE_COMPLETED, TIER_UPGRADED
from loyalty import programs
from members import events
from members.models import Member, TierChange
from members.transactions import before_commit_together

# Member, tier, moment.
Step = tuple[int, int, datetime]

#: Once for ever.
ENROLMENT_REFERENCE = "enrolled"
PROFILE_REFERENCE = "profile"


def follow(event: str, members: Sequence[Member], at: datetime) -> None:
    """Handler of MEMBER_EVENTS: what no campaign waits for costs one question."""
    if event == events.ENROLLED:
        _enrolled(members, at)
    elif event == events.PROFILE_COMPLETED:
        _profile_completed(members, at)
    elif event == events.TIER_UPGRADED:
        # The verb that tells of it still has the wallets in memory.
        before_commit_together(_tiers_reached, [(member, at) for member in members])


def _enrolled(members: Sequence[Member], at: datetime) -> None:
    """As of the enrolment, which an import may tell of much later; with all the profile, if it is complete already."""
    moments = [member.enrolled_at for member in members]
    wanted = running.waiting_for(
        triggers=[ENROLLED, PROFILE_COMPLETED], since=min(moments), until=max(moments)
    )
    occurrences = []
    for member in members:
        if ENROLLED in wanted:
            occurrences.append(_once(member, ENROLLED, ENROLMENT_REFERENCE, member.enrolled_at))
        if PROFILE_COMPLETED in wanted and member.has_whole_profile:
            moment = member.enrolled_at
            occurrences.append(_once(member, PROFILE_COMPLETED, PROFILE_REFERENCE, moment))
    acts.record_all(occurrences=occurrences, at=at)


def _profile_completed(members: Sequence[Member], at: datetime) -> None:
    if not running.waiting_for(triggers=[PROFILE_COMPLETED], since=at, until=at):
        return
    acts.record_all(
        occurrences=[
            _once(member, PROFILE_COMPLETED, PROFILE_REFERENCE, at) for member in members
        ],
        at=at,
    )


def _once(member: Member, trigger: str, reference: str, at: datetime) -> Occurrence:
    return Occurrence(member=member, type=trigger, reference=reference, at=at)


def _tiers_reached(reached: list[tuple[Member, datetime]]) -> None:
    """Each member with the tier it reached, and when it did."""
    moments = [at for _member, at in reached]
    now = max([*moments, *(member.noticed_at for member, _at in reached if member.noticed_at)])
    benefits.reached(members={member.pk for member, _at in reached}, at=now)
    if not running.waiting_for(triggers=[TIER_UPGRADED], since=min(moments), until=max(moments)):
        return
    before = _tiers_before(reached)
    # Once a year: whoever buys, gives back and buys again has reached the tier once.
    zone = programs.current().zone
    acts.record_all(
        occurrences=[
            Occurrence(
                member=member,
                type=TIER_UPGRADED,
                reference=f"tier/{member.tier.code}/{at.astimezone(zone).year}",
                at=at,
                data={
                    "tier": member.tier.code,
                    "from": before.get((member.pk, member.tier_id, at)),
                },
            )
            for member, at in reached
        ],
        at=now,
    )


def _tiers_before(reached: Sequence[tuple[Member, datetime]]) -> dict[Step, str]:
    """What each held before, by the history."""
    changes = TierChange.objects.filter(
        member__in={member.pk for member, _at in reached}, at__in={at for _member, at in reached}
    )
    return {
        (change.member_id, change.tier_id, change.at): change.before.code
        for change in changes.select_related("before").order_by("id")
        if change.before is not None
    }
