"""A campaign run over the orders of a period as if it had been there: what it would have given; nothing is written.

The orders are walked in the order of time with the campaigns that run now, once with the campaign and once without it
(and, where it runs already, as it does now); the engine is the one that judges orders. Every order has its own tier,
lines and history; limits and budgets begin at nothing, segments are those of now, refunds are not taken off. Tiers are
those that the history tells: status points that the campaign would give lift nobody.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import past_orders, replay_queries, trials
from campaigns.errors import NotReplayable
from campaigns.occasions import ORDER
from campaigns.past_orders import PastOrders, Period, Shop
from campaigns.replay_figures import Figures
from campaigns.rules import Rule
from campaigns.trials import Trial
from loyalty import queries as loyalty_queries
from loyalty import snapshots
from loyalty.models import Program
from members import jobs
from members.errors import InvalidInput
from members.jobs import Report
from members.models import Job

MOST_YEARS = 3
_LONGEST = timedelta(days=366 * MOST_YEARS)


def start(
    *, content: Mapping[str, Any], since: datetime, until: datetime, by: str, at: datetime
) -> Job:
    """Ask for a replay of a campaign's content (as `editing.content` writes it; it may not be stored).

    Over the orders placed from `since` (inclusive) to `until` (exclusive). Raises InvalidInput (pointers /from and /to)
    and NotReplayable (a campaign that does not look at orders).
    """
    refuse_unsound(content=content, since=since, until=until)
    program = loyalty_queries.program()
    return jobs.start(
        kind=replay_queries.KIND,
        parameters={
            "campaign": content["code"],
            "content": dict(content),
            "from": _local(since, program),
            "to": _local(until, program),
        },
        by=by,
        at=at,
    )


def refuse_unsound(*, content: Mapping[str, Any], since: datetime, until: datetime) -> None:
    """Refuse a period that is empty or too long, and a campaign that no order sets off."""
    if since >= until:
        raise InvalidInput("/to", "invalid", _("The end must be after the beginning."))
    if until - since > _LONGEST:
        raise InvalidInput(
            "/from",
            "too_long",
            ngettext(
                "A replay covers at most %(years)d year.",
                "A replay covers at most %(years)d years.",
                MOST_YEARS,
            )
            % {"years": MOST_YEARS},
        )
    if content["trigger"] != ORDER:
        raise NotReplayable(trigger=content["trigger"])


def by_job(parameters: Mapping[str, Any], report: Report, at: datetime) -> dict[str, Any]:
    """The background job: `campaign`, `content`, `from` and `to` are those of `start`."""
    return replay(
        content=parameters["content"],
        since=datetime.fromisoformat(parameters["from"]),
        until=datetime.fromisoformat(parameters["to"]),
        report=report,
        at=at,
    )


def replay(
    *,
    content: Mapping[str, Any],
    since: datetime,
    until: datetime,
    report: Report,
    at: datetime,
) -> dict[str, Any]:
    """What the campaign would have given, as JSON has it; raises as `start` does.

    The figures count what differs with the campaign: `orders` and `members` touched, `points`, their `cost` in money,
    `status_points`, `pieces`; the same `by_day`, `by_tier` and `by_store`; who gets most (`winners`) and who gets less
    than by the campaign as it runs now (`losers`); how often and by how much its limits cut (`cap_hits`), and when its
    budget was used up (`budget_gone_at`). `window` says whether the campaign's own window was kept or, where it lies
    outside the period, left out.
    """
    refuse_unsound(content=content, since=since, until=until)
    with snapshots.snapshot():
        shop = Shop.read(now=at)
        rules = trials.rules_of(content=content, since=since, until=until)
        is_kept = _meets(rules.tried, since, until)
        if not is_kept:
            rules = replace(rules, tried=replace(rules.tried, starts_at=None, ends_at=None))
        trial = Trial(rules=rules, program=shop.program)
        figures = _walk(trial, shop, Period(since=since, until=until), report)
        found = figures.shown(rules)
    return {
        "period": {
            "from": _local(since, shop.program),
            "to": _local(until, shop.program),
        },
        "window": "kept" if is_kept else "left_out",
        "campaigns_beside": [rule.code for rule in rules.others],
        **found,
        "budget_gone_at": _local(trial.budget_gone_at, shop.program),
    }


def _walk(trial: Trial, shop: Shop, period: Period, report: Report) -> Figures:
    total = past_orders.count([period])
    report(0)
    figures = Figures(shop)
    orders = PastOrders(
        period=period, rules=trial.rules.all, decisive=trial.rules.decisive, shop=shop
    )
    for chunk in orders.chunks():
        for order in chunk:
            figures.add(order, trial.judge(order))
        report(min(99, 100 * figures.looked_at // max(1, total)))
    return figures


def _meets(rule: Rule, since: datetime, until: datetime) -> bool:
    return (rule.starts_at is None or rule.starts_at < until) and (
        rule.ends_at is None or rule.ends_at > since
    )


def _local(at: datetime | None, program: Program) -> str | None:
    return None if at is None else at.astimezone(program.zone).isoformat()
