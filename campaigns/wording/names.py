"""What codes are called: stores, tiers, segments, rewards; and how words are put in a row."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns.models import Segment
from members import queries as member_queries
from rewards import draw_queries
from rewards import queries as reward_queries

# More than so many words in a row are counted instead of read.
MOST_NAMED = 6


class Names:
    """The shop's names by code, each kind asked for once and only if needed; share one for a page of campaigns.

    `coming` holds, by kind, names of what does not exist yet, or is called otherwise until then.
    """

    def __init__(self, coming: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.coming = coming or {}

    @cached_property
    def stores(self) -> dict[str, str]:
        """Every store's name."""
        return {each.code: each.name for each in member_queries.stores()}

    @cached_property
    def tiers(self) -> dict[str, str]:
        """Every tier's name."""
        return self._known("tiers", {each.code: each.name for each in member_queries.tiers()})

    @cached_property
    def segments(self) -> dict[str, str]:
        """Every segment's name."""
        return dict(Segment.objects.values_list("code", "name"))

    @cached_property
    def rewards(self) -> dict[str, str]:
        """Every reward's name."""
        return self._known("rewards", {each.code: each.name for each in reward_queries.rewards()})

    @cached_property
    def draws(self) -> dict[str, str]:
        """Every draw's name."""
        return self._known("draws", {each.code: each.name for each in draw_queries.draws()})

    def _known(self, kind: str, names: dict[str, str]) -> dict[str, str]:
        return {**names, **self.coming.get(kind, {})}


def called(codes: Iterable[str], known: dict[str, str]) -> str:
    """Codes by their names, any of them: "A, B or C"."""
    return any_of([known.get(code, code) for code in codes])


def any_of(words: Sequence[str]) -> str:
    """Words of which one is enough: "A, B or C"; a long row ends with how many more there are."""
    shown = list(words)
    if len(shown) > MOST_NAMED:
        return _("%(words)s and %(count)d more") % {
            "words": in_a_row(shown[:MOST_NAMED]),
            "count": len(shown) - MOST_NAMED,
        }
    if len(shown) < 2:
        return "".join(shown)
    return _("%(words)s or %(last)s") % {"words": in_a_row(shown[:-1]), "last": shown[-1]}


def in_a_row(words: Iterable[str]) -> str:
    """Words with a comma between them."""
    return pgettext("between words in a row", ", ").join(words)


def clauses(parts: Iterable[str]) -> str:
    """Parts of a sentence with a comma between them."""
    return pgettext("between parts of a sentence", ", ").join(part for part in parts if part)


def money(amount: object) -> str:
    """An amount without needless cents: ¥50."""
    return f"¥{str(amount).removesuffix('.00')}"
