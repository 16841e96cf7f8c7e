"""Reading what tiers are judged from, and writing what became of them: set by set, whatever the number of members."""

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import datetime
from typing import Any

from django.db import connection

from loyalty import programs
from loyalty.models import Program
from loyalty.tier_climbs import Climb
from loyalty.tier_ladder import Ladder, StatusCredit
from loyalty.tier_walks import ALWAYS, Change, Told, Walk
from members import events
from members import queries as member_queries
from members.models import Member, Tier, TierChange

# The status lots of members as credits, whether lapsed or not. Status points are never spent, so what counts of a lot is
# what is left or has lapsed, without what was forgiven because it had lapsed when a refund came. Found by their entries,
# which have an index and stay where they were posted when members are merged. OFFSET 0 keeps the planner from joining
# the other way round where it knows nothing of the tables yet.
_STATUS_CREDITS = """
SELECT w.member_id, l.active_from, l.expires_at, l.remaining + l.lapsed - l.forgiven
FROM unnest(%s::bigint[], %s::timestamptz[]) AS asked (member_id, since)
CROSS JOIN LATERAL (
    SELECT id, member_id, merged_from FROM loyalty_wallet
    WHERE member_id = asked.member_id
        AND point_type_id = (SELECT id FROM loyalty_pointtype WHERE code = 'status') OFFSET 0
) w
CROSS JOIN LATERAL (
    SELECT id FROM loyalty_entry WHERE wallet_id = ANY(w.id || w.merged_from) AND kind IN ('earn', 'adjust') OFFSET 0
) e
CROSS JOIN LATERAL (SELECT * FROM loyalty_lot WHERE entry_id = e.id OFFSET 0) l
WHERE l.wallet_id = w.id AND (l.expires_at IS NULL OR l.expires_at > asked.since)"""

# The tier held now and when it may fall next; a floor that has ended goes.
_KEEP_CURRENT = f"""
UPDATE {Member._meta.db_table} m SET tier_id = n.tier_id, tier_review_at = n.review_at,
    tier_floor_id = CASE WHEN m.tier_floor_until <= n.until THEN NULL ELSE m.tier_floor_id END,
    tier_floor_until = CASE WHEN m.tier_floor_until <= n.until THEN NULL ELSE m.tier_floor_until END
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS n (id, tier_id, review_at, until)
WHERE m.id = n.id AND (m.tier_id <> n.tier_id OR m.tier_review_at IS DISTINCT FROM n.review_at
    OR m.tier_floor_until <= n.until)"""


def ladder_of(program: Program | None = None) -> Ladder:
    """The tiers and their calendar; one query, or two."""
    return Ladder(member_queries.tiers(), program or programs.current())


def read(*, members: Iterable[int], ladder: Ladder) -> dict[int, Walk]:
    """The tier histories of members, without their status points: one query."""
    told: dict[int, list[Told]] = {}
    reviews: dict[int, datetime | None] = {}
    rows = Member.objects.filter(pk__in=list(members)).order_by(
        "id", "tier_changes__at", "tier_changes__id"
    )
    for pk, tier, review_at, at, changed_to, reason, details in rows.values_list(
        "id",
        "tier_id",
        "tier_review_at",
        "tier_changes__at",
        "tier_changes__tier_id",
        "tier_changes__reason",
        "tier_changes__details",
    ):
        reviews[pk] = review_at
        told.setdefault(pk, []).append(
            _told(ladder.by_id[changed_to or tier], at, reason, details)
        )
    walks = {pk: Walk(ladder, sorted(rows, key=_moment)) for pk, rows in told.items()}
    for pk, walk in walks.items():
        walk.review_at = reviews[pk]
    return walks


def _told(tier: Tier, at: datetime | None, reason: str, details: dict[str, Any]) -> Told:
    """A row of the history; without any, the tier was always held, like the one that everybody begins with."""
    if at is None or (reason == TierChange.Reason.ENROLLED and not tier.threshold):
        return Told(ALWAYS, tier, TierChange.Reason.ENROLLED)
    return Told(at, tier, reason, details)


def _moment(told: Told) -> datetime:
    return told.at


