"""Questions about donation projects: what they raised, by whom nobody is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from members import validation
from members.errors import NotFound
from members.models import Member
from rewards.models import DonationProject

SHARE = Decimal("0.0001")

# What was given to projects: points donated under their code, and donation rewards that were redeemed, or given to a
# member by a tier or a campaign: then the program gives what they cost.
_GIVEN = """
    SELECT p.id AS project_id, d.member_id, d.points, d.at
    FROM rewards_donationproject p JOIN loyalty_donation d ON d.project = p.code
    UNION ALL
    SELECT w.project_id, r.member_id, CASE WHEN r.points > 0 THEN r.points ELSE w.points * r.quantity END, r.redeemed_at
    FROM rewards_reward w JOIN rewards_redemption r ON r.reward_id = w.id
    WHERE w.kind = 'donation' AND w.project_id IS NOT NULL
        AND r.state IN ('issued', 'fulfilled', 'used')"""

_TOTALS = f"""
SELECT project_id, sum(points)::bigint, count(DISTINCT member_id)
FROM ({_GIVEN}) given WHERE project_id = ANY(%s) GROUP BY project_id"""

_BY_DAY = f"""
SELECT (at AT TIME ZONE %s)::date AS day, sum(points)::bigint
FROM ({_GIVEN}) given WHERE project_id = %s AND at >= %s GROUP BY day ORDER BY day"""

_OF_MEMBER = f"""
SELECT p.code, p.name, given.points, given.at
FROM ({_GIVEN}) given JOIN rewards_donationproject p ON p.id = given.project_id
WHERE given.member_id = %s ORDER BY given.at DESC, p.id LIMIT %s"""


_SUM_OF_MEMBER = f"""
SELECT coalesce(sum(points), 0)::bigint, count(*)
FROM ({_GIVEN}) given WHERE member_id = %s AND project_id = %s"""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a project raised and how many members gave."""

    points: int = 0
    donors: int = 0

    def share_of(self, goal: int | None) -> Decimal | None:
        """The part of a goal that was raised, 1 when it was reached, rounded down; None without a goal."""
        if goal is None:
            return None
        return (Decimal(self.points) / goal).quantize(SHARE, ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Given:
    """Points that a member gave to a project."""

    code: str
    name: str
    points: int
    at: datetime


def projects() -> QuerySet[DonationProject]:
    """All projects, the newest first."""
    return DonationProject.objects.order_by("-id")


def project(code: str, pointer: str = "") -> DonationProject:
    """The project with this code. Raises NotFound."""
    found = projects().filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(_("Donation project"), pointer)
    return found


def is_open(project: DonationProject, at: datetime) -> bool:
    """Whether the project takes donations at a moment."""
    has_begun = project.starts_at is None or project.starts_at <= at
    goes_on = project.ends_at is None or at < project.ends_at
    return project.active and has_begun and goes_on


def totals(projects: Sequence[DonationProject]) -> dict[int, Totals]:
    """What projects raised until now by project id, in one query."""
    rows = _rows(_TOTALS, [[each.pk for each in projects]])
    found = {row[0]: Totals(row[1], row[2]) for row in rows}
    return {each.pk: found.get(each.pk, Totals()) for each in projects}


def points_by_day(
    *, project: DonationProject, since: datetime, zone: ZoneInfo
) -> list[tuple[date, int]]:
    """What a project raised on each day that brought anything, the oldest first."""
    return [(day, points) for day, points in _rows(_BY_DAY, [zone.key, project.pk, since])]


def given_by(*, member: Member, most: int) -> list[Given]:
    """What the member gave to projects, the latest first."""
    return [Given(*row) for row in _rows(_OF_MEMBER, [member.pk, most])]


def given_to(*, member: Member, project: DonationProject) -> tuple[int, int]:
    """How many points the member gave to a project, and how often."""
    row = _rows(_SUM_OF_MEMBER, [member.pk, project.pk])[0]
    return row[0], row[1]


def _rows(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
