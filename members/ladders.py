"""All tiers replaced at once: a program that is set up from a preset."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from members import tiering, transactions
from members.errors import Refusal
from members.models import Member, Tier, TierChange

# Ranks that no tier has while the others move.
FREE_RANKS = 20_000


class TiersInUse(Refusal):
    """There would be fewer tiers than members have held."""

    code = "tiers_in_use"

    def __str__(self) -> str:
        return _("Members hold or have held the tiers %(tiers)s; they cannot be taken away.") % {
            "tiers": ", ".join(self.data["tiers"])
        }


def replace(*, ladder: Sequence[Mapping[str, object]]) -> list[Tier]:
    """Make the tiers be these, lowest first: code, name, threshold and what else differs from the defaults.

    The lowest tier becomes the lowest of the ladder and so on, so that members keep their place; tiers beyond its top
    go, if nobody has ever held them. Raises TiersInUse and InvalidInput; then nothing changes.
    """

    def work() -> list[Tier]:
        held = sorted(tiering.lock_all(), key=lambda tier: tier.rank)
        _drop(held[len(ladder) :])
        kept = held[: len(ladder)]
        for place, tier in enumerate(kept):
            # Out of each other's way: codes and ranks are unique.
            Tier.objects.filter(pk=tier.pk).update(code=f"was-{tier.pk}", rank=FREE_RANKS + place)
        made = []
        for rank, words in enumerate(ladder):
            values = tiering.checked({**words, "rank": rank})
            tier = Tier(**values)
            if rank < len(kept):
                tier.pk = kept[rank].pk
                tier._state.adding = False
            tier.save()
            made.append(tier)
        return made

    return transactions.in_transaction(work)


def _drop(tiers: Sequence[Tier]) -> None:
    ids = [tier.pk for tier in tiers]
    used: set[Any] = {
        *Member.objects.filter(tier__in=ids).values_list("tier", flat=True).distinct(),
        *Member.objects.filter(tier_floor__in=ids).values_list("tier_floor", flat=True).distinct(),
        *TierChange.objects.filter(tier__in=ids).values_list("tier", flat=True).distinct(),
        *TierChange.objects.filter(before__in=ids).values_list("before", flat=True).distinct(),
    }
    if used:
        raise TiersInUse(tiers=[tier.name for tier in tiers if tier.pk in used])
    Tier.objects.filter(pk__in=ids).delete()
