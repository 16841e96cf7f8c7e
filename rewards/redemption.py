"""Redeeming: points become a reward with its vouchers, and back again; each in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from loyalty import asides, holds, programs, spending
from loyalty.models import Program
from loyalty.spending import Spending
from members import codes, transactions
from members import queries as member_queries
from members.errors import ReferenceReused
from members.models import Member
from rewards import (
    cancel_rules,
    issuing,
    limits,
    queries,
    redemption_requests,
    stock,
    timeouts,
    vouchers,
)
from rewards.models import Redemption, Voucher
from rewards.redemption_requests import RedemptionRequest, Wish

__all__ = ["Redeemed", "RedemptionRequest", "cancel", "cancel_own", "redeem"]

NUMBER_LENGTH = 6
NUMBER_TRIES = 10
NUMBER_IS_TAKEN = "rewards_redemption_number"
State = Redemption.State
# Takes the price: points at once, or set aside; the redemption is stored and its state is written by it.
Pay = Callable[[Redemption, Wish, datetime], None]
# Raises what stands in the way of cancelling.
Refuse = Callable[[Redemption, Member, datetime], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Redeemed:
    """A redemption, and whether this call made it."""

    redemption: Redemption
    is_new: bool


def redeem(*, request: RedemptionRequest, at: datetime) -> Redeemed:
    """Take points, stock, limit and codes, and issue what was redeemed, all or nothing.

    The same reference and content again changes nothing. Raises NotFound, InvalidInput, ReferenceReused, MemberClosed,
    WalletFrozen, NotOnSale, NotEligible, LimitReached, OutOfStock, PriceChanged, InDebt or InsufficientPoints, tested
    in this order; then nothing is changed and the reference is not used up.
    """
    return make(request=request, kind="", pay=_pay_at_once, at=at)


def make(*, request: RedemptionRequest, kind: str, pay: Pay, at: datetime) -> Redeemed:
    """Redeem, with the points taken as `pay` does it; `kind` keeps references of other ways apart. Raises as `redeem`."""
    asked = redemption_requests.checked(request)
    digest = redemption_requests.digest(asked, kind)
    found = member_queries.id_of(asked.member, "/member")

    def work() -> Redeemed:
        spender = spending.lock_spender(member=found, at=at)
        reward = queries.reward(asked.reward, "/reward")
        known = queries.redemption_by_reference(member=spender.member, reference=asked.reference)
        if known is not None:
            if known.digest != digest:
                raise ReferenceReused(reference=asked.reference)
            return Redeemed(redemption=known, is_new=False)
        wish = redemption_requests.found(request=asked, spender=spender, reward=reward, at=at)
        return Redeemed(redemption=_make(wish, digest, pay, at), is_new=True)

    return transactions.in_transaction(work)


def _make(wish: Wish, digest: str, pay: Pay, at: datetime) -> Redemption:
    program = programs.current()
    limits.refuse_unfit(wish=wish, program=program, at=at)
    redemption = _store(wish, digest, program, at)
    if issuing.has_pool(redemption):
        # A pool's codes are counted by its stock: who has taken a piece finds a code.
        _take(redemption, at)
        pay(redemption, wish, at)
    else:
        # Last, because everybody who wants the same reward waits from here to the commit.
        pay(redemption, wish, at)
        _take(redemption, at)
    return redemption


def _take(redemption: Redemption, at: datetime) -> None:
    stock.take(
        redemption=redemption,
        reward=redemption.reward,
        variant=redemption.variant,
        offer=redemption.offer,
        at=at,
    )


def _pay_at_once(redemption: Redemption, wish: Wish, at: datetime) -> None:
    what = Spending(
        points=redemption.points,
        reference=redemption.number,
        details=entry_details(redemption),
        explanation=explanation(redemption),
        store=redemption.store_id,
    )
    spending.take(spender=wish.spender, spending=what, at=at)
    settle(redemption, at=at)


def settle(redemption: Redemption, *, at: datetime) -> None:
    """Issue what was paid, in the caller's transaction; a donation is fulfilled with it."""
    issuing.issue_all(redemptions=[redemption], at=at)
    state = issuing.settled_state(redemption)
    if state != redemption.state:
        redemption.state = state
        redemption.fulfilled_at = at if state == State.FULFILLED else None
        redemption.save(update_fields=["state", "fulfilled_at"])


# ---- what is written --------------------------------------------------------------------------------
def _store(wish: Wish, digest: str, program: Program, at: datetime) -> Redemption:
    reward = wish.reward
    redemption = Redemption(
        member=wish.member,
        reward=reward,
        variant=wish.variant,
        offer=wish.offer,
        quantity=wish.quantity,
        points=wish.points,
        cash=wish.cash,
        price_steps=wish.price.steps,
        cost=None if reward.cost is None else reward.cost * wish.quantity,
        partner_share=reward.partner_share,
        reference=wish.reference,
        store=wish.store,
        delivery=wish.delivery,
        address=wish.address,
        redeemed_at=at,
        digest=digest,
    )
    return _store_numbered(redemption, zone=program.zone)


def _store_numbered(redemption: Redemption, *, zone: ZoneInfo) -> Redemption:
    """Write the redemption under a number of its day; raises Collision where somebody has it."""
    redemption.number = new_number(redemption.redeemed_at, zone)
    try:
        redemption.save(force_insert=True)
    except IntegrityError as problem:
        if NUMBER_IS_TAKEN in str(problem):
            raise transactions.Collision from problem
        raise
    return redemption


