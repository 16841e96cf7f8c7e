"""Lines of orders that were posted, as far as rules tell them apart."""

from collections.abc import Collection, Iterator, Sequence

from django.db import connection

from campaigns.rules import Rule
from loyalty.order_facts import Line

# Lines that are the same to every rule are one line: what is earned hangs on their sum alone.
_LINES = """
SELECT order_id, {columns}, sum(amount), sum(greatest(quantity, 0))::bigint FROM loyalty_orderline
WHERE order_id = ANY(%s) AND amount >= 0 GROUP BY order_id, 2, 3, 4, 5"""
_COLUMNS = ("sku", "category", "brand")
# No text of the database has it: a value that no rule names.
_OTHER = "\0"


class PastLines:
    """What these rules look at on lines; `are_read`: they look at them at all."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.named: dict[str, set[str]] = {}
        for rule in rules:
            check = rule.lines
            for _name, attribute, values in (*check.wanted, *check.excluded) if check else ():
                self.named.setdefault(attribute, set()).update(values)
            if check and (tags := check.tags | check.excluded_tags):
                self.named.setdefault("tags", set()).update(tags)
        self.are_read = bool(self.named) or any(
            rule.effect["type"] == "per_unit" for rule in rules
        )

    def read(self, orders: Collection[int]) -> dict[int, list[Line]]:
        """The lines of these orders (ids): one query."""
        lines: dict[int, list[Line]] = {}
        for order, line in self._read(orders):
            lines.setdefault(order, []).append(line)
        return lines

    def _read(self, orders: Collection[int]) -> Iterator[tuple[int, Line]]:
        columns = [
            f"CASE WHEN {name} = ANY(%s) THEN {name} END" if name in self.named else "NULL"
            for name in _COLUMNS
        ]
        columns.append(
            "CASE WHEN tags && %s::varchar[] THEN tags END"
            if "tags" in self.named
            else "NULL::varchar[]"
        )
        values = [sorted(self.named[name]) for name in (*_COLUMNS, "tags") if name in self.named]
        statement = _LINES.format(columns=", ".join(columns))
        with connection.cursor() as cursor:
            cursor.execute(statement, [*values, list(orders)])
            for order, sku, category, brand, tags, amount, quantity in cursor.fetchall():
                yield (
                    order,
                    Line(
                        sku=_OTHER if sku is None else sku,
                        category=_OTHER if category is None else category,
                        brand=_OTHER if brand is None else brand,
                        tags=tuple(tags or ()),
                        amount=amount,
                        quantity=quantity,
                    ),
                )
