"""What comes back of vouchers when the order they were used for does: the whole voucher, or its exact share.

A refund of a part gives back that share of a voucher with an amount, as a new voucher: after refunds of m of an order of
M, floor(amount × m ÷ M) to the cent has come back, however m came together. Other vouchers come back with the whole order.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from django.db.models import QuerySet, Sum

from loyalty import programs, spending
from loyalty.ledger import Held
from loyalty.models import Order
from loyalty.order_shares import Target
from loyalty.reversal_causes import Cause
from members.models import Member
from rewards import voucher_rules, voucher_steps, vouchers
from rewards.models import Redemption, Voucher, VoucherStep

CENT = Decimal("0.01")
RETURNED = (
    "state",
    "expires_at",
    "used_at",
    "used_store",
    "used_by",
    "used_reference",
    "used_order",
)


def give_back(*, order: Order, target: Target, cause: Cause, held: Held) -> None:
    """Handler of ORDER_EFFECTS: give the order's vouchers back, or their shares; the order is locked.

    Nobody gets anything back whose membership was closed.
    """
    for voucher in _locked(order):
        at = max(min(cause.at, held.at), voucher.issued_at)
        before = _back_already(voucher)
        if target.is_full and not before:
            _reopen(voucher, order, at)
        else:
            _give_share(voucher, order, _due(voucher, order, target) - before, at)


def due(amount: Decimal, money: Decimal, whole: Decimal) -> Decimal:
    """The part of an amount that is due back after `money` of the `whole` order was refunded: floor to the cent."""
    if money >= whole:
        return amount
    return int(Fraction(amount) * Fraction(money) / Fraction(whole) * 100) * CENT


def shares_of(voucher: Voucher) -> QuerySet[Voucher]:
    """The vouchers that came back for parts of the order this one was used for."""
    return voucher.replacements.order_by("id")


def _locked(order: Order) -> Sequence[Voucher]:
    """The vouchers used for the order, locked after their redemptions."""
    used = Voucher.objects.filter(used_order=order, state=Voucher.State.USED)
    used = used.exclude(member__status=Member.Status.CLOSED)
    redemptions = list(used.values_list("redemption", flat=True))
    if not redemptions:
        return []
    locked = Redemption.objects.filter(pk__in=redemptions).select_for_update(no_key=True)
    list(locked.order_by("pk").values_list("pk"))
    found = used.select_for_update(no_key=True, of=("self",)).select_related(
        "reward", "redemption__variant"
    )
    return list(found.order_by("pk"))


def _back_already(voucher: Voucher) -> Decimal:
    return shares_of(voucher).aggregate(back=Sum("amount"))["back"] or Decimal(0)


def _due(voucher: Voucher, order: Order, target: Target) -> Decimal:
    amount = voucher_rules.amount_of(voucher)
    if amount is None:
        return Decimal(0)
    return amount if target.is_full else due(amount, target.money, order.amount)


def _reopen(voucher: Voucher, order: Order, at: datetime) -> None:
    """Make the voucher good again; that it was used stays in its steps."""
    store = voucher.used_store
    voucher.state = Voucher.State.ACTIVE
    voucher.expires_at = _end_after(voucher, at)
    voucher.used_at, voucher.used_store, voucher.used_order = None, None, None
    voucher.used_by, voucher.used_reference = "", ""
    voucher.save(update_fields=RETURNED)
    _reopen_redemption(voucher)
    voucher_steps.note(
        vouchers=[voucher],
        kind=VoucherStep.Kind.RETURNED,
        at=at,
        store=store,
        note=order.reference,
    )


def _give_share(voucher: Voucher, order: Order, amount: Decimal, at: datetime) -> None:
    """Make a voucher over what is due, if that is a cent at least."""
    if amount <= 0:
        return
    zone = programs.current().zone
    share = vouchers.made(voucher.redemption, voucher.reward, vouchers.generate(), at, zone)
    share.member_id, share.batch_id = voucher.member_id, voucher.batch_id
    share.amount, share.replaces = amount, voucher
    share.active_from, share.expires_at = None, _end_after(voucher, at)
    vouchers.issue_all([share], batch=voucher.batch)
    _reopen_redemption(voucher)
    returned = VoucherStep(
        voucher=voucher,
        kind=VoucherStep.Kind.RETURNED,
        at=at,
        note=order.reference,
        data={"amount": f"{amount:.2f}", "voucher": share.pk},
    )
    voucher_steps.note_all([returned])


def _end_after(voucher: Voucher, at: datetime) -> datetime | None:
    """When what comes back expires: as before, or after the program's days of grace where that has passed."""
    if voucher.expires_at is None or voucher.expires_at > at:
        return voucher.expires_at
    return spending.grace_until(programs.current(), at) or voucher.expires_at


def _reopen_redemption(voucher: Voucher) -> None:
    used = Redemption.objects.filter(pk=voucher.redemption_id, state=Redemption.State.USED)
    used.update(state=Redemption.State.ISSUED)
