"""Stores: opened and renamed by the merchant."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from members import queries, validation
from members.errors import InvalidInput
from members.models import Store

CHECKS: dict[str, validation.Check] = {
    "code": validation.text(longest=50, shortest=1),
    "name": validation.text(longest=100, shortest=1),
}


def create(*, changes: Mapping[str, object]) -> Store:
    """Open a store: code, name. Raises InvalidInput, also for a code that is taken."""
    validation.require(changes, ["code", "name"])
    store = Store(**validation.cleaned(changes, CHECKS))
    if Store.objects.filter(code=store.code).exists():
        raise _taken()
    try:
        with transaction.atomic():
            store.save()
    except IntegrityError:  # opened by somebody else in this very moment
        raise _taken() from None
    return store


def change(*, store: Store, changes: Mapping[str, object]) -> Store:
    """Rename a store. Its code stays: orders and tills name it. Raises InvalidInput."""
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, store.code)
    store.name = values.get("name", store.name)
    store.save(update_fields=["name"])
    return store


def named(code: str | None, pointer: str = "/store") -> Store | None:
    """The store that an input names by its code, if it names one. Raises InvalidInput for an unknown code."""
    if code is None:
        return None
    store = queries.stores_by_code([code]).get(code)
    if store is None:
        raise validation.unknown(code, pointer)
    return store


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is already a store with this code."))
