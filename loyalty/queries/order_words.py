"""What the newest orders look like: the words in them and how large they are. Bounded, however many orders there are."""

from datetime import datetime
from decimal import Decimal

from django.db import connection

#: So many of the newest orders are looked at, first and where those do not say enough.
FEW = 2_000
MANY = 10_000

_NEWEST = """
    (SELECT id, channel, payments, amount FROM loyalty_order WHERE placed_at >= %(since)s
     ORDER BY placed_at DESC, id DESC LIMIT %(newest)s) o
"""
_LINES = f"{_NEWEST} JOIN loyalty_orderline l ON l.order_id = o.id"
_WORDS = {
    "channels": ("o.channel", _NEWEST),
    "payment_methods": (
        "p ->> 'method'",
        f"{_NEWEST} CROSS JOIN LATERAL jsonb_array_elements(o.payments) p",
    ),
    "categories": ("l.category", _LINES),
    "brands": ("l.brand", _LINES),
    "skus": ("l.sku", _LINES),
    "tags": ("unnest(l.tags)", _LINES),
}


def words_of_orders(*, kind: str, since: datetime, newest: int) -> frozenset[str]:
    """The different channels, payment_methods, categories, brands, skus or tags of the newest orders since a moment."""
    what, where = _WORDS[kind]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {what} FROM {where}", {"since": since, "newest": newest})
        return frozenset(word for (word,) in cursor.fetchall() if word)


def largest_amount(*, since: datetime) -> Decimal | None:
    """The largest of the newest orders since a moment; None when there are none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(o.amount) FROM {_NEWEST}", {"since": since, "newest": MANY})
        (amount,) = cursor.fetchone()
    return None if amount is None else Decimal(amount)
