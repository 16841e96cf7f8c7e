"""The recipe by which a draw is drawn and by which anyone draws it again. Pure.

Before a round opens the server draws a seed of 32 random bytes and publishes its SHA-256, and the prizes with weights
and stock in their order. Ticket n of the round is HMAC-SHA256(seed, round id ":" member number ":" n), read as a
big-endian whole number, modulo the sum of the weights of the prizes still in stock at that ticket; the remainder
falls on one of these prizes, in the order in which they were published. When the round closes the seed is published.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SEED_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """A prize as it was published; `stock` None: it never runs out."""

    id: int
    weight: int
    stock: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as it was published: what came of the draw and which prize that was."""

    number: int
    member: str
    digest: str
    prize: int


@dataclass(slots=True)
class Recomputed:
    """How many tickets were drawn again, and every difference in words for whoever checks (English, like the recipe)."""

    tickets: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether everything is as it was published."""
        return not self.differences


def seed_hash(seed: bytes) -> str:
    """What is published of a seed before the round opens."""
    return hashlib.sha256(seed).hexdigest()


def drawn(*, seed: bytes, round_id: str, member: str, number: int) -> str:
    """What ticket `number` draws, as hex."""
    message = f"{round_id}:{member}:{number}".encode()
    return hmac.new(seed, message, hashlib.sha256).hexdigest()


def winner(*, digest: str, in_stock: Sequence[Prize]) -> Prize:
    """The prize that a ticket's digest falls on, of those in stock (at least one), in their published order."""
    rest = int(digest, 16) % sum(prize.weight for prize in in_stock)
    for prize in in_stock:
        if rest < prize.weight:
            return prize
        rest -= prize.weight
    raise AssertionError("a remainder is smaller than the sum")


def in_stock(*, prizes: Sequence[Prize], won: Mapping[int, int]) -> list[Prize]:
    """The prizes that are not gone after so many of each (by id) were won."""
    return [prize for prize in prizes if prize.stock is None or won.get(prize.id, 0) < prize.stock]


def recompute(
    *,
    round_id: str,
    seed: bytes,
    published_hash: str,
    prizes: Sequence[Prize],
    tickets: Sequence[Ticket],
) -> Recomputed:
    """Draw a round's tickets again, in order, from nothing but what is published."""
    found = Recomputed()
    if seed_hash(seed) != published_hash:
        found.differences.append(
            f"the SHA-256 of the seed is {seed_hash(seed)}, published was {published_hash}"
        )
    won: Counter[int] = Counter()
    for number, ticket in enumerate(tickets, 1):
        if ticket.number != number:
            found.differences.append(f"ticket {number} is missing: {ticket.number} comes next")
            break
        digest = drawn(seed=seed, round_id=round_id, member=ticket.member, number=number)
        left = in_stock(prizes=prizes, won=won)
        prize = winner(digest=digest, in_stock=left).id if left else None
        if (digest, prize) != (ticket.digest, ticket.prize):
            found.differences.append(
                f"ticket {number} draws {digest} and wins prize {prize}, "
                f"published were {ticket.digest} and {ticket.prize}"
            )
        won[ticket.prize] += 1
        found.tickets = number
    return found
