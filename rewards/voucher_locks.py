"""What is locked before a voucher changes: an order, then the wallets, the redemption, and its vouchers last."""

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import order_reversals, owning
from loyalty import queries as loyalty_queries
from loyalty.models import Order
from members import validation
from members.errors import NotFound
from members.models import Member
from rewards.models import Redemption, Voucher


def lock_owner(redemption: int, at: datetime) -> Member:
    """Lock the points of whoever owns a redemption (id), and return the member as read under the lock."""

    def owner() -> int:
        return Redemption.objects.values_list("member_id", flat=True).get(pk=redemption)

    pk, _held = owning.lock_owner(owner_of=owner, at=at, types=["points"])
    return Member.objects.select_related("tier", "store").get(pk=pk)


def lock_holder(voucher: int, at: datetime, also: Collection[int] = ()) -> Member:
    """Lock the points of whoever holds a voucher (id): it may have been given away by who redeemed it.

    Those of the members (ids) in `also` are locked together with them.
    """

    def holder() -> int:
        return Voucher.objects.values_list("member_id", flat=True).get(pk=voucher)

    pk, _held = owning.lock_owner(owner_of=holder, at=at, types=["points"], also=also)
    return Member.objects.select_related("tier", "store").get(pk=pk)


def lock_redemption(pk: int) -> Redemption:
    """Lock a redemption, after the wallets and before its vouchers."""
    return Redemption.objects.select_for_update(no_key=True).get(pk=pk)


def lock_order(named: str, voucher: Voucher, at: datetime) -> Order:
    """The order that a use names, locked; raises NotFound unless it is the holder's or a passer-by's."""
    source, slash, number = named.partition("/")
    keys = [*([(source, number)] if slash else []), ("default", named)]
    usable = [key for key in keys if all(map(validation.is_storable, key))]
    known = loyalty_queries.orders_by_key(keys=usable)
    found = next((known[key] for key in keys if key in known), None)
    if found is None or found.member_id not in {None, voucher.member_id}:
        raise NotFound(_("Order"), "/order")
    locked, _held = order_reversals.lock(source=found.source, number=found.number, at=at)
    # Given away meanwhile, it would have another wallet locked after this one.
    holder = Voucher.objects.values_list("member_id", flat=True).get(pk=voucher.pk)
    if locked.member_id not in {None, holder}:
        raise NotFound(_("Order"), "/order")
    return locked
