"""Fulfilling: what was redeemed is handed over or sent."""

from dataclasses import dataclass
from datetime import datetime

from members import transactions, validation
from rewards import queries, redemption, voucher_rules, voucher_steps, vouchers
from rewards.models import Redemption, Voucher, VoucherStep
from rewards.redemption_errors import RedemptionClosed
from rewards.voucher_rules import OPEN

State = Redemption.State
_TEXT = validation.text(longest=100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """Who carries it, under which tracking number; both may be empty."""

    carrier: str = ""
    tracking: str = ""


def fulfil(*, number: str, parcel: Parcel, by: str, at: datetime) -> Redemption:
    """Note that what was redeemed was handed over or sent; its open vouchers are used with it.

    Again it changes carrier and tracking. Raises NotFound, InvalidInput, RedemptionClosed for a draft and for what was
    cancelled or has expired, and TicketForDraws for tickets that a draw has yet to use.
    """
    parcel = Parcel(
        carrier=_TEXT(parcel.carrier, "/carrier"), tracking=_TEXT(parcel.tracking, "/tracking")
    )
    found = queries.redemption(number)

    def work() -> Redemption:
        vouchers.lock_owner(found.pk, at)
        locked = redemption.lock(found.pk)
        state = redemption.state_of(locked, at)
        if state in {State.RESERVED, State.CANCELLED, State.EXPIRED}:
            raise RedemptionClosed(state=state)
        if state == State.ISSUED:
            voucher_rules.refuse_ticket(locked.reward)
        _note(locked, parcel, by, at)
        return queries.redemptions().get(pk=found.pk)

    return transactions.in_transaction(work)


def _note(found: Redemption, parcel: Parcel, by: str, at: datetime) -> None:
    if found.fulfilled_at is None:
        found.fulfilled_at = at
        found.fulfilled_by = by[:150]
    if found.state == State.ISSUED:
        _use_vouchers(found, by, at)
        found.state = State.FULFILLED
    found.carrier = parcel.carrier or found.carrier
    found.tracking = parcel.tracking or found.tracking
    found.save(update_fields=["state", "fulfilled_at", "fulfilled_by", "carrier", "tracking"])


def _use_vouchers(found: Redemption, by: str, at: datetime) -> None:
    still_open = found.vouchers.filter(state__in=OPEN)
    used = list(still_open.select_for_update(no_key=True).order_by("id"))
    Voucher.objects.filter(pk__in=[each.pk for each in used]).update(
        state=Voucher.State.USED, used_at=at, used_by=by[:150]
    )
    voucher_steps.note(vouchers=used, kind=VoucherStep.Kind.USED, at=at, by=by)
