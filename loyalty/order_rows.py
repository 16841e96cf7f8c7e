"""Writing orders and their lines: two statements and one stream of lines, whatever the batch's size."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from django.db import connection

from loyalty import earning
from loyalty.models import Order
from loyalty.order_facts import OrderFacts

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_LINES = """COPY loyalty_orderline
    (order_id, position, sku, name, category, brand, tags, quantity, amount, share) FROM STDIN"""

Row = tuple[Order, OrderFacts, earning.Earned]


def write(*, rows: Sequence[Row]) -> None:
    """Insert the orders, giving each its id, and their lines."""
    if not rows:
        return
    Order.objects.bulk_create([order for order, _, _ in rows])
    with connection.cursor() as cursor, cursor.copy(_LINES) as copy:
        copy.write("".join(line for row in rows for line in _lines(row)))


def _lines(row: Row) -> Iterator[str]:
    order, facts, earned = row
    pairs = zip(facts.lines, earned.shares, strict=True)
    for position, (line, share) in enumerate(pairs, start=1):
        words = (line.sku, line.name, line.category, line.brand, _array(line.tags))
        text = "\t".join([word.translate(_ESCAPES) for word in words])
        yield f"{order.pk}\t{position}\t{text}\t{line.quantity}\t{line.amount}\t{_share(share)}\n"


def _array(tags: Sequence[str]) -> str:
    """A PostgreSQL array literal."""
    quoted = (tag.replace("\\", "\\\\").replace('"', '\\"') for tag in tags)
    return "{" + ",".join(f'"{tag}"' for tag in quoted) + "}"


def _share(share: Decimal | Fraction) -> str:
    return earning.text(share) if share else "0"
