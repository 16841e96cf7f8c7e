"""Who owns something: locking the owner, also when it is merged away meanwhile, and handing rows over to a new one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Concat

from loyalty import ledger
from members.models import Member


class _Moved(Exception):
    """Somebody else owns it by now."""


def lock_owner(
    *,
    owner_of: Callable[[], int],
    at: datetime,
    types: Sequence[str] = ("points", "status"),
    also: Collection[int] = (),
) -> tuple[int, ledger.Held]:
    """Lock the wallets of the member (id) that `owner_of` reads from the database; call inside a transaction.

    Those of the members in `also` are locked at once with them, in id order.

    Waiting for a merge to end, the caller would hold the wallets of the source: then they are let go and the target's
    are locked, so that nobody ever holds one pair of wallets while waiting for another.
    """
    while True:
        owner = owner_of()
        try:
            with transaction.atomic():
                held = ledger.lock(members={owner, *also}, at=at, types=types)
                if owner_of() != owner:
                    raise _Moved
                return owner, held
        except _Moved:
            continue


def hand_over(
    *,
    rows: QuerySet[Any],
    owner: str,
    source: Member,
    target: Member,
    reference: str = "reference",
    within: Mapping[str, Any] | None = None,
) -> None:
    """Make the source's rows the target's; a reference that both have used gets the source's number behind it.

    `owner` names the field of the member, which together with `reference` (and the fields of `within`) is unique.
    """
    rows = rows.filter(**(within or {}))
    every = rows.model._default_manager.filter(**(within or {}))
    suffix = f"/{source.number}"
    taken = {f"{owner}__in": [source, target], f"{reference}__endswith": suffix}
    while every.filter(**taken).exists():
        suffix += f"/{source.number}"
        taken[f"{reference}__endswith"] = suffix
    of_target = every.filter(**{owner: target, reference: OuterRef(reference)})
    both_used = When(Exists(of_target), then=Concat(F(reference), Value(suffix)))
    changes = {owner: target, reference: Case(both_used, default=F(reference))}
    rows.filter(**{owner: source}).update(**changes)
