"""Which tier a member holds and why: up at once, down by the tier's policy, back where points are taken back.

Orders walk with `load_walks` … `record`; everything else is one of the verbs below. All of them are called with the
members' status wallets locked, so that nobody's points change meanwhile. What falls due by time alone is shown at once
(`show`, `standing`) and written with the next order, by `settle` or by the background work (`review_due`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from loyalty import tier_records
from loyalty.models import Order, Program
from loyalty.standings import Keep, Standing, money_to, standing
from loyalty.tier_ladder import Ladder, Reason, StatusCredit
from loyalty.tier_walks import Change, Walk
from members.models import Member, Tier

__all__ = [
    "Keep",
    "Standing",
    "StatusCredit",
    "Walk",
    "judge",
    "load_walks",
    "merged",
    "money_to",
    "record",
    "review_due",
    "settle",
    "show",
    "standing",
    "taken_back",
]

# Members whose review is due, or whose tier could not fall when they were judged last, each with its status wallet
# locked; who is busy elsewhere is left to a later run. The member is locked too: that lets the database look once more at
# what another worker may have written since this statement began.
_DUE = """
SELECT m.id FROM members_member m
JOIN loyalty_wallet w ON w.member_id = m.id
JOIN loyalty_pointtype t ON t.id = w.point_type_id AND t.code = 'status'
WHERE m.status <> 'closed' AND {due}
ORDER BY {order} LIMIT %s FOR NO KEY UPDATE OF w, m SKIP LOCKED"""
_DUE_BY_TIME = _DUE.format(due="m.tier_review_at <= %s", order="m.tier_review_at, m.id")
_NEVER_JUDGED = _DUE.format(
    due="m.tier_id = ANY(%s) AND m.tier_review_at IS NULL", order="m.tier_id, m.id"
)


# ---- orders -----------------------------------------------------------------------------------------
def load_walks(
    *,
    expected: Mapping[int, int],
    lifetimes: Mapping[int, int],
    since: datetime,
    at: datetime | None = None,
    program: Program | None = None,
) -> dict[int, Walk]:
    """Tier histories of members (ids) for a batch whose first order was placed at `since`; now it is `at`.

    `expected` is at least the status points that the batch gives each member, `lifetimes` what each has earned
    before. Two to four queries whatever the number of members; status points are read only of those whose tier may
    change.
    """
    at = at or since
    ladder = tier_records.ladder_of(program)
    walks = tier_records.read(members=expected, ladder=ladder)
    close = {}
    for member, walk in walks.items():
        walk.lifetime = lifetimes[member]
        if tier_records.may_change(walk, expected=expected[member], since=since, at=at):
            close[member] = walk
    tier_records.load_credits(walks=close, since=since)
    for walk in close.values():
        if walk.review_at is not None and walk.review_at <= at:
            walk.since = walk.review_at  # the falls since then count for these orders already
    return walks


def record(*, walks: Mapping[int, Walk], at: datetime | None = None) -> None:
    """Write what the walks changed: history, the tier on the members, and the word to whoever listens; now it is `at`."""
    tier_records.write(walks=walks, now=at)


# ---- what time, refunds and merges do ----------------------------------------------------------------
def show(*, members: Sequence[Member], at: datetime) -> None:
    """Put on members, in memory, the tier they hold at a moment; no query where nothing has fallen due."""
    due = [each for each in members if each.tier_review_at and each.tier_review_at <= at]
    if not due:
        return
    walks = _reviewed([each.pk for each in due], tier_records.ladder_of(), at)
    for member in due:
        if member.pk in walks:
            member.tier = walks[member.pk].held_at(at)


def settle(*, members: Collection[int], at: datetime) -> None:
    """Write the falls that came due by `at` on members (ids) whose status wallets are locked; one query if none did."""
    due = Member.objects.filter(pk__in=members, tier_review_at__lte=at)
    _settle(list(due.values_list("pk", flat=True)), at)


def judge(*, members: Collection[int], since: datetime, at: datetime) -> None:
    """Judge members (ids) anew from `since` on, after status points were credited to them by other means than orders."""
    if not members:
        return
    walks = tier_records.read(members=members, ladder=tier_records.ladder_of())
    tier_records.load_credits(walks=walks, since=since)
    for walk in walks.values():
        walk.judge_from(min(since, walk.review_at or since))
        walk.judge_from(at)
    tier_records.write(walks=walks, now=at)


def taken_back(member_id: int, at: datetime, order: Order) -> None:
    """Status points of `order` were taken back at a moment: a tier that they reached falls then, whatever its policy.

    The member's tiers are walked again as if the points had never been; what was held without them stays.
    """
    walks = tier_records.read(members=[member_id], ladder=tier_records.ladder_of())
    walk = walks[member_id]
    if walk.told_at(max(at, walk.until)) == walk.ladder.lowest:
        return
    tier_records.load_credits(walks=walks, since=None)
    walk.is_refund = True
    walk.judge_from(at)
    tier_records.write(walks=walks)


def merged(*, source_member: Member, target_member: Member, at: datetime) -> None:
    """The status points of `source_member` have gone over to `target_member`: give it the tier that both reach together.

    Never less than its own; a tier given to the source by hand goes along where it is the higher one.
    """
    walks = tier_records.read(members=[target_member.pk], ladder=tier_records.ladder_of())
    walk = walks[target_member.pk]
    tier_records.load_credits(walks=walks, since=None)
    assert walk.climb is not None
    walk.climb.advance(at)
    held = walk.told_at(at)
    source, target = (
        Member.objects.select_related("tier_floor").get(pk=each.pk)
        for each in (source_member, target_member)
    )
    floor = _higher_floor(source, target, at)
    own = held if target.tier_floor is None else walk.ladder.lowest
    computed = walk.climb.tier_at(at)
    after = max([computed, held, *([floor[0]] if floor else [])], key=lambda tier: tier.rank)
    details: dict[str, object] = {
        "from": source.number,
        "status_points": walk.climb.points_at(at),
    }
    if own.rank > computed.rank:
        details["own"] = own.code  # the points alone would not tell of it
    if floor is not None:
        details |= tier_records.floor_details(*floor)
        Member.objects.filter(pk=target.pk).update(tier_floor=floor[0], tier_floor_until=floor[1])
    Member.objects.filter(pk=source.pk).update(tier_review_at=None)
    change = Change(at, held, after, Reason.MERGED, details)
    tier_records.decide(member=target.pk, change=change, by="")


def review_due(*, at: datetime, limit: int = 1_000) -> int:
    """Judge one batch of members whose tier may have fallen by `at`; returns how many.

    Call until it returns 0. Members whom somebody else is busy with are left out, so two workers may run at once, and
    a run that was killed is simply run again.
    """
    with transaction.atomic():
        ladder = tier_records.ladder_of()
        due = _locked(_DUE_BY_TIME, [at, limit])
        _settle(due, at)
        if not due:
            falling = [tier.pk for tier in ladder.tiers if ladder.may_fall(tier)]
            due = _locked(_NEVER_JUDGED, [falling, limit]) if falling else []
            _settle(due, at)
    return len(due)


# ---- steps they share -------------------------------------------------------------------------------
def _reviewed(members: Collection[int], ladder: Ladder, at: datetime) -> dict[int, Walk]:
    """The walks of members as a review at a moment sees them; nothing is written."""
    walks = tier_records.read(members=members, ladder=ladder)
    tier_records.load_credits(walks=walks, since=at)
    for walk in walks.values():
        walk.judge_from(min(walk.review_at or at, at))
        walk.judge_from(at)
    return walks


def _settle(members: Collection[int], at: datetime) -> None:
    if members:
        tier_records.write(walks=_reviewed(members, tier_records.ladder_of(), at), now=at)


def _locked(statement: str, parameters: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]


def _higher_floor(
    source: Member, target: Member, at: datetime
) -> tuple[Tier, datetime | None] | None:
    """What was given to the source by hand, if it still holds and is above what was given to the target."""
    given, until = source.tier_floor, source.tier_floor_until
    if given is None or (until is not None and until <= at):
        return None
    own = target.tier_floor
    if own is not None and own.rank >= given.rank:
        return None
    return given, until
