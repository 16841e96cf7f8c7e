"""Who is in which segment, in a large shop with orders: all members at once, and a few of them live."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from campaigns import segmenting
from campaigns.models import Segment, SegmentMember
from config.bench.measuring import Goal, Line, seconds
from members.models import Member

# 0 to 9 orders for each member, the last of them 1 to 300 days ago, a tenth of them given back in part or whole.
_ORDERS = """
INSERT INTO loyalty_order (source, number, member_id, channel, placed_at, status, coupon, payments, amount,
    points_paid_amount, refunded_amount, points, status_points, points_reversed, status_points_reversed, points_returned,
    explanation, digest)
SELECT 'bench', m.id || '/' || k, m.id, '',
    %(at)s::timestamptz - (1 + m.id %% 300 + 20 * k) * interval '1 day',
    CASE WHEN m.id %% 20 <> 0 THEN 'paid' WHEN k %% 2 = 0 THEN 'refunded' ELSE 'partially_refunded' END, '', '[]',
    20 + (m.id + k) %% 200, 0,
    CASE WHEN m.id %% 20 <> 0 THEN 0 WHEN k %% 2 = 0 THEN 20 + (m.id + k) %% 200 ELSE 10 END, 0, 0, 0, 0, 0, '[]', ''
FROM members_member m CROSS JOIN LATERAL generate_series(1, (m.id * 7 %% 10)::int) k"""

# The classic four with numbers at which a member of the large shop, who has some 150 points, is in one of them.
RULES: dict[str, list[tuple[str, str, int]]] = {
    "dormant": [("days_since_last_order", "gt", 90), ("active", "gt", 150)],
    "high_value": [("active", "gt", 150), ("orders", "gt", 5)],
    "potential": [("active", "gt", 100), ("orders", "lt", 2)],
    "new": [("days_since_enrolled", "lt", 900)],
}
FEW = 1_000


def prepare(at: datetime) -> int:
    """Give the members orders, the segments numbers that fit; how many orders there are then."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Digests and foreign keys cost more than the rows; nobody checks these books any more.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(_ORDERS, {"at": at})
        orders: int = cursor.rowcount
    for code, conditions in RULES.items():
        rules: dict[str, Any] = {
            "all": [{"field": field, "op": op, "value": value} for field, op, value in conditions]
        }
        Segment.objects.filter(code=code).update(rules=rules)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) loyalty_order")
    return orders


def refresh(at: datetime) -> list[Line]:
    """Find out who is in the classic segments: the first time, again with nothing new, and live for a few."""
    orders = prepare(at)
    first = seconds(lambda: segmenting.refresh_all(at=at))
    kept = SegmentMember.objects.count()
    again = seconds(lambda: segmenting.refresh_all(at=at))
    few = list(Member.objects.order_by("-pk").values_list("pk", flat=True)[:FEW])
    live = seconds(lambda: segmenting.codes_of(members=few, codes=list(RULES), at=at))
    goal = Goal(must=60, aim=30, form="{:.1f} s", is_least=True)
    size = f"{Member.objects.count():,} members, {orders:,} orders"
    return [
        Line(
            what=f"refresh of the {len(RULES)} classic segments: {size}, {kept:,} memberships",
            ours=f"{first:.1f} s",
            beside="–",
            value=first,
            goal=goal,
        ),
        Line(
            what="the same again, nothing has changed",
            ours=f"{again:.1f} s",
            beside="–",
            value=again,
            goal=goal,
        ),
        Line(
            what=f"which of them {FEW:,} members are in, live",
            ours=f"{1000 * live:.0f} ms",
            beside="–",
            value=live,
            goal=Goal(must=None, aim=None, form="{:.3f} s", is_least=True),
        ),
    ]
