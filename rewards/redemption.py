"""Redeeming: points become a reward with its vouchers, and back again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from loyalty import programs, spending
from loyalty.errors import out_of_range
from loyalty.models import Program
from members import codes, stores, transactions, validation
from members import queries as member_queries
from members.errors import MemberClosed, ReferenceReused
from members.models import Member, Store
from rewards import queries, vouchers
from rewards.errors import LimitReached, MonthlyCapReached, NotEligible, NotOnSale, OutOfStock
from rewards.models import Redemption, Reward, Voucher

PIECES_AT_ONCE = 1_000
NUMBER_LENGTH = 6
NUMBER_TRIES = 10

_QUANTITY = validation.whole_number(least=1, most=PIECES_AT_ONCE)
_REFERENCE = validation.text(longest=100, shortest=1)
_ADDRESS = validation.optional(validation.json_object(longest=4_000))


@dataclass(frozen=True, kw_only=True, slots=True)
class RedemptionRequest:
    """What somebody wants: `member` is a number, `reward` and `store` are codes."""

    member: str
    reward: str
    quantity: int = 1
    reference: str
    store: str | None = None
    address: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Redeemed:
    """A redemption, and whether this call made it."""

    redemption: Redemption
    is_new: bool


def redeem(*, request: RedemptionRequest, at: datetime) -> Redeemed:
    """Take the points and issue the vouchers; the same reference and content again changes nothing.

    Raises NotFound, InvalidInput, ReferenceReused, MemberClosed, WalletFrozen, NotOnSale, NotEligible,
    LimitReached, OutOfStock, InDebt or InsufficientPoints, tested in this order; then nothing is changed
    and the reference is not used up.
    """
    _QUANTITY(request.quantity, "/quantity")
    reference = _REFERENCE(request.reference, "/reference")
    address = _ADDRESS(request.address, "/address")
    store = stores.named(request.store)
    found = member_queries.by_number(request.member, "/member")

    def work() -> Redeemed:
        member = spending.lock_member(member=found, at=at)
        reward = queries.reward(request.reward, "/reward")
        wish = _Wish(member, reward, request.quantity, reference, store, address)
        known = queries.redemption_by_reference(member=member, reference=reference)
        if known is not None:
            if known.digest != wish.digest():
                raise ReferenceReused(reference=reference)
            return Redeemed(redemption=known, is_new=False)
        return Redeemed(redemption=_redeem(wish, at), is_new=True)

    return transactions.in_transaction(work)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A request with everything found that it names, read under the lock."""

    member: Member
    reward: Reward
    quantity: int
    reference: str
    store: Store | None
    address: dict[str, Any] | None

    @property
    def points(self) -> int:
        return self.reward.points * self.quantity

    def digest(self) -> str:
        """What makes two requests the same."""
        store = self.store.code if self.store else None
        content = [self.reward.code, self.quantity, store, self.address]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


# ---- may the member have it? ------------------------------------------------------------------------


def _redeem(wish: _Wish, at: datetime) -> Redemption:
    program = programs.current()
    _refuse_unfit(wish, at)
    _refuse_beyond_limits(wish, program, at)
    if wish.reward.stock is not None and not take_stock(wish.reward, wish.quantity):
        raise OutOfStock(
            left=Reward.objects.values_list("stock", flat=True).get(pk=wish.reward.pk)
        )
    redemption = _store(wish, program, at)
    spending.spend(
        member=wish.member,
        points=wish.points,
        reference=redemption.number,
        details={"reward": wish.reward.name, "redemption": redemption.number},
        explanation=[
            {
                "rule": wish.reward.code,
                "title": wish.reward.name,
                "kind": "reward",
                "points": -wish.points,
                "price": wish.reward.points,
                "quantity": wish.quantity,
            }
        ],
        at=at,
        store=wish.store.pk if wish.store else None,
    )
    vouchers.issue(redemption=redemption, reward=wish.reward, at=at, zone=program.zone)
    return queries.redemptions().get(pk=redemption.pk)


def _refuse_unfit(wish: _Wish, at: datetime) -> None:
    spending.check_may_spend(member=wish.member)
    if not queries.is_on_sale(wish.reward, at):
        raise NotOnSale
    if not queries.is_for(wish.reward, wish.member):
        raise NotEligible(tiers=wish.reward.tiers)


