"""What is published of a round, and drawing it again from that."""

from typing import Any

from django.utils.translation import gettext_noop

from rewards import draw_queries, draw_recipe
from rewards.draw_recipe import Prize, Recomputed, Ticket
from rewards.models import DrawRound

RECIPE = gettext_noop(
    'ticket n: HMAC-SHA256(seed, round ":" member ":" n) as a big-endian whole number, modulo the sum of the weights '
    "of the prizes still in stock, in their published order"
)


def published(round_: DrawRound) -> dict[str, Any]:
    """All that anyone needs to draw the round again; seed and tickets once it is closed."""
    is_closed = round_.closed_at is not None
    return {
        "round": round_.code,
        "draw": round_.draw.code,
        "recipe": RECIPE,
        "opened_at": round_.opened_at,
        "closes_at": round_.closes_at,
        "closed_at": round_.closed_at,
        "seed_sha256": round_.seed_hash,
        "seed": round_.seed if is_closed else None,
        "prizes": round_.prizes,
        "tickets": round_.tickets,
        "plays": plays(round_) if is_closed else [],
    }


def plays(round_: DrawRound) -> list[dict[str, Any]]:
    """The tickets of a round as they are published: member numbers, no names."""
    return [
        {"ticket": number, "member": member, "digest": digest, "prize": prize}
        for number, member, digest, prize in draw_queries.tickets_drawn(round_)
    ]


def verify_round(round_: DrawRound) -> Recomputed:
    """Draw all tickets of a closed round again from what is published of it."""
    found = recompute(published(round_))
    if found.is_right and found.tickets != round_.tickets:
        found.differences.append(f"{round_.tickets} tickets were drawn, {found.tickets} published")
    return found


def recompute(told: dict[str, Any]) -> Recomputed:
    """As `verify_round`, from the published document alone. Its seed must be told."""
    return draw_recipe.recompute(
        round_id=told["round"],
        seed=bytes.fromhex(told["seed"]),
        published_hash=told["seed_sha256"],
        prizes=[
            Prize(id=each["id"], weight=each["weight"], stock=each["stock"])
            for each in told["prizes"]
        ],
        tickets=[
            Ticket(
                number=each["ticket"],
                member=each["member"],
                digest=each["digest"],
                prize=each["prize"],
            )
            for each in told["plays"]
        ],
    )
