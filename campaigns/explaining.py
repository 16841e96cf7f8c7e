"""Why an order or act earned what it did, and why not more: every rule that was in force when it was posted."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from campaigns import judging, running
from campaigns.histories import Past
from campaigns.judging import Judge
from campaigns.models import Act, Campaign, CampaignAward
from campaigns.occasions import ORDER, REFERRAL, of_act, of_order
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
    rules = _in_force([ORDER, REFERRAL], _posted_at(order))
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
    occasion.segments |= _segments_then(CampaignAward.objects.filter(order=order), rules)
    return judge.explain(occasion)


def _segments_then(awards: QuerySet[CampaignAward], rules: Sequence[Rule]) -> frozenset[str]:
    """The segments that the member must have been in, since a campaign for them paid; wallets have changed meanwhile."""
    paid = set(awards.values_list("campaign_id", flat=True))
    return frozenset(
        code
        for rule in rules
        if rule.id in paid
        for check in rule.checks
        if check.name == "segments"
        for code in check.expected
    )


def rules_for_act(act: Act) -> list[dict[str, Any]]:
    """The campaigns for events of its type that were in force when an act was taken down, like `rules_for`."""
    rules = _in_force([act.type], act.created_at)
    if not rules:
        return []
    past = Past(but_act=act.pk, before_act=act.pk)
    judge = Judge(judging.in_order(rules), past)
    occasion = of_act(
        trigger=act.type,
        at=act.at,
        member=act.member,
        zone=programs.current().zone,
        history=past,
        data=act.data,
    )
    occasion.tier = member_queries.tier_at(member=act.member, at=act.at).code
    judge.load(occasions=[occasion], act_type=act.type, lock=False)
    occasion.segments |= _segments_then(CampaignAward.objects.filter(act=act), rules)
    return judge.explain(occasion)


def _posted_at(order: Order) -> datetime:
    """When its points were decided: with the order, or with the step that awarded it later."""
    assert order.awarded_at is not None
    # A step may be said to be a little ahead of the clock; the award is not.
    step = order.steps.filter(at__gte=order.awarded_at).order_by("at", "id").first()
    return step.created_at if step is not None else order.created_at


def _in_force(triggers: Collection[str], at: datetime) -> list[Rule]:
    found = running.version_in_force(triggers=triggers, at=at)
    return [
        compile_rule(id=each.campaign_id, version=each.number, content=each.content)
        for each in found
        if each.content["state"] == Campaign.State.ACTIVE
    ]
