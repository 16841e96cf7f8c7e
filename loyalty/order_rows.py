"""Writing orders, their first steps and their lines: one look at the sequence and three streams, whatever the size."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from loyalty import earning, stacking
from loyalty.models import Order
from loyalty.order_facts import OrderFacts
from members.streams import NULL, field, moment, stream

_DRAW_IDS = """
SELECT nextval(pg_get_serial_sequence('loyalty_order', 'id')) FROM generate_series(1, %s)"""
_ORDERS = """COPY loyalty_order
    (id, source, number, member_id, store_id, channel, placed_at, status, coupon, payments, amount,
     points_paid_amount, refunded_amount, points, status_points, points_reversed, status_points_reversed,
     points_returned, awarded_at, active_from, expires_at, explanation, digest) FROM STDIN"""
_STEPS = "COPY loyalty_orderstep (order_id, status, at) FROM STDIN"
_LINES = """COPY loyalty_orderline
    (order_id, position, sku, name, category, brand, tags, quantity, amount, share) FROM STDIN"""

Row = tuple[Order, OrderFacts, earning.Earned]


def write(*, rows: Sequence[Row]) -> None:
    """Insert the orders, giving each its id, the step each was reported with, and their lines."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_DRAW_IDS, [len(rows)])
        ids = [row[0] for row in cursor.fetchall()]
    for (order, _, _), number in zip(rows, ids, strict=True):
        order.pk = number
        order._state.adding = False
        order._state.db = connection.alias
    stream(statement=_ORDERS, lines=(_order(order) for order, _, _ in rows))
    stream(statement=_STEPS, lines=(_step(order) for order, _, _ in rows))
    stream(statement=_LINES, lines=(line for row in rows for line in _lines(row)))


def _order(order: Order) -> str:
    words = (
        str(order.pk),
        field(order.source),
        field(order.number),
        _id(order.member_id),
        _id(order.store_id),
        field(order.channel),
        moment(order.placed_at),
        order.status,
        field(order.coupon),
        _json(order.payments),
        str(order.amount),
        str(order.points_paid_amount),
        str(order.refunded_amount),
        str(order.points),
        str(order.status_points),
        "0",
        "0",
        str(order.points_returned),
        moment(order.awarded_at),
        moment(order.active_from),
        moment(order.expires_at),
        _json(order.explanation),
        order.digest,
    )
    return "\t".join(words) + "\n"


def _step(order: Order) -> str:
    return f"{order.pk}\t{order.status}\t{moment(order.placed_at)}\n"


def _lines(row: Row) -> Iterator[str]:
    order, facts, earned = row
    pairs = zip(facts.lines, earned.shares, strict=True)
    for position, (line, share) in enumerate(pairs, start=1):
        yield (
            f"{order.pk}\t{position}\t{field(line.sku)}\t{field(line.name)}\t{field(line.category)}\t"
            f"{field(line.brand)}\t{field(_array(line.tags))}\t{line.quantity}\t{line.amount}\t{share_text(share)}\n"
        )


def _id(value: int | None) -> str:
    return NULL if value is None else str(value)


def _json(value: Any) -> str:
    return field(json.dumps(value, ensure_ascii=False))


def _array(tags: Sequence[str]) -> str:
    """A PostgreSQL array literal."""
    if not tags:
        return "{}"
    quoted = (tag.replace("\\", "\\\\").replace('"', '\\"') for tag in tags)
    return "{" + ",".join(f'"{tag}"' for tag in quoted) + "}"


def share_text(share: Decimal | Fraction) -> str:
    """A line's exact share of the points as it is stored."""
    return stacking.text(share) if share else "0"
