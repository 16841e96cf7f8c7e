"""How much of an order points may pay: the program's `pay_with_points`, exact to the cent.

Fewest points and step bind where points are set aside for a payment, the share where the order is known. See
docs/decisions/0026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal, localcontext
from typing import Any

from loyalty import queries
from loyalty.errors import NotInSteps, ShareReached
from loyalty.models import Hold, Program
from loyalty.queries.program import CENT, DIGITS
from members.models import Member


@dataclass(frozen=True, slots=True)
class Rule:
    """The setting as it is read: the largest share of an order, the fewest points, the step."""

    max_share: Decimal
    min: int | None
    step: int | None

    @classmethod
    def of(cls, program: Program) -> "Rule":
        """The program's."""
        return cls.read(program.pay_with_points)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Rule":
        """From the setting itself."""
        return cls(Decimal(str(said.get("max_share", 1))), said.get("min"), said.get("step"))

    @property
    def least(self) -> int:
        """The fewest points that may pay: the first step from `min` on."""
        least, step = self.min or 1, self.step or 1
        return -(-least // step) * step

    def payable(self, points: int) -> int:
        """The most of these points that may pay: whole steps; 0 where they are too few."""
        whole = points // (self.step or 1) * (self.step or 1)
        return whole if whole >= self.least else 0

    def most_money(self, amount: Decimal) -> Decimal:
        """What points may pay of an amount, rounded down to cents."""
        with localcontext(prec=DIGITS):
            return (amount * self.max_share).quantize(CENT, ROUND_DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What a member may pay of a basket with points, and what that is worth."""

    points: int
    money: Decimal
    min: int | None
    step: int | None


# ---- refusals ---------------------------------------------------------------------------------------
def refuse_odd_points(points: int, program: Program) -> None:
    """Refuse points that are fewer than may pay, or no whole steps (NotInSteps)."""
    rule = Rule.of(program)
    if rule.payable(points) != points:
        limit = rule.payable(points) or rule.least
        raise NotInSteps(limit=limit, used=points, min=rule.min, step=rule.step)


def refuse_beyond_share(
    *, money: Decimal, points: int | None, amount: Decimal, program: Program
) -> None:
    """Refuse what is paid with points above the largest share of an order's amount (ShareReached).

    `points` None: as many as the money is worth.
    """
    rule = Rule.of(program)
    most = rule.most_money(amount)
    if money <= most:
        return
    raise ShareReached(
        limit=most_points(amount, program),
        used=_enough(money, program) if points is None else points,
        limit_amount=f"{most:.2f}",
        used_amount=f"{money:.2f}",
        min=rule.min,
        step=rule.step,
    )


# ---- what may be paid -------------------------------------------------------------------------------
def most_points(amount: Decimal, program: Program) -> int:
    """The fewest points worth all that they may pay of an amount; where no number is, the most that are worth less."""
    rule = Rule.of(program)
    most = rule.most_money(amount)
    if not most or not program.point_value:
        return 0
    enough = enough_points(most, program)
    if queries.value_of(enough, program) <= most:
        return enough
    with localcontext(prec=DIGITS):
        return rule.payable(int((most / program.point_value).to_integral_value(ROUND_FLOOR)))


def enough_points(money: Decimal, program: Program) -> int:
    """The fewest points, as many as may pay, that are worth so much money or more."""
    rule = Rule.of(program)
    least, step = max(_enough(money, program), rule.least), rule.step or 1
    return -(-least // step) * step


def _enough(money: Decimal, program: Program) -> int:
    """The fewest points that are worth so much money."""
    if not program.point_value:
        return 0
    with localcontext(prec=DIGITS):
        return int((money / program.point_value).to_integral_value(ROUND_CEILING))


def payable(
    *, amount: Decimal, member: Member | None, hold: Hold | None, program: Program, at: datetime
) -> Payable:
    """What the member may pay of an order of this amount now: within balance, share, steps and the month's cap.

    What `hold` keeps for the order counts as there. Nobody's orders, and a member's who may not spend, get nothing.
    """
    rule = Rule.of(program)
    points = 0
    if member is not None and member.status == Member.Status.ACTIVE:
        within = most_points(amount, program)
        points = rule.payable(min(within, _available(member, hold, program, at)))
    return Payable(
        points=points, money=queries.value_of(points, program), min=rule.min, step=rule.step
    )


def _available(member: Member, hold: Hold | None, program: Program, at: datetime) -> int:
    kept = hold.points if hold is not None else 0
    available = queries.figures(member=member, at=at, program=program).active + kept
    if program.monthly_redemption_cap is None:
        return available
    wallet = queries.wallet_of(member=member)
    used = queries.points_redeemed_this_month(
        wallets=[wallet.pk, *wallet.merged_from], at=at, zone=program.zone
    )
    return max(0, min(available, program.monthly_redemption_cap - used + kept))
