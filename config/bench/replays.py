"""A campaign replayed over a year of baskets: as many members, lines and stores as the grocery year has."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from campaigns import editing, replaying
from config.bench import measuring
from config.bench.evaluating import CAMPAIGNS
from config.bench.measuring import Goal, Line
from members.models import Store

BASKETS = 155_848
LINES = 9
HOUSEHOLDS = 2_469
STORES = 457
MUST = 60.0
# What runs beside the campaign: weekends in two stores, lunch, new products, dairy, large orders.
BESIDE = (1, 2, 4, 7, 8)

_ORDERS = """
INSERT INTO loyalty_order (source, number, member_id, store_id, channel, placed_at, status, coupon, payments, amount,
    points_paid_amount, refunded_amount, points, status_points, points_reversed, status_points_reversed, awarded_at,
    explanation, digest)
SELECT 'bench', n::text, 1 + n %% %(households)s, s.first + n %% %(stores)s, (ARRAY['till', 'app', 'mini'])[1 + n %% 3],
    at, 'paid', '', '[{"method": "card", "amount": "1.00"}]', 0, 0, 0, 0, 0, 0, 0, at, '[]', ''
FROM generate_series(1, %(baskets)s) n
CROSS JOIN LATERAL (SELECT %(since)s::timestamptz + n * (interval '365 days' / %(baskets)s) AS at) t
CROSS JOIN (SELECT min(id) AS first FROM members_store) s"""

_LINES = """
INSERT INTO loyalty_orderline (order_id, position, sku, name, category, brand, tags, quantity, amount, share)
SELECT o.id, p, 'P' || (o.id * 7 + p * 13) %% 5000, '', (ARRAY['coffee', 'dairy', 'bakery', 'meat', 'fruit', 'wine'])[1 + (o.id + p) %% 6],
    chr(65 + (p + o.id %% 5)::int %% 5), CASE WHEN (o.id + p) %% 10 = 0 THEN '{new}' ELSE '{}' END::varchar[], 1 + p %% 3,
    (100 + (o.id * 31 + p * 17) %% 900) / 100.0, '0'
FROM loyalty_order o CROSS JOIN generate_series(1, %(lines)s) p WHERE o.source = 'bench'"""

_AMOUNTS = """
UPDATE loyalty_order o SET amount = n.amount
FROM (SELECT order_id, sum(amount) AS amount FROM loyalty_orderline GROUP BY order_id) n WHERE n.order_id = o.id"""


_VACUUM = "VACUUM (ANALYZE) loyalty_order, loyalty_orderline"


def seed(*, baskets: int, since: datetime) -> None:
    """Fill a year with baskets of the first members, set by set."""
    Store.objects.bulk_create(
        Store(code=f"S{number}", name=f"Store {number}") for number in range(STORES)
    )
    values: dict[str, int | datetime] = {
        "baskets": baskets,
        "since": since,
        "households": HOUSEHOLDS,
        "stores": STORES,
        "lines": LINES,
    }
    with connection.cursor() as cursor:
        for statement in (_ORDERS, _LINES):
            cursor.execute(statement, values)
        cursor.execute(_AMOUNTS)
        cursor.execute(_VACUUM)


def replay(*, baskets: int) -> Line:
    """Double points for every order, with per-member limits and a budget, beside what runs."""
    now = datetime.now(UTC)
    since = now - timedelta(days=366)
    seed(baskets=baskets, since=since)
    for place in BESIDE:
        effect, conditions, more = CAMPAIGNS[place]
        _create(f"beside-{place}", now, effect=effect, conditions=conditions, **more)
    tried = _create(
        "tried",
        now,
        state="draft",
        effect={"type": "multiplier", "value": "2"},
        limits={"per_member_per_month": 5_000, "budget_points": 10**9},
    )
    seconds = measuring.seconds(
        lambda: replaying.replay(
            content=tried, since=since, until=now, report=lambda _percent: None, at=now
        )
    )
    share = baskets / BASKETS
    return Line(
        what=f"replay of {baskets:,} baskets with {baskets * LINES:,} lines beside {len(BESIDE)} campaigns",
        ours=f"{seconds:.1f} s",
        beside="–",
        value=seconds,
        goal=Goal(must=MUST * share, aim=MUST * share / 3, form="{:.1f} s", is_least=True),
    )


def _create(code: str, at: datetime, **said: Any) -> dict[str, Any]:
    changes = {"code": code, "name": code, "state": "active", **said}
    return editing.content(editing.create(changes=changes, by="bench", at=at))