def store_all_numbered(new: Sequence[Redemption], *, zone: ZoneInfo) -> None:
    """Write many redemptions, each under a number of its own; one statement unless a number is taken."""
    for _try in range(NUMBER_TRIES):
        for each in new:
            each.number = new_number(each.redeemed_at, zone)
        try:
            with transaction.atomic():
                Redemption.objects.bulk_create(new)
        except IntegrityError:
            numbers = [each.number for each in new]
            is_doubled = len(set(numbers)) < len(numbers)
            if not is_doubled and not Redemption.objects.filter(number__in=numbers).exists():
                raise
        else:
            return
    raise RuntimeError("no free redemption numbers were found")


def new_number(at: datetime, zone: ZoneInfo) -> str:
    """A number of the program's day."""
    return f"R{at.astimezone(zone):%Y%m%d}-{codes.random_code(NUMBER_LENGTH)}"


def entry_details(redemption: Redemption) -> dict[str, Any]:
    """What the entries of a redemption name."""
    return {"reward": redemption.reward.name, "redemption": redemption.number}


def explanation(redemption: Redemption) -> list[dict[str, Any]]:
    """Why it costs so many points: the price of a piece with the steps that led to it, times the pieces."""
    part = {
        "rule": redemption.reward.code,
        "title": redemption.reward.name,
        "kind": "reward",
        "points": -redemption.points,
        "price": redemption.points // redemption.quantity,
        "quantity": redemption.quantity,
    }
    if len(redemption.price_steps) > 1:
        part["steps"] = redemption.price_steps
    if redemption.cash:
        part["cash"] = f"{redemption.cash:.2f}"
    return [part]


# ---- and back ---------------------------------------------------------------------------------------
def cancel(*, number: str, at: datetime, by: str = "", reason: str = "") -> Redemption:
    """Give back points (to their lots), stock and limit, and void the vouchers; a draft is let go.

    A cancelled redemption, or a draft that has timed out, comes back as it is. Raises NotFound, MemberClosed, TooLate
    (the session has begun), GivenAway, and AlreadyUsed when a voucher was used or it was fulfilled.
    """
    return _call_off(queries.redemption(number), cancel_rules.refuse, at, by, reason)


def cancel_own(*, number: str, at: datetime) -> Redemption:
    """Cancel as the member who redeemed it.

    Raises as `cancel`, CodeHandedOut once a partner's code was shown, VoucherExpired and VoucherVoid (by the shop).
    """
    return _call_off(queries.redemption(number), cancel_rules.refuse_to_member, at, "", "")


def _call_off(found: Redemption, refuse: Refuse, at: datetime, by: str, reason: str) -> Redemption:
    def work() -> Redemption:
        member = vouchers.lock_owner(found.pk, at)
        locked = lock(found.pk)
        if timeouts.is_over(locked, at):
            timeouts.give_back(redemption=locked, at=at)
        elif locked.state != State.CANCELLED:
            refuse(locked, member, at)
            _cancel(locked, member, at, by, reason)
        return queries.redemptions().get(pk=found.pk)

    return transactions.in_transaction(work)


def _cancel(found: Redemption, member: Member, at: datetime, by: str, reason: str) -> None:
    if found.state == State.EXPIRED:
        return  # a draft that timed out: everything is back
    vouchers.void(redemption=found, at=at, by=by, reason=reason)
    _give_points_back(found, member, at)
    put_back(found, at, reason)


def lock(pk: int) -> Redemption:
    """Lock a redemption, after the wallets and before its vouchers and the stock."""
    rows = Redemption.objects.select_related("reward", "variant", "offer", "hold")
    return rows.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def _give_points_back(redemption: Redemption, member: Member, at: datetime) -> None:
    if redemption.state == State.RESERVED:
        assert redemption.hold is not None
        asides.release(hold=redemption.hold, member=member, at=at)
    elif redemption.points:
        spending.give_back(
            member=member,
            reference=entry_reference(redemption),
            return_reference=redemption.number,
            details=entry_details(redemption),
            at=at,
        )


def entry_reference(redemption: Redemption) -> str:
    """The reference of the redeem entry: a draft's points were captured from its hold."""
    if redemption.hold_id is None:
        return redemption.number
    return holds.capture_reference(redemption.hold_id)


def put_back(redemption: Redemption, at: datetime, reason: str = "") -> None:
    """Give the pieces back to the stock and note the redemption as cancelled."""
    stock.put_back(redemption=redemption, at=at)
    redemption.state = State.CANCELLED
    redemption.cancelled_at = at
    redemption.cancel_reason = reason[:200]
    redemption.save(update_fields=["state", "cancelled_at", "cancel_reason"])


def state_of(redemption: Redemption, at: datetime) -> str:
    """The state at a moment: `expired` when a draft has timed out or nothing that was issued can be used any more."""
    if timeouts.is_over(redemption, at):
        return State.EXPIRED
    if redemption.state != State.ISSUED:
        return redemption.state
    states = {vouchers.state_of(voucher, at) for voucher in redemption.vouchers.all()}
    is_open = Voucher.State.ACTIVE in states or Voucher.State.INACTIVE in states
    return State.EXPIRED if vouchers.EXPIRED in states and not is_open else redemption.state
