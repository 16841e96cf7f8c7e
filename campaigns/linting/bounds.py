"""Limits, budgets and sizes that make an effect smaller, or larger, than was probably meant."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import effects, limits, triggers
from campaigns.linting.subject import Background, Finding, Subject, blocking, warning
from campaigns.occasions import ORDER

LARGE_MULTIPLIER = Decimal(10)


def limit_is_below_one_award(subject: Subject, _known: Background) -> Iterable[Finding]:
    """A member's limit cuts the very first award."""
    award = max(1, effects.one_award(subject.effect))
    for name in limits.PER_MEMBER:
        limit = subject.limits.get(name)
        if limit is not None and limit < award:
            yield blocking(
                "limit_below_award",
                f"/limits/{name}",
                _("A member may get %(limit)d, but one award alone is %(award)d.")
                % {"limit": limit, "award": award},
            )


def budget_is_below_one_award(subject: Subject, _known: Background) -> Iterable[Finding]:
    """The budget is not enough for a single award."""
    budget = subject.limits.get(limits.BUDGET)
    award = _award_of_all_sides(subject)
    if budget is not None and budget < award:
        yield blocking(
            "budget_below_award",
            f"/limits/{limits.BUDGET}",
            _("The budget is %(budget)d, but one award alone is %(award)d.")
            % {"budget": budget, "award": award},
        )


def _award_of_all_sides(subject: Subject) -> int:
    sides = 2 if subject.effect.get("to") == "both" else 1
    return max(1, effects.one_award(subject.effect)) * sides


def budget_is_used_up(subject: Subject, _known: Background) -> Iterable[Finding]:
    """What is left of the budget is not enough for another award."""
    budget, left = subject.limits.get(limits.BUDGET), subject.budget_left
    award = _award_of_all_sides(subject)
    if budget is not None and left is not None and left < award <= budget:
        yield warning(
            "budget_used_up",
            f"/limits/{limits.BUDGET}",
            ngettext(
                "%(left)d point of the budget is left: not enough for another award.",
                "%(left)d points of the budget are left: not enough for another award.",
                left,
            )
            % {"left": left},
        )


def budget_gone_at_once(*, minutes: int) -> Finding:
    """What a replay adds when the budget would have been used up within the hour."""
    return blocking(
        "budget_gone_at_once",
        f"/limits/{limits.BUDGET}",
        ngettext(
            "In the replay the budget was used up after %(minutes)d minute.",
            "In the replay the budget was used up after %(minutes)d minutes.",
            minutes,
        )
        % {"minutes": minutes},
    )


def budget_gone_soon(*, hours: int) -> Finding:
    """What a replay adds when the budget would have been used up within the day."""
    return warning(
        "budget_gone_soon",
        f"/limits/{limits.BUDGET}",
        ngettext(
            "In the replay the budget was used up after %(hours)d hour.",
            "In the replay the budget was used up after %(hours)d hours.",
            hours,
        )
        % {"hours": hours},
    )


def limit_has_no_effect(subject: Subject, _known: Background) -> Iterable[Finding]:
    """A limit for a short period is above that for a longer one."""
    said = [(name, subject.limits.get(name)) for name in (*limits.PER_MEMBER, limits.BUDGET)]
    given = [(name, limit) for name, limit in said if limit is not None]
    for place, (name, limit) in enumerate(given):
        if any(longer < limit for _name, longer in given[place + 1 :]):
            yield warning(
                "limit_without_effect",
                f"/limits/{name}",
                _(
                    "This limit is never reached: one for a longer period, or the budget, is smaller."
                ),
            )


def effect_is_nothing(subject: Subject, _known: Background) -> Iterable[Finding]:
    """A multiplier of 1 changes nothing."""
    if _factor(subject) == 1:
        yield warning("no_effect", "/effect/value", _("A multiplier of 1 changes nothing."))


def multiplier_is_large(subject: Subject, _known: Background) -> Iterable[Finding]:
    """A multiplier above ten is perhaps a slip."""
    factor = _factor(subject)
    if factor is not None and factor > LARGE_MULTIPLIER:
        yield warning(
            "large_multiplier",
            "/effect/value",
            _("× %(factor)s is a lot. Is it what you mean?") % {"factor": effects.plain(factor)},
        )


def _factor(subject: Subject) -> Decimal | None:
    is_multiplier = subject.effect.get("type") == effects.MULTIPLIER
    return Decimal(subject.effect["value"]) if is_multiplier else None


def nothing_limits_it(subject: Subject, _known: Background) -> Iterable[Finding]:
    """Whoever repeats an act, or brings friends who do not exist, earns without end."""
    is_repeated = subject.trigger not in (ORDER, *triggers.RARE)
    if is_repeated and all(
        subject.limits.get(name) is None for name in limits.NO_LIMITS if name != "on_exceed"
    ):
        yield warning(
            "no_limit",
            "/limits",
            _(
                "There is neither a budget nor a limit for each member: repeating it pays every time."
            ),
        )


def amount_is_above_all_orders(subject: Subject, known: Background) -> Iterable[Finding]:
    """No order of the last year reached the least amount."""
    least = subject.conditions.get("min_amount")
    largest = None if least is None else known.largest_amount
    if least is not None and largest is not None and Decimal(least) > largest:
        yield warning(
            "amount_above_orders",
            "/conditions/min_amount",
            _("No recent order was that large; the largest was %(largest)s.")
            % {"largest": f"{largest:.2f}"},
        )
