"""The condition behind each field of a segment's rules: from comparison and value to SQL. Pure."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from campaigns import segment_sql
from campaigns.segment_sql import COMPARISONS, Asked, Sql
from members.models import Store

THIS_MONTH = "this"

# From op, value, days and what the statement asks for to the condition.
Make = Callable[[str, Any, int | None, Asked], Sql]


def column(expression: str) -> Make:
    return lambda op, value, _days, _asked: COMPARISONS[op](expression, value)


def wallet(point_type: str, figure: str) -> Make:
    return lambda op, value, _days, asked: COMPARISONS[op](asked.wallet(point_type, figure), value)


def bought(aggregate: str, *, nothing: str | None) -> Make:
    def make(op: str, value: Any, days: int | None, asked: Asked) -> Sql:
        found = asked.bought(Sql(aggregate), days)
        return COMPARISONS[op](
            found if nothing is None else f"coalesce({found}, {nothing})", value
        )

    return make


def net_spend(op: str, value: Any, days: int | None, asked: Asked) -> Sql:
    found = asked.bought(Sql("sum(b.amount - b.refunded_amount)"), days)
    return COMPARISONS[op](f"coalesce({found}, 0)", _decimals(value))


def average_order(op: str, value: Any, days: int | None, asked: Asked) -> Sql:
    spent = asked.bought(Sql("sum(b.amount - b.refunded_amount)"), days)
    count = asked.bought(Sql("count(*)"), days)
    return COMPARISONS[op](f"{spent} / nullif({count}, 0)", _decimals(value))


def _decimals(value: Any) -> Any:
    return [Decimal(each) for each in value] if isinstance(value, list) else Decimal(value)


def since_order(op: str, value: Any, _days: int | None, asked: Asked) -> Sql:
    return segment_sql.elapsed(asked.bought(Sql("max(b.placed_at)"), None), op, value, asked)


def since_enrolled(op: str, value: Any, _days: int | None, asked: Asked) -> Sql:
    return segment_sql.elapsed("m.enrolled_at", op, value, asked)


def bought_in(op: str, value: Any, days: int | None, asked: Asked) -> Sql:
    inside = Sql(
        f"bool_or(b.store_id IN (SELECT id FROM {Store._meta.db_table} WHERE code = ANY(%s)))",
        (_list(value),),
    )
    is_in = segment_sql.known(Sql(asked.bought(inside, days)))
    return segment_sql.negated(is_in) if op in {"not_in", "ne"} else is_in


def referring(column: str, table: str) -> Make:
    """A column that refers to a row with a code."""

    def make(op: str, value: Any, _days: int | None, _asked: Asked) -> Sql:
        codes = (_list(value),)
        is_in = segment_sql.known(
            Sql(f"{column} IN (SELECT id FROM {table} WHERE code = ANY(%s))", codes)
        )
        return segment_sql.negated(is_in) if op in {"not_in", "ne"} else is_in

    return make


def tagged(op: str, value: Any, _days: int | None, _asked: Asked) -> Sql:
    has = Sql("m.tags && %s::varchar[]", (_list(value),))
    return segment_sql.negated(has) if op == "has_none" else has


def birthday_month(op: str, value: Any, _days: int | None, asked: Asked) -> Sql:
    months = [asked.today.month if each == THIS_MONTH else each for each in _list(value)]
    is_in = COMPARISONS["in"]("extract(month FROM m.birthday)::int", months)
    return segment_sql.negated(is_in) if op in {"not_in", "ne"} else is_in


def until_birthday(op: str, value: Any, _days: int | None, asked: Asked) -> Sql:
    # 29 February is kept on the 28th in other years.
    this = (
        "(m.birthday + make_interval(years => {year} - extract(year FROM m.birthday)::int))::date"
    )
    year, today = asked.today.year, f"date '{asked.today:%Y-%m-%d}'"
    now, then = this.format(year=year), this.format(year=year + 1)
    days = f"(CASE WHEN {now} >= {today} THEN {now} ELSE {then} END - {today})"
    return COMPARISONS[op](days, value)


def birthday_known(op: str, value: Any, _days: int | None, _asked: Asked) -> Sql:
    is_wanted = value is (op == "eq")
    return Sql("m.birthday IS NOT NULL" if is_wanted else "m.birthday IS NULL")


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
