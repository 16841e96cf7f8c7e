"""Why an order earned what it did, and why not more: every rule that was in force when it was posted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from campaigns import judging, running
from campaigns.histories import Past
from campaigns.judging import Judge
from campaigns.models import Campaign, CampaignAward
from campaigns.occasions import ORDER, REFERRAL, of_order
from campaigns.rules import Rule, compile_rule
from loyalty import order_facts, programs
from loyalty.models import Order
from members import queries as member_queries


def rules_for(order: Order) -> list[dict[str, Any]]:
    """The campaigns in force when the order was posted, each with its conditions and the values seen then.

    Versions are those of that moment; orders that were posted later are not seen; segments are asked as they are now.
    Empty for a passer-by's order. Six queries at most.
    """
    if order.member is None:
        return []
    rules = _in_force(_posted_at(order))
    if not rules:
        return []
    program = programs.current()
    facts = order_facts.as_stored(order, list(order.lines.order_by("position")))
    past = Past(but=order.pk, before=order.pk)
    judge = Judge(judging.in_order(rules), past)
    occasion = of_order(
        facts=facts,
        member=order.member,
        tier=member_queries.tier_at(member=order.member, at=order.placed_at),
        zone=program.zone,
        history=past,
    )
    judge.load(occasions=[occasion], lock=False)
    occasion.segments |= _segments_then(order, rules)
    return judge.explain(occasion)


def _segments_then(order: Order, rules: Sequence[Rule]) -> frozenset[str]:
    """The segments that the member must have been in, since a campaign for them paid; wallets have changed meanwhile."""
    paid = set(CampaignAward.objects.filter(order=order).values_list("campaign_id", flat=True))
    return frozenset(
        code
        for rule in rules
        if rule.id in paid
        for check in rule.checks
        if check.name == "segments"
        for code in check.expected
    )


def _posted_at(order: Order) -> datetime:
    """When its points were decided: with the order, or with the step that awarded it later."""
    assert order.awarded_at is not None
    # A step may be said to be a little ahead of the clock; the award is not.
    step = order.steps.filter(at__gte=order.awarded_at).order_by("at", "id").first()
    return step.created_at if step is not None else order.created_at


def _in_force(at: datetime) -> list[Rule]:
    found = running.version_in_force(triggers=[ORDER, REFERRAL], at=at)
    return [
        compile_rule(id=each.campaign_id, version=each.number, content=each.content)
        for each in found
        if each.content["state"] == Campaign.State.ACTIVE
    ]
