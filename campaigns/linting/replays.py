"""What the last replay of just this campaign said."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from campaigns.limits import BUDGET
from campaigns.linting.bounds import budget_gone_at_once, budget_gone_soon
from campaigns.linting.subject import Background, Finding, Replayed, Subject

AT_ONCE = timedelta(hours=1)
SOON = timedelta(days=1)
# What has to be as it was when the replay was run; names, states and windows may change.
SAME = ("trigger", "conditions", "effect", "limits", "combine")


def budget_is_gone_at_once(subject: Subject, known: Background) -> Iterable[Finding]:
    """In the replay the budget was used up within an hour, or a day, of the first points."""
    if subject.limits.get(BUDGET) is None:
        return
    replayed = known.replays.get(subject.code)
    if replayed is None or replayed.gone_at is None or not _is_of(subject, replayed):
        return
    began = datetime.fromisoformat(replayed.since)
    if replayed.is_window_kept and subject.starts_at is not None:
        began = max(began, subject.starts_at)
    if replayed.first_at is not None:
        began = max(began, datetime.fromisoformat(replayed.first_at))
    lasted = datetime.fromisoformat(replayed.gone_at) - began
    if lasted <= AT_ONCE:
        yield budget_gone_at_once(minutes=max(0, lasted // timedelta(minutes=1)))
    elif lasted <= SOON:
        yield budget_gone_soon(hours=lasted // timedelta(hours=1))


def _is_of(subject: Subject, replayed: Replayed) -> bool:
    return all(getattr(subject, name) == replayed.content.get(name) for name in SAME)
