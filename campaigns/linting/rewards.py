"""Rewards that a campaign gives but nobody can have."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from campaigns import effects
from campaigns.linting.subject import Background, Finding, Subject, blocking
from rewards import queries


def reward_cannot_be_had(subject: Subject, known: Background) -> Iterable[Finding]:
    """The reward is off sale when the campaign runs, or out of stock."""
    code = subject.effect.get("reward")
    if subject.effect.get("type") != effects.GRANT_REWARD or not code:
        return
    reward = known.rewards.get(code)
    begins = max(known.at, subject.starts_at or known.at)
    if reward is None or not queries.is_on_sale(reward, begins):
        yield blocking(
            "reward_not_on_sale",
            "/effect/reward",
            _("The reward “%(code)s” is not on sale when the campaign begins.") % {"code": code},
        )
    elif reward.stock == 0:
        yield blocking(
            "reward_sold_out",
            "/effect/reward",
            _("The reward “%(name)s” is out of stock.") % {"name": reward.name},
        )
