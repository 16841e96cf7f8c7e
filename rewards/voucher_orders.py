"""Vouchers that orders name as their coupon: used up in the transaction that stores the orders, whole batches at once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from loyalty import programs
from loyalty.ledger import Held
from loyalty.models import Order
from members.models import Member
from rewards import queries, voucher_rules, voucher_steps, vouchers
from rewards.models import Redemption, Voucher, VoucherStep

#: A till may use a voucher first and report its order afterwards.
NEAR = timedelta(days=1)
ALREADY_USED = "already_used"
USED = ("state", "used_at", "used_store", "used_order")


@dataclass(frozen=True, slots=True)
class _Use:
    """A voucher that an order uses, or names as used for it before (`is_new` False)."""

    voucher: Voucher
    order: Order
    is_new: bool


def use_coupons(*, orders: Sequence[Order], held: Held) -> None:
    """Handler of ORDERS_PLACED: use and link the vouchers whose codes the orders name; an order is never refused for it.

    A voucher is left alone that is not its member's, is not good then and there, whose minimum spend cannot have been
    reached, or whose member is frozen; what it takes off is the till's business. The wallets of the orders' members are
    locked.
    """
    named = [
        (vouchers.normalise(order.coupon), order)
        for order in orders
        if order.coupon and order.member_id and order.status != Order.Status.CANCELLED
    ]
    if not named:
        return
    found = _locked({code for code, _order in named}, {order.member_id for _code, order in named})
    uses = list(_uses(named, found))
    if not uses:
        return
    Voucher.objects.bulk_update([each.voucher for each in uses], USED)
    voucher_steps.note_all(_step(each) for each in uses)
    _close({each.voucher.redemption_id for each in uses})


def lock_named(*, coupons: Iterable[str], members: Collection[int]) -> None:
    """Lock the vouchers (codes) that orders of these members (ids) name, before any stock: so does whoever gives back.

    The members' wallets are locked.
    """
    codes = {vouchers.normalise(coupon) for coupon in coupons}
    if codes:
        _locked(codes, set(members))


def _locked(codes: set[str], members: set[int | None]) -> dict[str, Voucher]:
    """The vouchers by code, locked after their redemptions."""
    of_members = Voucher.objects.filter(lookup__in=codes, member__in=members)
    redemptions = Redemption.objects.filter(pk__in=of_members.values("redemption")).order_by("pk")
    list(redemptions.select_for_update(no_key=True).values_list("pk"))
    locked = of_members.select_for_update(no_key=True, of=("self",)).order_by("pk")
    return {each.lookup: each for each in locked.select_related("reward", "member")}


def _uses(named: Iterable[tuple[str, Order]], found: dict[str, Voucher]) -> Iterable[_Use]:
    """What is used, in the order in which the orders came; a voucher is used by the first of them alone."""
    zone = programs.current().zone
    for code, order in named:
        voucher = found.get(code)
        if voucher is None or voucher.member_id != order.member_id:
            continue
        at = max(order.placed_at, voucher.issued_at)
        if _was_used_for(voucher, at):
            voucher.used_order = order
            yield _Use(voucher, order, is_new=False)
        elif not _hindrance(voucher, order, zone):
            _use(voucher, order, at)
            yield _Use(voucher, order, is_new=True)


def _hindrance(voucher: Voucher, order: Order, zone: ZoneInfo) -> str:
    """Why an order does not use the voucher it names, by the code of what a till would be refused; empty: it does."""
    at = max(order.placed_at, voucher.issued_at)
    state = voucher_rules.state_of(voucher, at)
    if state != Voucher.State.ACTIVE:
        return ALREADY_USED if state == Voucher.State.USED else state
    hindrances = {
        "wallet_frozen": voucher.member.status != Member.Status.ACTIVE,
        "not_eligible": not voucher_rules.is_for_counters(voucher.reward),
        "not_valid_here": not voucher_rules.is_for_store(voucher.reward, order.store),
        "not_valid_today": not voucher_rules.is_for_day(voucher.reward, at, zone),
        "below_min_spend": not voucher_rules.is_reached(voucher, order.amount),
    }
    return next((code for code, is_met in hindrances.items() if is_met), "")


def told(*, orders: Sequence[Order], at: datetime) -> list[list[dict[str, str | None]]]:
    """Handler of ORDER_VOUCHERS: the code of the voucher that each order names, its state, and why the order does not use it.

    Codes that are no vouchers of the order's member are passed over: campaigns may know them.
    """
    named = {vouchers.normalise(order.coupon) for order in orders if order.coupon}
    found: dict[tuple[str, int | None], Voucher] = {}
    if named:
        members = {order.member_id for order in orders}
        of_members = queries.vouchers().filter(lookup__in=named, member__in=members)
        found = {(each.lookup, each.member_id): each for each in of_members}
    if not found:
        return [[] for _order in orders]
    zone = programs.current().zone
    keys = [(vouchers.normalise(order.coupon), order.member_id) for order in orders]
    return [
        [_told(order, found[key], at, zone)] if key in found else []
        for order, key in zip(orders, keys, strict=True)
    ]


def _told(order: Order, voucher: Voucher, at: datetime, zone: ZoneInfo) -> dict[str, str | None]:
    reason = ""
    if order.pk is None or voucher.used_order_id != order.pk:
        is_over = order.status in {Order.Status.CANCELLED, Order.Status.REFUNDED}
        reason = "order_closed" if is_over else _hindrance(voucher, order, zone)
    state = voucher_rules.state_of(voucher, at)
    return {"code": voucher.code, "state": state, "reason": reason or None}


def _was_used_for(voucher: Voucher, at: datetime) -> bool:
    """Whether the till used the voucher by itself at about that time, for no other order."""
    is_free = voucher.state == Voucher.State.USED and voucher.used_order_id is None
    return is_free and voucher.used_at is not None and abs(voucher.used_at - at) <= NEAR


def _use(voucher: Voucher, order: Order, at: datetime) -> None:
    voucher.state = Voucher.State.USED
    voucher.used_at = at
    voucher.used_store = order.store
    voucher.used_order = order


def _step(use: _Use) -> VoucherStep:
    kind = VoucherStep.Kind.USED if use.is_new else VoucherStep.Kind.LINKED
    return VoucherStep(
        voucher=use.voucher,
        kind=kind,
        at=max(use.order.placed_at, use.voucher.issued_at),
        store=use.order.store,
        note=use.order.reference,
    )


def _close(redemptions: set[int]) -> None:
    """Redemptions are used when all their vouchers are."""
    over = [Voucher.State.USED, Voucher.State.VOID]
    left = Voucher.objects.filter(redemption=OuterRef("pk")).exclude(state__in=over)
    closing = Redemption.objects.filter(pk__in=redemptions, state=Redemption.State.ISSUED)
    closing.filter(~Exists(left)).update(state=Redemption.State.USED)
