"""Variants of a reward, each with its own stock: sizes, colours, the sessions of an event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from loyalty import programs
from members import transactions, validation
from members.errors import InvalidInput
from rewards import stock as shelf
from rewards import voucher_rules
from rewards.models import Reward, Variant, Voucher

MOST_POSITION = 2**31 - 1
#: Kinds of which every piece is like the other.
KINDS_WITHOUT = (Reward.Kind.DONATION, Reward.Kind.PARTNER_CODE, Reward.Kind.DRAW_TICKET)

CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "stock": validation.optional(validation.whole_number(least=0)),
    "extra_points": validation.whole_number(least=0),
    "begins_at": validation.optional(validation.moment),
    "ends_at": validation.optional(validation.moment),
    "place": validation.text(longest=200),
    "position": validation.whole_number(least=0, most=MOST_POSITION),
    "active": validation.flag,
}


def create(
    *, reward: Reward, changes: Mapping[str, object], at: datetime, by: str = ""
) -> Variant:
    """Add a variant or a session to a reward: code, name and what else differs from the defaults.

    Raises InvalidInput, also for a code that the reward has already.
    """
    if reward.kind in KINDS_WITHOUT:
        raise InvalidInput(
            "",
            "not_for_kind",
            _("A reward of the kind “%(kind)s” has no variants.")
            % {"kind": reward.get_kind_display()},
        )
    validation.require(changes, ["code", "name"])
    values = validation.cleaned(changes, CHECKS)
    stock = values.pop("stock", None)
    variant = Variant(reward=reward, **values)
    _refuse_disorder(variant)

    def work() -> Variant:
        if Variant.objects.filter(reward=reward, code=variant.code).exists():
            raise _taken()
        try:
            with transaction.atomic():
                variant.save(force_insert=True)
        except IntegrityError:  # added by somebody else in this very moment
            raise _taken() from None
        if stock is None:
            return variant
        return shelf.set_to(row=variant, stock=stock, by=by, note="", at=at)

    return transactions.in_transaction(work)


def change(
    *, variant: Variant, changes: Mapping[str, object], at: datetime, by: str = ""
) -> Variant:
    """Change a variant; `stock` is what is left now. Its code stays. Raises InvalidInput.

    The vouchers of a session that is moved are good for its new day.
    """
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, variant.code)

    def work() -> Variant:
        if "begins_at" in values or "ends_at" in values:
            _move_vouchers(variant.pk, values)
        locked = Variant.objects.select_for_update(no_key=True, of=["self"])
        fresh = locked.select_related("reward").get(pk=variant.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        _refuse_disorder(fresh)
        # Only what was asked for: the stock moves by itself while people redeem.
        if fields := [name for name in values if name != "stock"]:
            fresh.save(update_fields=fields)
        if "stock" in values:
            return shelf.set_to(row=fresh, stock=values["stock"], by=by, note="", at=at)
        return fresh

    return transactions.in_transaction(work)


def _move_vouchers(pk: int, values: Mapping[str, Any]) -> None:
    """Let the open vouchers end with the day of their session; before the shelf, as everybody locks them."""
    before = Variant.objects.get(pk=pk)
    begins_at = values.get("begins_at", before.begins_at)
    ends_at = values.get("ends_at", before.ends_at)
    is_moved = (begins_at, ends_at) != (before.begins_at, before.ends_at)
    if is_moved and begins_at is not None:
        end = voucher_rules.session_end(begins_at, ends_at, programs.current().zone)
        of_session = Voucher.objects.filter(redemption__variant=pk, state__in=voucher_rules.OPEN)
        of_session.update(expires_at=end)


def _refuse_disorder(variant: Variant) -> None:
    if variant.ends_at is None:
        return
    if variant.begins_at is None or variant.ends_at <= variant.begins_at:
        raise InvalidInput("/ends_at", "invalid", _("A session has to end after it has begun."))


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("The reward already has a variant with this code."))
