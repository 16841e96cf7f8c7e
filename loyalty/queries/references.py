"""Questions about references that postings have used up."""

from collections.abc import Collection

from loyalty.models import Entry


def free_reference(*, wallets: Collection[int], kind: str, reference: str) -> str:
    """A reference that no entry of this kind has in these wallets (ids): as asked for, or with a number after it.

    For postings that the caller knows to be new, whatever somebody once chose to call another one.
    """
    of_kind = Entry.objects.filter(wallet__in=wallets, kind=kind)
    wanted, number = reference, 1
    while of_kind.filter(reference=wanted).exists():
        number += 1
        wanted = f"{reference}/{number}"
    return wanted
