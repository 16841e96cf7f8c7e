"""The catalogue: rewards that the merchant puts on offer and changes."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from members import transactions, validation
from members.errors import InvalidInput
from rewards import stock as shelf
from rewards.models import Reward
from rewards.reward_checks import ART_OF, CHECKS, refuse_counted_pool, refuse_disorder


def create(*, changes: Mapping[str, object], at: datetime, by: str = "") -> Reward:
    """Put a reward into the catalogue: code, name, kind, points and what else differs from the defaults.

    `draw` and `project` are codes. The first stock is noted as received, by whom. Raises InvalidInput, also for a code
    that is taken.
    """
    validation.require(changes, ["code", "name", "kind", "points"])
    values = validation.cleaned(changes, CHECKS)
    stock = values.pop("stock", None)
    reward = Reward(**{"art": ART_OF[values["kind"]], **values})
    refuse_disorder(reward)
    if stock:
        refuse_counted_pool(reward)

    def work() -> Reward:
        if Reward.objects.filter(code=reward.code).exists():
            raise _taken()
        try:
            with transaction.atomic():
                reward.save(force_insert=True)
        except IntegrityError:  # put there by somebody else in this very moment
            raise _taken() from None
        if stock is None:
            return reward
        return shelf.set_to(row=reward, stock=stock, by=by, note="", at=at)

    return transactions.in_transaction(work)


def change(*, reward: Reward, changes: Mapping[str, object], at: datetime, by: str = "") -> Reward:
    """Change a reward; `stock` is what is left now. What was redeemed before stays as it was.

    Returns the reward as it is now; its code stays. Raises InvalidInput.
    """
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, reward.code)

    def work() -> Reward:
        fresh = Reward.objects.select_for_update(no_key=True).get(pk=reward.pk)
        before, kind = fresh.stock, fresh.kind
        for name, value in values.items():
            setattr(fresh, name, value)
        refuse_disorder(fresh)
        if values.get("stock", before) != before or (fresh.kind != kind and before):
            refuse_counted_pool(fresh)
        # Only what was asked for: the stock moves by itself while people redeem.
        if fields := [name for name in values if name != "stock"]:
            fresh.save(update_fields=fields)
        if "stock" in values:
            fresh = shelf.set_to(row=fresh, stock=values["stock"], by=by, note="", at=at)
        return fresh

    return transactions.in_transaction(work)


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is already a reward with this code."))