def _refuse_beyond_limits(wish: _Wish, program: Program, at: datetime) -> None:
    reward = wish.reward
    if reward.per_member is not None:
        taken = queries.pieces_taken(member=wish.member, rewards=[reward], at=at)[reward.pk]
        if taken + wish.quantity > reward.per_member:
            raise LimitReached(limit=reward.per_member, used=taken)
    cap = program.monthly_redemption_cap
    if cap is not None:
        spent = queries.points_redeemed_this_month(member=wish.member, at=at, zone=program.zone)
        if spent + wish.points > cap:
            raise MonthlyCapReached(limit=cap, used=spent)
    if wish.points > validation.LARGEST:
        raise out_of_range("/quantity")


def take_stock(reward: Reward, quantity: int) -> bool:
    """Take pieces from the stock, if there are so many; the row decides, whoever else takes some."""
    enough = Q(stock__gte=quantity) | Q(stock=None)
    rows = Reward.objects.filter(enough, pk=reward.pk).update(stock=F("stock") - quantity)
    return rows == 1


def _store(wish: _Wish, program: Program, at: datetime) -> Redemption:
    redemption = Redemption(
        member=wish.member,
        reward=wish.reward,
        quantity=wish.quantity,
        points=wish.points,
        reference=wish.reference,
        store=wish.store,
        address=wish.address,
        redeemed_at=at,
        digest=wish.digest(),
    )
    return store_numbered(redemption, zone=program.zone)


def store_numbered(redemption: Redemption, *, zone: ZoneInfo) -> Redemption:
    """Write the redemption under a number of its day that nobody has."""
    for _try in range(NUMBER_TRIES):
        day = redemption.redeemed_at.astimezone(zone)
        redemption.number = f"R{day:%Y%m%d}-{codes.random_code(NUMBER_LENGTH)}"
        try:
            with transaction.atomic():
                redemption.save(force_insert=True)
        except IntegrityError:
            if not Redemption.objects.filter(number=redemption.number).exists():
                raise
        else:
            return redemption
    raise RuntimeError("no free redemption number was found")


# ---- and back ---------------------------------------------------------------------------------------


def cancel(*, number: str, at: datetime) -> Redemption:
    """Give back points (to their lots), stock and limit, and void the vouchers.

    A cancelled redemption comes back as it is. Raises NotFound, MemberClosed, and AlreadyUsed when a voucher was used.
    """
    found = queries.redemption(number)

    def work() -> Redemption:
        member = vouchers.lock_owner(found.pk, at)
        redemption = vouchers.lock_redemption(found.pk)
        if redemption.state != Redemption.State.CANCELLED:
            if member.status == Member.Status.CLOSED:
                raise MemberClosed
            vouchers.void(redemption=redemption, at=at)
            _give_back(redemption, member, at)
        return queries.redemptions().get(pk=found.pk)

    return transactions.in_transaction(work)


def _give_back(redemption: Redemption, member: Member, at: datetime) -> None:
    if redemption.points:
        spending.give_back(
            member=member,
            reference=redemption.number,
            return_reference=redemption.number,
            details={"reward": redemption.reward.name, "redemption": redemption.number},
            at=at,
        )
    put_back(redemption, at)


def put_back(redemption: Redemption, at: datetime) -> None:
    """Give the pieces back to the stock and note the redemption as cancelled."""
    pieces = Reward.objects.filter(pk=redemption.reward_id, stock__isnull=False)
    pieces.update(stock=F("stock") + redemption.quantity)
    redemption.state = Redemption.State.CANCELLED
    redemption.cancelled_at = at
    redemption.save(update_fields=["state", "cancelled_at"])


def state_of(redemption: Redemption, at: datetime) -> str:
    """The state at a moment: `expired` when nothing of an issued redemption can be used any more."""
    if redemption.state != Redemption.State.ISSUED:
        return redemption.state
    states = {vouchers.state_of(voucher, at) for voucher in redemption.vouchers.all()}
    is_over = vouchers.EXPIRED in states and Voucher.State.ACTIVE not in states
    return Redemption.State.EXPIRED if is_over else redemption.state
