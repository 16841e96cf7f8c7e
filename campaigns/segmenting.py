"""Who is in which segment: now and for a few members (`codes_of`), or kept for lists, counts and handouts (`refresh`).

Days are spans of 24 hours. Figures of wallets are those that are stored: what lapsed since the last posting on a wallet
counts until the night's task has settled it, and so does a tier whose fall is not written down yet (ten minutes at most).
What was bought is looked at as it is now: a refund counts at once.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from campaigns import segment_queries, segment_rules
from campaigns.models import Segment, SegmentMember
from campaigns.segment_sql import NEWEST, Asked, Sql, joined, negated
from loyalty import programs
from members.jobs import Report
from members.models import Member
from members.transactions import in_transaction

#: So many members at most are looked through while somebody waits.
SMALL = 50_000

# What was found in this refresh, gone with the transaction.
_NOW = "campaigns_segment_now"
# A table made by a query may be filled by parallel workers, and joins of everybody want room.
_MAKE = f"CREATE TEMPORARY TABLE {_NOW} ON COMMIT DROP AS "
_ROOM = "SET LOCAL work_mem = '128MB'"
_KEPT = SegmentMember._meta.db_table
_REMOVE = f"""
DELETE FROM {_KEPT} k WHERE k.segment_id = ANY(%s) AND NOT EXISTS (
    SELECT 1 FROM {_NOW} n WHERE n.segment_id = k.segment_id AND n.member_id = k.member_id)"""
_ADD = f"""
INSERT INTO {_KEPT} (segment_id, member_id)
SELECT n.segment_id, n.member_id FROM {_NOW} n WHERE n.segment_id = ANY(%s) AND NOT EXISTS (
    SELECT 1 FROM {_KEPT} k WHERE k.segment_id = n.segment_id AND k.member_id = n.member_id)
