"""How popular rewards are and what they cost: by reward and by day of redemption, each in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

CENT = Decimal("0.01")
NOTHING = Decimal(0)

# What was redeemed in the period; a draft counts once it was paid. Bought is what cost points, given what did not.
_MADE = """
made AS MATERIALIZED (
    SELECT r.id, r.reward_id, r.quantity, r.points, r.cash, r.cost, r.cost * r.partner_share AS borne,
        r.state = 'fulfilled' AS is_handed_over, r.state = 'cancelled' AS is_cancelled,
        r.points > 0 AND r.state <> 'cancelled' AS is_bought, r.points = 0 AND r.state <> 'cancelled' AS is_given,
        (r.redeemed_at AT TIME ZONE %(zone)s)::date AS day
    FROM rewards_redemption r
    LEFT JOIN loyalty_hold h ON h.id = r.hold_id
    WHERE r.redeemed_at >= %(since)s AND r.redeemed_at < %(until)s AND r.state <> 'reserved'
        AND (r.hold_id IS NULL OR h.state = 'captured') AND (%(reward)s = '' OR r.reward_id = (
            SELECT id FROM rewards_reward WHERE code = %(reward)s
        ))
)"""

_BY_REWARD = f"""
WITH {_MADE}, used AS (
    SELECT v.redemption_id AS id, count(*) FILTER (WHERE v.state = 'used') AS pieces
    FROM made m JOIN rewards_voucher v ON v.redemption_id = m.id AND v.replaces_id IS NULL GROUP BY 1
), summed AS (
    SELECT m.reward_id, count(*) FILTER (WHERE is_bought) AS redemptions,
        sum(m.quantity) FILTER (WHERE is_bought) AS pieces, sum(m.points) FILTER (WHERE is_bought) AS points,
        sum(m.cash) FILTER (WHERE is_bought) AS cash, sum(m.cost) FILTER (WHERE is_bought) AS cost,
        sum(m.points) FILTER (WHERE is_bought AND m.cost IS NOT NULL) AS costed_points,
        sum(m.borne) FILTER (WHERE NOT is_cancelled) AS borne, sum(m.quantity) FILTER (WHERE is_given) AS given,
        sum(m.cost) FILTER (WHERE is_given) AS given_cost, sum(m.quantity) FILTER (WHERE is_cancelled) AS cancelled,
        sum(m.quantity) FILTER (WHERE NOT is_cancelled) AS standing,
        sum(CASE WHEN u.id IS NOT NULL THEN u.pieces WHEN is_handed_over THEN m.quantity END)
            FILTER (WHERE NOT is_cancelled) AS used
    FROM made m LEFT JOIN used u ON u.id = m.id GROUP BY 1
)
SELECT w.id, w.code, w.name, w.kind, w.partner, s.redemptions, s.pieces, s.points, s.cash, s.cost, s.costed_points,
    s.borne, s.given, s.given_cost, s.cancelled, s.standing, s.used,
    (SELECT count(*) FROM rewards_wish x WHERE x.reward_id = w.id) AS wishes
FROM rewards_reward w LEFT JOIN summed s ON s.reward_id = w.id
WHERE (w.active OR s.reward_id IS NOT NULL) AND (%(reward)s = '' OR w.code = %(reward)s)
ORDER BY coalesce(s.pieces, 0) DESC, coalesce(s.given, 0) DESC, w.points, w.id"""

_BY_DAY = f"""
WITH {_MADE}
SELECT day, count(*), sum(quantity), sum(points), coalesce(sum(cost), 0) FROM made WHERE is_bought GROUP BY 1 ORDER BY 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Days of a zone, both included; `reward` is a code, empty: all of them."""

    first: date
    last: date
    zone: ZoneInfo
    reward: str = ""

    def values(self) -> dict[str, Any]:
        """As the statements take it."""
        return {
            "since": datetime.combine(self.first, time.min, self.zone),
            "until": datetime.combine(self.last + timedelta(days=1), time.min, self.zone),
            "zone": self.zone.key,
            "reward": self.reward,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One reward, or several together. Bought is what cost points; `cost` None: nobody said what it costs.

    `borne` is what partners bear of all that went; `used` counts pieces of all that stands, given ones too.
    """

    redemptions: int = 0
    pieces: int = 0
    points: int = 0
    cash: Decimal = NOTHING
    cost: Decimal | None = None
    costed_points: int = 0
    borne: Decimal = NOTHING
    given: int = 0
    given_cost: Decimal | None = None
    cancelled: int = 0
    standing: int = 0
    used: int = 0
    wishes: int = 0

    @property
    def whole_cost(self) -> Decimal | None:
        """What bought and given pieces cost together."""
        if self.cost is None and self.given_cost is None:
            return None
        return (self.cost or NOTHING) + (self.given_cost or NOTHING)

    @property
    def partners(self) -> Decimal:
        """What partners bear, to the cent."""
        return self.borne.quantize(CENT, ROUND_HALF_UP)

    @property
    def own_cost(self) -> Decimal | None:
        """What is left to the merchant of the cost."""
        return None if self.whole_cost is None else self.whole_cost - self.partners

    @property
    def cost_per_point(self) -> Decimal | None:
        """CPP: cost of what was bought ÷ points redeemed for it, where the cost is known; None: no data."""
        if self.cost is None or not self.costed_points:
            return None
        return self.cost / self.costed_points

    @property
    def used_rate(self) -> Decimal | None:
        """Pieces used or handed over ÷ pieces that stand; None: there are none."""
        return Decimal(self.used) / self.standing if self.standing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardLine:
    """The line of one reward."""

    id: int
    code: str
    name: str
    kind: str
    partner: str
    line: Line


@dataclass(frozen=True, slots=True)
class DayLine:
    """What was bought on one day."""

    day: date
    redemptions: int
    pieces: int
    points: int
    cost: Decimal


def by_reward(asked: Asked) -> list[RewardLine]:
    """Every reward on offer or redeemed in the period, the most popular first."""
    return [
        RewardLine(id=row[0], code=row[1], name=row[2], kind=row[3], partner=row[4], line=_line(row[5:]))
        for row in _rows(_BY_REWARD, asked)
    ]  # fmt: skip


def by_day(asked: Asked) -> list[DayLine]:
    """The days on which something was bought."""
    return [DayLine(*row) for row in _rows(_BY_DAY, asked)]


def together(lines: Sequence[Line]) -> Line:
    """Several lines as one; costs nobody said stay unknown."""

    def summed(name: str) -> Any:
        said = [getattr(each, name) for each in lines if getattr(each, name) is not None]
        return sum(said[1:], said[0]) if said else None

    sums = {name: summed(name) for name in _FIELDS}
    return Line(**{name: value for name, value in sums.items() if value is not None})


_MAYBE = ("cost", "given_cost")
_FIELDS = ("redemptions", "pieces", "points", "cash", "cost", "costed_points", "borne", "given", "given_cost",
    "cancelled", "standing", "used", "wishes")  # fmt: skip


def _line(cells: Sequence[Any]) -> Line:
    """Left out where there is nothing; whole numbers as such (a sum of them comes as a Decimal)."""
    money = {"cash", "borne", *_MAYBE}
    said = zip(_FIELDS, cells, strict=True)
    values: dict[str, Any] = {
        name: value if name in money else int(value) for name, value in said if value is not None
    }
    return Line(**values)


def _rows(statement: str, asked: Asked) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked.values())
        return list(cursor.fetchall())