def load_credits(*, walks: Mapping[int, Walk], since: datetime | None) -> None:
    """Give each walk its climb: from as late as its history allows at `since`, or from the beginning. One query."""
    if not walks:
        return
    starts = {pk: walk.start(since) if since else None for pk, walk in walks.items()}
    credits: dict[int, list[StatusCredit]] = {pk: [] for pk in walks}
    moments = [start[0] if start else ALWAYS for start in starts.values()]
    with connection.cursor() as cursor:
        cursor.execute(_STATUS_CREDITS, [list(starts), moments])
        for member, active_from, expires_at, points in cursor.fetchall():
            if points:
                credits[member].append(StatusCredit(active_from, expires_at, points))
    for pk, walk in walks.items():
        walk.climb = Climb(walk.ladder, credits[pk], start=starts[pk], marks=walk.marks())
        # Points that come late may matter where later ones begin.
        walk.until = max([walk.until, *(each.active_from for each in credits[pk])])


def may_change(walk: Walk, *, expected: int, since: datetime, at: datetime) -> bool:
    """Whether `expected` status points from `since` on may change the tier of somebody, or time has (by `at`)."""
    if walk.lifetime + expected >= walk.next_threshold(since):
        return True
    if walk.review_at is not None and walk.review_at <= at:
        return True
    last = walk.told[-1]
    if walk.review_at is None and walk.ladder.may_fall(last.tier):
        return True  # the tier could not fall before its settings were changed
    # Points that come late may show that a tier was not lost.
    return any(each.at > since and each.reason == TierChange.Reason.NOT_KEPT for each in walk.told)


def write(*, walks: Mapping[int, Walk], now: datetime | None = None) -> None:
    """Write what the walks change: history, the tier on the member and its next review; tell of each change.

    Three statements whatever the number of members, none where nothing was judged.
    """
    judged = {pk: walk for pk, walk in walks.items() if walk.climb and walk.is_judged}
    if not judged:
        return
    for walk in judged.values():
        walk.note_changes()
    changes = {pk: walk.changes for pk, walk in judged.items() if walk.changes}
    add_history([_row(pk, change) for pk, made in changes.items() for change in made])
    keep_current(
        walks={
            pk: walk
            for pk, walk in judged.items()
            if pk in changes or walk.next_review() != walk.review_at
        }
    )
    tell(changes=changes, now=now)


def decide(*, member: int, change: Change, by: str) -> None:
    """Write a row of the history that somebody decided, tell of it, and note what follows from it on the member."""
    add_history([_row(member, change, by)])
    if change.before != change.tier:
        tell(changes={member: [change]})
    walks = read(members=[member], ladder=ladder_of())
    load_credits(walks=walks, since=None)
    for walk in walks.values():
        walk.judge_from(change.at)
    write(walks=walks)
    keep_current(walks=walks)  # also where the status points changed nothing


def floor_details(tier: Tier | None, until: datetime | None) -> dict[str, object]:
    """How the history names a tier given by hand, or that there is none any more."""
    return {"floor": tier and tier.code, "until": until and until.isoformat()}


def add_history(rows: list[TierChange]) -> None:
    """Write rows of the history."""
    if rows:
        TierChange.objects.bulk_create(rows)


def keep_current(*, walks: Mapping[int, Walk]) -> None:
    """Note on the members the tier at the end of their walks and when it is to be looked at again."""
    if not walks:
        return
    tiers, reviews, ends = [], [], []
    for walk in walks.values():
        tiers.append(walk.held_at(walk.until).pk)
        reviews.append(walk.next_review())
        ends.append(walk.until)
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_CURRENT, [list(walks), tiers, reviews, ends])


def tell(*, changes: Mapping[int, Iterable[Change]], now: datetime | None = None) -> None:
    """Tell whoever listens of each change, in the order of time; `now` is when it was noticed, if that is known."""
    made = sorted(
        ((change.at, pk, change) for pk, each in changes.items() for change in each),
        key=lambda item: item[:2],
    )
    if not made:
        return
    members = {
        member.pk: member
        for member in Member.objects.with_names().filter(pk__in={pk for _at, pk, _change in made})
    }
    told: dict[tuple[datetime, str], list[Member]] = {}
    for at, pk, change in made:
        is_up = change.tier.rank > change.before.rank
        event = events.TIER_UPGRADED if is_up else events.TIER_DOWNGRADED
        member = copy(members[pk])
        member.tier, member.noticed_at = change.tier, now
        told.setdefault((at, event), []).append(member)
    for (at, event), concerned in told.items():
        events.tell(event=event, members=concerned, at=at)


def _row(member: int, change: Change, by: str = "") -> TierChange:
    return TierChange(
        member_id=member,
        before=change.before,
        tier=change.tier,
        at=change.at,
        reason=change.reason,
        details=change.details,
        by=by,
    )
