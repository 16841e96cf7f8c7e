"""Who is in a segment, as one statement: conditions over members, their wallets and what they bought. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from loyalty.models import Order, PointType, Wallet
from members.models import Member

#: What counts as bought: neither unpaid nor cancelled nor given back whole.
BOUGHT = ("paid", "shipped", "completed", "partially_refunded")

NEWEST = 2**63 - 1


class Sql(NamedTuple):
    """A piece of a statement with its parameters, in order."""

    text: str
    values: tuple[Any, ...] = ()


NEVER = Sql("false")
ALWAYS = Sql("true")


def joined(word: str, parts: Sequence[Sql]) -> Sql:
    """The parts with AND, OR or a comma between them."""
    return Sql(word.join(each.text for each in parts), _values(parts))


def negated(part: Sql) -> Sql:
    """The opposite of a condition that is never unknown."""
    return Sql(f"NOT ({part.text})", part.values)


def known(part: Sql, *, otherwise: str = "false") -> Sql:
    """A condition that is never unknown: where there is nothing to compare it is what `otherwise` says."""
    return Sql(f"coalesce({part.text}, {otherwise})", part.values)


def _values(parts: Iterable[Sql]) -> tuple[Any, ...]:
    return tuple(value for part in parts for value in part.values)


@dataclass(slots=True, kw_only=True)
class Asked:
    """What the conditions of a statement ask for: each figure is read once, however many conditions look at it."""

    at: datetime
    today: date
    #: An order that is not seen, and an id from which on none is: what is judged did not happen yet.
    but: int = 0
    before: int = NEWEST
    _wallets: set[str] = field(default_factory=set)
    _bought: dict[str, Sql] = field(default_factory=dict)
    _since: list[datetime | None] = field(default_factory=list)

    def ago(self, days: int) -> datetime:
        """The moment so many times 24 hours back."""
        return self.at - timedelta(days=days)

    def wallet(self, point_type: str, figure: str) -> str:
        """A figure of the member's wallet of this type, as it is stored."""
        self._wallets.add(point_type)
        return f"coalesce({point_type}.{figure}, 0)"

    def bought(self, aggregate: Sql, days: int | None) -> str:
        """An aggregate over the member's purchases, all or those of so many days; null without any."""
        since = None if days is None else self.ago(days)
        if since is not None:
            filtered = f"{aggregate.text} FILTER (WHERE b.placed_at >= %s)"
            aggregate = Sql(filtered, (*aggregate.values, since))
        self._since.append(since)
        names = (name for name, each in self._bought.items() if each == aggregate)
        name = next(names, f"b{len(self._bought)}")
        self._bought[name] = aggregate
        return f"bought.{name}"

    def rows(self, columns: Sequence[Sql], members: Collection[int] | None) -> Sql:
        """Members who are not closed, all or these, with their id and columns such as conditions."""
        among = None if members is None else sorted(members)
        parts = [
            Sql("SELECT "),
            joined(", ", [Sql("m.id"), *columns]),
            Sql(f" FROM {Member._meta.db_table} m"),
            *(self._join_wallet(each) for each in sorted(self._wallets)),
            *([self._join_bought(among)] if self._bought else []),
            Sql(" WHERE m.status <> 'closed'"),
            *([] if among is None else [Sql(" AND m.id = ANY(%s)", (among,))]),
        ]
        return joined("", parts)

    def _join_wallet(self, point_type: str) -> Sql:
        return Sql(
            f" LEFT JOIN {Wallet._meta.db_table} {point_type} ON {point_type}.member_id = m.id AND "
            f"{point_type}.point_type_id = (SELECT id FROM {PointType._meta.db_table} WHERE code = %s)",
            (point_type,),
        )

    def _join_bought(self, among: list[int] | None) -> Sql:
        aggregates = [
            Sql(f"{each.text} AS {name}", each.values) for name, each in self._bought.items()
        ]
        # Nobody asks for what lies before the longest window.
        since = None if None in self._since else min(each for each in self._since if each)
        conditions = [
            Sql("b.member_id IS NOT NULL"),
            Sql("b.status = ANY(%s)", (list(BOUGHT),)),
            Sql("b.placed_at <= %s", (self.at,)),
            *([] if since is None else [Sql("b.placed_at >= %s", (since,))]),
            *([Sql("b.id <> %s", (self.but,))] if self.but else []),
            *([Sql("b.id < %s", (self.before,))] if self.before < NEWEST else []),
            *([] if among is None else [Sql("b.member_id = ANY(%s)", (among,))]),
        ]
        return joined(
            "",
            [
                Sql(" LEFT JOIN (SELECT b.member_id, "),
                joined(", ", aggregates),
                Sql(f" FROM {Order._meta.db_table} b WHERE "),
                joined(" AND ", conditions),
                Sql(" GROUP BY b.member_id) bought ON bought.member_id = m.id"),
            ],
        )


Compare = Callable[[str, Any], Sql]


def _simple(operator: str) -> Compare:
    return lambda expression, value: known(Sql(f"{expression} {operator} %s", (value,)))


def _within(expression: str, values: Any) -> Sql:
    return known(Sql(f"{expression} BETWEEN %s AND %s", tuple(values)))


def _among(expression: str, values: Any) -> Sql:
    return known(Sql(f"{expression} = ANY(%s)", (list(values),)))


#: Comparisons; where there is nothing to compare only “is not” and “is none of” hold.
COMPARISONS: dict[str, Compare] = {
    "eq": _simple("="),
    "ne": lambda expression, value: negated(_simple("=")(expression, value)),
    "gt": _simple(">"),
    "gte": _simple(">="),
    "lt": _simple("<"),
    "lte": _simple("<="),
    "between": _within,
    "in": _among,
    "not_in": lambda expression, values: negated(_among(expression, values)),
}


def elapsed(moment: str, op: str, value: Any, asked: Asked) -> Sql:
    """Whether so many days (24 hours each) have gone by since a moment; never happened is longer ago than anything."""
    if op == "between":
        least, most = value
        return known(Sql(f"{moment} BETWEEN %s AND %s", (asked.ago(most), asked.ago(least))))
    operator, never = {
        "gt": ("<", "true"),
        "gte": ("<=", "true"),
        "lt": (">", "false"),
        "lte": (">=", "false"),
    }[op]
    return known(Sql(f"{moment} {operator} %s", (asked.ago(value),)), otherwise=never)
