"""Which rewards the mall shows, and how many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from rewards.queries import Offer

PAGE = 24
NEAREST = 3


@dataclass(frozen=True)
class Shelf:
    """What a look at the mall shows; `nearest` are those just out of reach, `next_page` None at the end."""

    show: str
    offers: list[Offer]
    count: int
    nearest: list[Offer]
    categories: list[str]
    next_page: int | None


def arrange(*, offers: Sequence[Offer], show: str, text: str, page: int) -> Shelf:
    """Sort the offers onto the shelf; `show` is mine, all or a category, empty for what suits best."""
    mine = [offer for offer in offers if can_have(offer)]
    show = show or ("all" if text or not mine else "mine")
    found = mine if show == "mine" else [offer for offer in offers if _is_of(offer, show)]
    found = [offer for offer in found if text.casefold() in offer.reward.name.casefold()]
    begin = (page - 1) * PAGE
    return Shelf(
        show=show,
        offers=found[begin : begin + PAGE],
        count=len(found),
        nearest=nearest(offers) if show == "mine" else [],
        categories=sorted({offer.reward.category for offer in offers if offer.reward.category}),
        next_page=page + 1 if len(found) > begin + PAGE else None,
    )


def can_have(offer: Offer) -> bool:
    """Whether the member could redeem it now."""
    return offer.affordable and offer.eligible and is_left(offer)


def is_left(offer: Offer) -> bool:
    """Whether there is a piece left, for this member too."""
    return offer.reward.stock != 0 and offer.left_for_member != 0


def nearest(offers: Sequence[Offer]) -> list[Offer]:
    """Those the member may have as soon as the points suffice, the cheapest first."""
    wished = [o for o in offers if not o.affordable and o.eligible and is_left(o)]
    return sorted(wished, key=lambda offer: (offer.price, offer.reward.pk))[:NEAREST]


def _is_of(offer: Offer, show: str) -> bool:
    return show in ("all", offer.reward.category)