ORDER BY n.segment_id, n.member_id"""
_SIZES = f"SELECT segment_id, count(*) FROM {_NOW} GROUP BY segment_id"


# ---- as it is now --------------------------------------------------------------------------------------
def codes_of(
    *,
    members: Collection[int],
    codes: Collection[str],
    at: datetime,
    but: int = 0,
    before: int = NEWEST,
) -> dict[int, frozenset[str]]:
    """Which of these segments (codes) each of a few members (ids) is in at a moment; closed members are left out.

    The order `but` and those from the id `before` on are not seen: it is being judged, they came later.

    Four queries at most, however many members and segments. Unknown codes are passed over.
    """
    segments = segment_queries.segments_by_code(codes) if members and codes else []
    if not segments:
        return {}
    plan = _Plan(segments, _asked(at, but, before))
    with connection.cursor() as cursor:
        cursor.execute(*plan.flags(members))
        rows = cursor.fetchall()
    names = [each.code for each in segments]
    return {
        member: frozenset(name for name, is_in in zip(names, flags, strict=True) if is_in)
        for member, *flags in rows
    }


def members_matching(*, rules: Mapping[str, Any], at: datetime) -> QuerySet[Member]:
    """The members to whom checked rules apply at a moment."""
    asked = _asked(at)
    condition = segment_rules.compiled(rules, asked)
    return _found(Sql("f.is_in"), asked.rows([_named(condition, "is_in")], None))


def members_of(*, segment: Segment, at: datetime) -> QuerySet[Member]:
    """The members of a segment: in a small shop as it is now, in a large one as it was refreshed last."""
    if is_small():
        plan = _Plan([segment], _asked(at))
        return _found(plan.membership(segment), plan.rows(None))
    kept = SegmentMember.objects.filter(segment=segment)
    return Member.objects.exclude(status=Member.Status.CLOSED).filter(
        pk__in=kept.values("member_id")
    )


def within(*, members: QuerySet[Member], code: str, at: datetime) -> QuerySet[Member]:
    """Those of the members who are in a segment (see `members_of`). Raises NotFound."""
    found = members_of(segment=segment_queries.segment(code), at=at)
    return members.filter(pk__in=found.values("pk"))


def is_small() -> bool:
    """Whether all members can be looked through while somebody waits."""
    return not Member.objects.order_by("pk").values("pk")[SMALL : SMALL + 1].exists()


# ---- kept ----------------------------------------------------------------------------------------------
def refresh(*, segment: Segment, at: datetime) -> Segment:
    """Write down who is in a segment at a moment; returns it with its size."""
    refresh_these(segments=[segment], at=at)
    segment.refresh_from_db()
    return segment


def refresh_all(*, at: datetime) -> int:
    """Write down who is in which segment at a moment; how many segments there are.

    A fixed number of statements, whatever the number of members and segments: everything that was bought is added up
    once for all segments. Safe to run twice, killed, or by two workers.
    """
    segments = list(segment_queries.segments())
    refresh_these(segments=segments, at=at)
    return len(segments)


def refresh_these(*, segments: Sequence[Segment], at: datetime) -> None:
    """Write down who is in these segments at a moment. One whose rules change meanwhile is left alone: the change refreshes it."""
    if segments:
        in_transaction(lambda: _refresh(segments, at))


def refresh_by_job(parameters: Mapping[str, Any], report: Report, at: datetime) -> dict[str, Any]:
    """The background job: refresh the segments named by `segments` (codes), or all."""
    codes = parameters.get("segments")
    segments = list(
        segment_queries.segments() if codes is None else segment_queries.segments_by_code(codes)
    )
    report(10)
    refresh_these(segments=segments, at=at)
    kept = SegmentMember.objects.filter(segment__in=segments)
    return {"segments": len(segments), "members": kept.count()}


def _refresh(segments: Sequence[Segment], at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ROOM)
        memberships = _Plan(segments, _asked(at)).memberships()
        cursor.execute(_MAKE + memberships.text, memberships.values)
        cursor.execute(f"ANALYZE {_NOW}")
        keys = _unchanged(segments)
        cursor.execute(_REMOVE, [keys])
        cursor.execute(_ADD, [keys])
        cursor.execute(_SIZES)
        sizes = dict(cursor.fetchall())
        cursor.execute(f"DROP TABLE {_NOW}")
    for key in keys:
        Segment.objects.filter(pk=key).update(size=sizes.get(key, 0), refreshed_at=at)


def _unchanged(segments: Sequence[Segment]) -> list[int]:
    """Lock the segments; the ids of those that are as they were when they were looked at."""
    locked = Segment.objects.select_for_update(no_key=True).order_by("pk")
    now = {each.pk: each for each in locked.filter(pk__in=[each.pk for each in segments])}
    return [each.pk for each in segments if each.pk in now and _is_same(each, now[each.pk])]


def _is_same(one: Segment, other: Segment) -> bool:
    return (one.rules, one.group, one.position) == (other.rules, other.group, other.position)


# ---- statements ----------------------------------------------------------------------------------------
class _Plan:
    """One statement that says who is in which of the segments; those before them in their groups go first."""

    def __init__(self, segments: Sequence[Segment], asked: Asked) -> None:
        self.segments = segments
        groups = {each.group for each in segments if each.group}
        others = segment_queries.segments_of_groups(groups) if groups else []
        self.all = {each.pk: each for each in (*others, *segments)}
        self.asked = asked
        self.conditions = [
            _named(segment_rules.compiled(each.rules, self.asked), f"c{each.pk}")
            for each in self.all.values()
        ]

    def rows(self, members: Collection[int] | None) -> Sql:
        """Every member's id with what each segment's own rules say."""
        return self.asked.rows(self.conditions, members)

    def membership(self, segment: Segment) -> Sql:
        """Whether a row is in a segment: by its rules, and in none that comes before it in its group."""
        before = [
            Sql(f"f.c{each.pk}")
            for each in self.all.values()
            if segment.group
            and each.group == segment.group
            and (each.position, each.pk) < (segment.position, segment.pk)
        ]
        return joined(" AND ", [Sql(f"f.c{segment.pk}"), *map(negated, before)])

    def flags(self, members: Collection[int]) -> Sql:
        """A row for each of the members: id and whether they are in each segment."""
        columns = [Sql("f.id"), *(self.membership(each) for each in self.segments)]
        return joined(
            "",
            [
                Sql("SELECT "),
                joined(", ", columns),
                Sql(" FROM ("),
                self.rows(members),
                Sql(") f"),
            ],
        )

    def memberships(self) -> Sql:
        """A row for each membership: segment and member. OFFSET 0: every condition is looked at once for a member."""
        keys = [
            joined(
                "", [Sql("CASE WHEN "), self.membership(each), Sql(f" THEN {each.pk}::bigint END")]
            )
            for each in self.segments
        ]
        return joined(
            "",
            [
                Sql("SELECT unnest(array_remove(ARRAY["),
                joined(", ", keys),
                Sql("], NULL)) AS segment_id, f.id AS member_id FROM ("),
                self.rows(None),
                Sql(" OFFSET 0) f"),
            ],
        )


def _asked(at: datetime, but: int = 0, before: int = NEWEST) -> Asked:
    today = at.astimezone(programs.current().zone).date()
    return Asked(at=at, today=today, but=but, before=before)


def _named(condition: Sql, name: str) -> Sql:
    return Sql(f"{condition.text} AS {name}", condition.values)


def _found(condition: Sql, rows: Sql) -> QuerySet[Member]:
    statement = joined("", [Sql("SELECT f.id FROM ("), rows, Sql(") f WHERE "), condition])
    # The statement is made of constants; everything that was said is bound.
    return Member.objects.filter(pk__in=RawSQL(*statement))  # noqa: S611
