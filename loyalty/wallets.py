"""Opening wallets: every member has one of each point type from the first moment, so that it can be locked."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from members.models import Member


def open_wallets(event: str, members: Sequence[Member], at: datetime) -> None:
    """Handler of MEMBER_EVENTS: give enrolled members their wallets (one statement)."""
    if event != "enrolled" or not members:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO loyalty_wallet (member_id, point_type_id, active, pending, reserved, debt, earned,
                spent, expired, sequence, merged_from)
            SELECT member, t.id, 0, 0, 0, 0, 0, 0, 0, 0, '{}'
            FROM unnest(%s::bigint[]) AS member CROSS JOIN loyalty_pointtype t ORDER BY member, t.id
            ON CONFLICT DO NOTHING
            """,
            [[member.pk for member in members]],
        )
