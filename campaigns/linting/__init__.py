"""The lint: what is probably not meant in a campaign, found before it runs.

A rule is a function of the subject and its background that yields findings; another rule is one more in `RULES`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from campaigns.linting import bounds, others, replays, rewards, times, words
from campaigns.linting.subject import BLOCKING, WARNING, Background, Finding, Subject
from campaigns.models import Campaign

__all__ = [
    "BLOCKING",
    "RULES",
    "WARNING",
    "Background",
    "Finding",
    "Subject",
    "findings",
    "reward_findings",
]

RULES: tuple[Callable[[Subject, Background], Iterable[Finding]], ...] = (
    times.window_is_past,
    times.never_matches,
    others.is_a_duplicate,
    others.quarrels_in_its_group,
    bounds.limit_is_below_one_award,
    bounds.budget_is_below_one_award,
    bounds.budget_is_used_up,
    replays.budget_is_gone_at_once,
    bounds.limit_has_no_effect,
    bounds.effect_is_nothing,
    bounds.multiplier_is_large,
    bounds.nothing_limits_it,
    bounds.amount_is_above_all_orders,
    rewards.reward_cannot_be_had,
    words.word_is_unknown,
    words.segment_is_empty,
    words.event_is_spelled_otherwise,
)


def findings(
    campaign: Campaign | Mapping[str, Any], at: datetime, background: Background | None = None
) -> list[Finding]:
    """What is found in a campaign, or in content as `editing.content` writes it, at a moment; what blocks comes first.

    Each is `{"code", "severity": "blocking"|"warning", "pointer", "text"}`. One background serves many campaigns; without
    one a few bounded queries are asked.
    """
    subject = Subject.of(campaign)
    known = background or Background(at=at)
    found = [each for rule in RULES for each in rule(subject, known)]
    return sorted(found, key=lambda each: each["severity"] != BLOCKING)


def reward_findings(campaign: Campaign, background: Background) -> list[Finding]:
    """What may have happened, while a campaign runs, to the reward that it gives."""
    return list(rewards.reward_cannot_be_had(Subject.of(campaign), background))
