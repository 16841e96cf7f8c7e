"""Birthdays and anniversaries of enrolment: each once a year, from the first moment of the day on."""

from calendar import isleap
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from campaigns import acts, periods, running
from campaigns.acts import Occurrence
from campaigns.occasions import ANNIVERSARY, BIRTHDAY
from loyalty import ledger, programs
from members.models import Member
from members.transactions import in_transaction

#: A day is made up for as long as this, when the nights after it were missed.
DAYS_BACK = 14

_NOT_YET = """m.status <> 'closed' AND NOT EXISTS (
    SELECT 1 FROM campaigns_act a WHERE a.member_id = m.id AND a.source = 'system' AND a.reference = %s)
ORDER BY m.id LIMIT %s"""

_BIRTHDAYS = f"""
SELECT m.id, 0 FROM members_member m
WHERE EXTRACT(MONTH FROM m.birthday) = %s AND EXTRACT(DAY FROM m.birthday) = ANY(%s) AND m.enrolled_at < %s
    AND {_NOT_YET}"""

_ANNIVERSARIES = f"""
SELECT m.id, r.years FROM unnest(%s::timestamptz[], %s::timestamptz[], %s::int[]) AS r (starts_at, ends_at, years)
JOIN members_member m ON m.enrolled_at >= r.starts_at AND m.enrolled_at < r.ends_at
WHERE {_NOT_YET}"""

# Member and years; a birthday does not say how old somebody is.
Found = Sequence[tuple[int, int]]


def keep(*, at: datetime, limit: int = 500) -> int:
    """Let birthdays and anniversaries of today and of the days before that were missed happen; returns how many.

    Set by set, each in a transaction of its own: safe to run twice, killed, or by two workers.
    """
    zone = programs.current().zone
    today = at.astimezone(zone).date()
    kept = 0
    for back in range(DAYS_BACK, -1, -1):
        day = today - timedelta(days=back)
        start = periods.starts_at(day, zone)
        for trigger in running.waiting_for(
            triggers=[BIRTHDAY, ANNIVERSARY], since=start, until=start
        ):
            while count := in_transaction(partial(_keep_some, trigger, day, at, limit)):
                kept += count
    return kept


def _keep_some(trigger: str, day: date, at: datetime, limit: int) -> int:
    zone = programs.current().zone
    reference = f"{trigger}/{day.year}"
    find = _birthdays if trigger == BIRTHDAY else _anniversaries
    found = dict(find(day, zone, reference, limit))
    if not found:
        return 0
    ledger.lock(members=found, at=at)
    members = Member.objects.filter(pk__in=found).exclude(status=Member.Status.CLOSED)
    occurrences = [
        Occurrence(
            member=member,
            type=trigger,
            reference=reference,
            at=periods.starts_at(day, zone),
            data={"years": found[member.pk]} if trigger == ANNIVERSARY else {},
        )
        for member in members.select_related("tier").order_by("pk")
    ]
    return len(acts.record_all(occurrences=occurrences, at=at))


# ---- whose day it is ----------------------------------------------------------------------------
def born_on(day: date) -> list[tuple[int, int]]:
    """Whose birthday a day is, by (month, day): on 28 February of a common year also of who was born on the 29th."""
    leap_day = [(2, 29)] if _stands_for_leap_day(day) else []
    return [(day.month, day.day), *leap_day]


def _birthdays(day: date, zone: ZoneInfo, reference: str, limit: int) -> Found:
    days = [born for _month, born in born_on(day)]
    start = periods.starts_at(day, zone)
    return _rows(_BIRTHDAYS, [day.month, days, start, reference, limit])


def _anniversaries(day: date, zone: ZoneInfo, reference: str, limit: int) -> Found:
    ranges = list(_enrolment_days(day, zone))
    if not ranges:
        return []
    columns = [list(column) for column in zip(*ranges, strict=True)]
    return _rows(_ANNIVERSARIES, [*columns, reference, limit])


def _enrolment_days(day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, int]]:
    """The days of earlier years whose anniversary a day is: first moment, end, years since."""
    first = Member.objects.order_by("enrolled_at").values_list("enrolled_at", flat=True).first()
    if first is None:
        return
    for year in range(first.astimezone(zone).year, day.year):
        if (day.month, day.day) == (2, 29) and not isleap(year):
            continue  # who enrolled on the 28th had it on the 28th
        start = day.replace(year=year)
        length = 2 if _stands_for_leap_day(day) and isleap(year) else 1
        end = start + timedelta(days=length)
        yield periods.starts_at(start, zone), periods.starts_at(end, zone), day.year - year


def _stands_for_leap_day(day: date) -> bool:
    """28 February of a common year: 29 February is kept then."""
    return (day.month, day.day) == (2, 28) and not isleap(day.year)


def _rows(statement: str, parameters: list[Any]) -> Found:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
