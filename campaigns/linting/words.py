"""Words that are spelled otherwise than in the orders, segments without members, events nobody reports."""

import difflib
from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _

from campaigns import triggers
from campaigns.linting.subject import Background, Finding, Subject, warning

KINDS = {
    "channels": "channels",
    "payment_methods": "payment_methods",
    **{name: name for name in ("categories", "brands", "skus", "tags")},
    **{f"exclude_{name}": name for name in ("categories", "brands", "skus", "tags")},
}
# In one condition so many are named; comparing goes through at most so many words of the shop.
MOST_FINDINGS = 10
MOST_COMPARED = 5_000


def word_is_unknown(subject: Subject, known: Background) -> Iterable[Finding]:
    """No recent order has this channel, category and so on; perhaps another spelling is meant."""
    if not triggers.has_order(subject.trigger):
        return
    for condition, kind in KINDS.items():
        asked = subject.conditions.get(condition) or []
        seen = known.words(kind, asked) if asked else frozenset()
        strange = [(place, word) for place, word in enumerate(asked) if word not in seen]
        if not seen:
            continue  # nothing to compare with yet
        for place, word in strange[:MOST_FINDINGS]:
            yield warning(
                "unknown_word",
                f"/conditions/{condition}/{place}",
                _said(word, nearest(word, seen)),
            )


def _said(word: str, near: str | None) -> str:
    if near is None:
        return _("No recent order has “%(word)s”.") % {"word": word}
    return _("No recent order has “%(word)s”. Do you mean “%(near)s”?") % {
        "word": word,
        "near": near,
    }


def nearest(word: str, words: Collection[str]) -> str | None:
    """The most similar of the words; capitals do not matter. None when all are quite different."""
    folded = {
        each.strip().casefold(): each for each in sorted(words, reverse=True)[:MOST_COMPARED]
    }
    found = difflib.get_close_matches(word.strip().casefold(), list(folded), n=1)
    return folded[found[0]] if found else None


def segment_is_empty(subject: Subject, known: Background) -> Iterable[Finding]:
    """Nobody was in the segment when it was refreshed last."""
    for place, code in enumerate(subject.conditions.get("segments") or []):
        if known.segment_sizes.get(code) == 0:
            yield warning(
                "empty_segment",
                f"/conditions/segments/{place}",
                _("There is nobody in the segment “%(code)s”.") % {"code": code},
            )


def event_is_spelled_otherwise(subject: Subject, known: Background) -> Iterable[Finding]:
    """Nobody has ever reported such an event, and another one has nearly the same name."""
    if subject.trigger in triggers.KNOWN or known.was_reported(subject.trigger):
        return
    near = nearest(subject.trigger, {*triggers.KNOWN, *known.event_types} - {subject.trigger})
    if near is not None:
        yield warning(
            "unknown_event",
            "/trigger",
            _("No event “%(word)s” has come yet. Do you mean “%(near)s”?")
            % {"word": subject.trigger, "near": near},
        )
