"""Other campaigns that run at the same time: the same once more, and groups that do not agree."""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from campaigns.limits import ALONE
from campaigns.linting.subject import Background, Finding, Subject, blocking, warning


def _beside(subject: Subject, known: Background) -> Iterator[Subject]:
    """The other running campaigns that the same moments set off."""
    for other in known.running:
        if (
            other.code != subject.code
            and other.trigger == subject.trigger
            and subject.meets(other)
        ):
            yield other


def is_a_duplicate(subject: Subject, known: Background) -> Iterable[Finding]:
    """Another campaign has the same trigger and conditions, perhaps the same effect."""
    group = subject.combine.get("group")
    for other in _beside(subject, known):
        is_choice = (
            group is not None and group == other.combine.get("group") and _mode(subject) != "stack"
        )
        if subject.conditions != other.conditions or is_choice:
            continue
        if subject.effect == other.effect:
            yield blocking(
                "duplicate",
                "/conditions",
                _(
                    "“%(name)s” runs already with the same conditions and effect: both would be given."
                )
                % {"name": other.name},
            )
        else:
            yield warning(
                "same_conditions",
                "/conditions",
                _("“%(name)s” has the same conditions: both will be given at once.")
                % {"name": other.name},
            )


def quarrels_in_its_group(subject: Subject, known: Background) -> Iterable[Finding]:
    """Members of a group name different modes, or the same priority where the first by priority wins."""
    group = subject.combine.get("group")
    if group is None:
        return
    for other in _beside(subject, known):
        if other.combine.get("group") != group:
            continue
        names = {"name": other.name, "group": group}
        if _mode(other) != _mode(subject):
            yield blocking(
                "group_modes_differ",
                "/combine/mode",
                _("“%(name)s” is in the group “%(group)s” too and combines otherwise.") % names,
            )
        elif _mode(subject) == "first" and _priority(other) == _priority(subject):
            yield warning(
                "group_priorities_equal",
                "/combine/priority",
                _("“%(name)s” has the same priority in the group “%(group)s”: the older one wins.")
                % names,
            )


def _mode(subject: Subject) -> str:
    return str(subject.combine.get("mode", ALONE["mode"]))


def _priority(subject: Subject) -> int:
    return int(subject.combine.get("priority", ALONE["priority"]))
