"""Day sheets: what each kind of entry moved on one day at one store, summed up when the day is sealed."""

from typing import Any

from django.db import connection, transaction

from loyalty.models import DaySheet, Seal

_WRITE = """
INSERT INTO loyalty_daysheet (day, point_type_id, store_id, kind, entries, points)
SELECT %s, w.point_type_id, e.store_id, e.kind, count(*), sum(e.points)
FROM loyalty_entry e JOIN loyalty_wallet w ON w.id = e.wallet_id
WHERE e.created_at >= %s AND e.created_at < %s
GROUP BY w.point_type_id, e.store_id, e.kind
ORDER BY w.point_type_id, e.store_id, e.kind"""

# Which sealed day an entry `e` was posted on, by the seals' own borders: they keep the zone of their time.
SEALED_DAYS = """
    SELECT array_agg(day ORDER BY starts_at) AS days, array_agg(starts_at ORDER BY starts_at) AS starts,
        max(ends_at) AS sealed_until
    FROM loyalty_seal"""
SEALED_DAY = "d.days[width_bucket(e.created_at, d.starts)]"

RECOUNTED = f"""
    SELECT {SEALED_DAY} AS day, w.point_type_id, e.store_id, e.kind, count(*) AS entries, sum(e.points) AS points
    FROM ({SEALED_DAYS}) d CROSS JOIN loyalty_entry e JOIN loyalty_wallet w ON w.id = e.wallet_id
    WHERE e.created_at < d.sealed_until
    GROUP BY 1, 2, 3, 4"""

_REBUILD = f"""
INSERT INTO loyalty_daysheet (day, point_type_id, store_id, kind, entries, points)
SELECT day, point_type_id, store_id, kind, entries, points FROM ({RECOUNTED}) e
ORDER BY day, point_type_id, store_id, kind"""


def write(*, seal: Seal) -> None:
    """Sum up the day of a new seal, in its transaction."""
    _run(_WRITE, seal.day, seal.starts_at, seal.ends_at)


@transaction.atomic
def rebuild() -> None:
    """Sum up all sealed days from the entries anew: the same lines as night by night."""
    DaySheet.objects.all().delete()
    _run(_REBUILD)


def _run(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
