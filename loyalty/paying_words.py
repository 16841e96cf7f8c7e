"""How points pay, in words: for the merchant who sets it and the member at the till."""

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from loyalty import queries
from loyalty.models import Program
from loyalty.paying import Rule

HUNDRED = 100


def for_members(program: Program) -> list[str]:
    """The rule as sentences; empty where points pay nothing at the till."""
    rule = Rule.of(program)
    if not rule.max_share or not program.point_value:
        return []
    return [_worth(rule.step or HUNDRED, program), *bounds(rule)]


def bounds(rule: Rule) -> list[str]:
    """How much points may pay, without what they are worth."""
    if not rule.max_share:
        return [_("Points cannot be used to pay at the till.")]
    return [_most(rule), *_fewest(rule)]


def for_merchants(program: Program) -> list[str]:
    """The rule with what a payment with points earns, and what a refund gives back first."""
    said = for_members(program)
    if not said:
        return [_("Points cannot be used to pay at the till.")]
    first = {
        Program.RefundFirst.POINTS: _("A refund gives the points back first, then money."),
        Program.RefundFirst.CASH: _("A refund gives money back first, then the points."),
    }
    earns = (
        _("The part paid with points earns points too.")
        if program.earn_on_points_paid
        else _("The part paid with points earns nothing.")
    )
    return [*said, earns, first[Program.RefundFirst(program.refund_first)]]


def in_one(sentences: Sequence[str]) -> str:
    """Sentences one after the other: with a blank between them, in Chinese without."""

    def then(before: str, after: str) -> str:
        said = pgettext("a sentence and the next one", "%(before)s %(after)s")
        return said % {"before": before, "after": after}

    return reduce(then, sentences) if sentences else ""


def _worth(points: int, program: Program) -> str:
    return ngettext(
        "%(points)d point is worth %(money)s.", "%(points)d points are worth %(money)s.", points
    ) % {"points": points, "money": _money(queries.value_of(points, program), program)}


def _most(rule: Rule) -> str:
    if rule.max_share == 1:
        return _("They may pay a whole order.")
    return _("They pay at most %(share)s of an order.") % {"share": percent(rule.max_share)}


def _fewest(rule: Rule) -> list[str]:
    said = []
    if rule.least > (rule.step or 1):
        said.append(_("At least %(points)d points at a time.") % {"points": rule.least})
    if rule.step is not None and rule.step > 1:
        said.append(_("In steps of %(points)d points.") % {"points": rule.step})
    return said


def percent(share: Decimal) -> str:
    """0.5 → 50 %, 0.125 → 12.5 %."""
    return _("%(share)s %%") % {"share": f"{(share * HUNDRED).normalize():f}"}


def _money(amount: Decimal, program: Program) -> str:
    symbol = "¥" if program.currency == "CNY" else f"{program.currency} "
    return f"{symbol}{amount:,.2f}"
