"""Which rewards the mall shows, in which order, and how many at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import pgettext_lazy

from rewards.models import Reward
from rewards.showcase import Item

PAGE = 24
NEAREST = 3
SIMILAR = 3
SOON = 6
MINE, ALL = "mine", "all"

Key = Callable[[Item, Mapping[int, int]], Any]
POPULAR = "popular"
#: Name in the address, words, and what sorts; what is still to come stands at the end whatever the order.
ORDERS: Mapping[str, tuple[Any, Key]] = {
    "points": (
        pgettext_lazy("order of rewards", "Fewest points"),
        lambda item, _had: (item.points, item.reward.pk),
    ),
    "new": (
        pgettext_lazy("order of rewards", "Newest"),
        lambda item, _had: (
            -(item.reward.starts_at or item.reward.created_at).timestamp(),
            -item.reward.pk,
        ),
    ),
    POPULAR: (
        pgettext_lazy("order of rewards", "Most redeemed"),
        lambda item, had: (-had.get(item.reward.pk, 0), item.points, item.reward.pk),
    ),
    "near": (
        pgettext_lazy("order of rewards", "Nearly yours"),
        lambda item, _had: (not item.missing, item.missing, item.points, item.reward.pk),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a look at the mall asks for; `show` is mine, all or a category, empty for what suits best."""

    show: str = ""
    text: str = ""
    sort: str = "points"
    kind: str = ""
    page: int = 1

    def address(self, **changes: Any) -> str:
        """The same look with something else, as a query; what is usual is left out."""
        other = replace(self, **{"page": 1, **changes})
        said = {
            "show": other.show,
            "q": other.text,
            "sort": "" if other.sort == "points" else other.sort,
            "kind": other.kind,
            "page": "" if other.page == 1 else other.page,
        }
        return "?" + urlencode({name: value for name, value in said.items() if value})


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """What a look at the mall shows; `nearest` are those just out of reach, `soon` those that are announced."""

    look: Look
    items: list[Item]
    count: int
    nearest: list[Item]
    soon: list[Item]
    categories: list[str]
    kinds: list[tuple[str, Any]]
    has_more: bool

    @property
    def is_first_look(self) -> bool:
        """Whether nothing in particular is looked for: the mall shows what else there is."""
        look = self.look
        return look.show in (MINE, ALL) and not look.text and not look.kind and look.page == 1

    @property
    def next_page(self) -> str:
        """The address of what comes after; empty at the end."""
        return self.look.address(page=self.look.page + 1) if self.has_more else ""

    @property
    def orders(self) -> list[tuple[Any, str, bool]]:
        """Words, address and whether it is the order now, for each order."""
        return [
            (words, self.look.address(sort=name), name == self.look.sort)
            for name, (words, _key) in ORDERS.items()
        ]

    @property
    def kind_choices(self) -> list[tuple[Any, str, bool]]:
        """Words, address and whether it is chosen, for each kind there is."""
        choices = [(pgettext_lazy("kinds of rewards", "All kinds"), "")]
        choices += [(label, name) for name, label in self.kinds]
        return [(w, self.look.address(kind=n), n == self.look.kind) for w, n in choices]

    @property
    def sorted_by(self) -> Any:
        """The order in words."""
        return ORDERS[self.look.sort][0]


def arrange(*, items: Sequence[Item], look: Look, had: Mapping[int, int]) -> Shelf:
    """Sort the items onto the shelf; `had` tells how many pieces of each reward went lately."""
    mine = [item for item in items if item.can_have]
    is_narrowed = bool(look.text or look.kind)
    look = replace(look, show=look.show or (ALL if is_narrowed or not mine else MINE))
    chosen = mine if look.show == MINE else [item for item in items if _is_of(item, look.show)]
    chosen = [item for item in chosen if _is_found(item, look)]
    key = ORDERS[look.sort][1]
    chosen.sort(key=lambda item: (item.opens_at is not None, not item.is_left, key(item, had)))
    begin = (look.page - 1) * PAGE
    kinds = {item.reward.kind for item in items}
    is_first = not is_narrowed and look.page == 1
    return Shelf(
        look=look,
        items=chosen[begin : begin + PAGE],
        count=len(chosen),
        nearest=nearest(items) if is_first and (look.show == MINE or not mine) else [],
        soon=announced(items) if is_first and look.show == MINE else [],
        categories=sorted({item.reward.category for item in items if item.reward.category}),
        kinds=[choice for choice in Reward.Kind.choices if choice[0] in kinds],
        has_more=len(chosen) > begin + PAGE,
    )


def nearest(items: Sequence[Item]) -> list[Item]:
    """Those the member may have as soon as the points suffice, the nearest first."""
    wished = [item for item in items if item.missing and item.is_open]
    return sorted(wished, key=lambda item: (item.missing, item.reward.pk))[:NEAREST]


def announced(items: Sequence[Item]) -> list[Item]:
    """Those that open for the member later, the soonest first."""
    coming = [item for item in items if item.opens_at is not None and item.is_eligible]
    return sorted(coming, key=lambda item: (item.opens_at, item.reward.pk))[:SOON]


def similar(items: Sequence[Item], reward: Reward) -> list[Item]:
    """What is open instead of a reward: what can be had now first, of its category or kind, of about its price."""
    others = [item for item in items if item.is_open and item.reward.pk != reward.pk]
    return sorted(others, key=lambda item: _distance(item, reward))[:SIMILAR]


def _distance(item: Item, reward: Reward) -> tuple[bool, bool, bool, int, int]:
    is_other = not reward.category or item.reward.category != reward.category
    gap = abs(item.points - reward.points)
    return (item.missing > 0, is_other, item.reward.kind != reward.kind, gap, item.reward.pk)


def _is_of(item: Item, show: str) -> bool:
    return show in (ALL, item.reward.category)


def _is_found(item: Item, look: Look) -> bool:
    if look.kind and item.reward.kind != look.kind:
        return False
    reward = item.reward
    words = f"{reward.name}\n{reward.summary}\n{reward.category}".casefold()
    return look.text.casefold() in words
