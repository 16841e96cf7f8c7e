"""Rewards that a campaign gives although nobody can buy them, or that are gone."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns import effects
from campaigns.linting.subject import Background, Finding, Subject, blocking, warning
from rewards import queries
from rewards.models import Reward


def reward_cannot_be_had(subject: Subject, known: Background) -> Iterable[Finding]:
    """The reward is off sale when the campaign runs or before it ends, or out of stock."""
    code = subject.effect.get("reward")
    if subject.effect.get("type") != effects.GRANT_REWARD or not code:
        return
    reward = known.rewards.get(code)
    if reward is None:
        yield blocking(
            "reward_not_on_sale",
            "/effect/reward",
            _("There is no reward “%(code)s”.") % {"code": code},
        )
        return
    yield from _off_sale(subject, known, reward)
    if reward.stock == 0:
        yield blocking(
            "reward_sold_out",
            "/effect/reward",
            _("The reward “%(name)s” is out of stock.") % {"name": reward.name},
        )


def _off_sale(subject: Subject, known: Background, reward: Reward) -> Iterable[Finding]:
    begins = max(known.at, subject.starts_at or known.at)
    if not queries.is_on_sale(reward, begins):
        yield blocking(
            "reward_not_on_sale",
            "/effect/reward",
            _(
                "The reward “%(name)s” is not on sale, and the campaign gives it all the same. "
                "If nobody is to get it any more, end the campaign or set the stock to 0."
            )
            % {"name": reward.name},
        )
    elif reward.ends_at is not None and _lasts_longer(subject, reward.ends_at):
        day = date_format(reward.ends_at.astimezone(known.zone), "DATETIME_FORMAT")
        yield warning(
            "reward_ends_first",
            "/effect/reward",
            _(
                "The reward “%(name)s” goes off sale on %(day)s; the campaign goes on giving it after that."
            )
            % {"name": reward.name, "day": day},
        )


def _lasts_longer(subject: Subject, moment: datetime) -> bool:
    return subject.ends_at is None or subject.ends_at > moment
