"""The catalogue: rewards that the merchant puts on offer and changes."""

from collections.abc import Mapping
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from members import queries as member_queries
from members import transactions, validation
from members.errors import InvalidInput
from rewards.models import Reward

MONEY = validation.decimal(places=2, most=Decimal("999999999999999999.99"))
MOST_PIECES_EACH = 2**31 - 1
MOST_DAYS = 36_500


def _tiers(value: object, pointer: str) -> list[str]:
    if not isinstance(value, list | tuple):
        raise InvalidInput(pointer, "invalid", _("This must be a list of tier codes."))
    known = [tier.code for tier in member_queries.tiers()]
    for place, code in enumerate(value):
        if code not in known:
            raise validation.unknown(str(code), f"{pointer}/{place}")
    return list(dict.fromkeys(value))


CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "kind": validation.choice(Reward.Kind.values),
    "summary": validation.text(longest=100),
    "terms": validation.text(longest=2_000),
    "category": validation.text(longest=50),
    "art": validation.choice(Reward.Art.values),
    "points": validation.whole_number(least=1),
    "cash": MONEY,
    "cost": validation.optional(MONEY),
    "stock": validation.optional(validation.whole_number(least=0)),
    "per_member": validation.optional(validation.whole_number(least=1, most=MOST_PIECES_EACH)),
    "per_member_period": validation.choice(Reward.Period.values),
    "tiers": _tiers,
    "starts_at": validation.optional(validation.moment),
    "ends_at": validation.optional(validation.moment),
    "valid_days": validation.optional(validation.whole_number(least=0, most=MOST_DAYS)),
    "active": validation.flag,
}


def create(*, changes: Mapping[str, object]) -> Reward:
    """Put a reward into the catalogue: code, name, kind, points and what else differs from the defaults.

    Raises InvalidInput, also for a code that is taken.
    """
    validation.require(changes, ["code", "name", "kind", "points"])
    reward = Reward(**validation.cleaned(changes, CHECKS))
    _refuse_disorder(reward)
    if Reward.objects.filter(code=reward.code).exists():
        raise _taken()
    try:
        with transaction.atomic():
            reward.save()
    except IntegrityError:  # put there by somebody else in this very moment
        raise _taken() from None
    return reward


def change(*, reward: Reward, changes: Mapping[str, object]) -> Reward:
    """Change a reward; `stock` is what is left now. What was redeemed before stays as it was.

    Returns the reward as it is now; its code stays. Raises InvalidInput.
    """
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, reward.code)

    def work() -> Reward:
        fresh = Reward.objects.select_for_update(no_key=True).get(pk=reward.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        _refuse_disorder(fresh)
        if values:
            # Only what was asked for: the stock moves by itself while people redeem.
            fresh.save(update_fields=list(values))
        return fresh

    return transactions.in_transaction(work)


def _refuse_disorder(reward: Reward) -> None:
    if reward.starts_at and reward.ends_at and reward.ends_at <= reward.starts_at:
        raise InvalidInput(
            "/ends_at", "invalid", _("A reward must go off sale after it has come on sale.")
        )


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is a reward with this code already."))
