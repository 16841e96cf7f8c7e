"""When and where a voucher is good: pure, from the voucher, its reward, a moment and a place."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from loyalty import expiry, programs
from members import queries as member_queries
from members.models import Store
from rewards.errors import AlreadyUsed, VoucherExpired, VoucherVoid
from rewards.models import Reward, Variant, Voucher
from rewards.voucher_errors import NotValidHere, NotValidToday, TicketForDraws, VoucherInactive

EXPIRED = "expired"
OPEN = (Voucher.State.ACTIVE, Voucher.State.INACTIVE)


def expires_at(
    *, reward: Reward, issued_at: datetime, zone: ZoneInfo, variant: Variant | None = None
) -> datetime | None:
    """The end of the reward's Nth program day after issue or its fixed end, whichever is earlier; None: never.

    For a session it is the end of the session's day, whatever else the reward says.
    """
    if variant is not None and variant.begins_at is not None:
        return session_end(variant.begins_at, variant.ends_at, zone)
    if reward.valid_days is None:
        return reward.valid_until
    last_day = issued_at.astimezone(zone).date() + timedelta(days=reward.valid_days)
    by_days = expiry.end_of_local_day(last_day, zone)
    return by_days if reward.valid_until is None else min(by_days, reward.valid_until)


def session_end(begins_at: datetime, ends_at: datetime | None, zone: ZoneInfo) -> datetime:
    """The end of the program's day on which a session is over, or begins where its end is not said."""
    last = begins_at if ends_at is None else ends_at - timedelta(microseconds=1)
    return expiry.end_of_local_day(last.astimezone(zone).date(), zone)


def is_session_to_come(variant: Variant | None, at: datetime, zone: ZoneInfo) -> bool:
    """Whether it is for a session of a later day of the program."""
    if variant is None or variant.begins_at is None:
        return False
    return at.astimezone(zone).date() < variant.begins_at.astimezone(zone).date()


def active_from(
    *, reward: Reward, issued_at: datetime, zone: ZoneInfo, variant: Variant | None = None
) -> datetime | None:
    """The first moment of the reward's Nth program day after issue; None: at once, as for every session."""
    if not reward.valid_from_days or (variant is not None and variant.begins_at is not None):
        return None
    day = issued_at.astimezone(zone).date() + timedelta(days=reward.valid_from_days)
    return datetime.combine(day, time.min, zone)


def state_of(voucher: Voucher, at: datetime) -> str:
    """inactive, active, used, void or, for one that was not used in time, expired."""
    if voucher.state not in OPEN:
        return voucher.state
    if voucher.expires_at is not None and voucher.expires_at <= at:
        return EXPIRED
    if voucher.active_from is not None:
        return Voucher.State.ACTIVE if voucher.active_from <= at else Voucher.State.INACTIVE
    return voucher.state


def amount_of(voucher: Voucher) -> Decimal | None:
    """What the voucher takes off an order: its own amount, else its reward's; None where it takes none off."""
    return voucher.reward.discount_amount if voucher.amount is None else voucher.amount


# ---- refusals ---------------------------------------------------------------------------------------
def refuse_unusable(voucher: Voucher, at: datetime) -> None:
    """Raises AlreadyUsed, VoucherVoid, VoucherExpired or VoucherInactive unless the voucher is active at a moment."""
    refuse_closed(voucher, at)
    if state_of(voucher, at) == Voucher.State.INACTIVE:
        raise VoucherInactive(active_from=_told(voucher.active_from))


def refuse_closed(voucher: Voucher, at: datetime) -> None:
    """Raises AlreadyUsed, VoucherVoid or VoucherExpired unless the voucher is, or will be, good for something."""
    refusals: dict[str, Callable[[], Exception]] = {
        Voucher.State.USED: lambda: already_used(voucher),
        Voucher.State.VOID: lambda: VoucherVoid(
            reason=voucher.void_reason, voided_at=_told(voucher.voided_at)
        ),
        EXPIRED: lambda: VoucherExpired(expires_at=_told(voucher.expires_at)),
    }
    state = state_of(voucher, at)
    if state in refusals:
        raise refusals[state]()


def refuse_misplaced(voucher: Voucher, store: Store | None, at: datetime) -> None:
    """Raises TicketForDraws, NotValidHere or NotValidToday; a voucher for some stores is good in none that is not told."""
    refuse_ticket(voucher.reward)
    if not is_for_store(voucher.reward, store):
        codes = voucher.reward.stores
        known = member_queries.stores_by_code(codes)
        names = [known[code].name if code in known else code for code in codes]
        raise NotValidHere(stores=codes, store_names=names)
    if not is_for_day(voucher.reward, at, programs.current().zone):
        raise NotValidToday(weekdays=sorted(voucher.reward.weekdays))


def refuse_ticket(reward: Reward) -> None:
    """Raises TicketForDraws for what only a draw uses up."""
    if not is_for_counters(reward):
        raise TicketForDraws(draw=None if reward.draw is None else reward.draw.code)


def is_for_counters(reward: Reward) -> bool:
    """Whether the reward's vouchers are used at tills and counters; draw tickets are not."""
    return reward.kind != Reward.Kind.DRAW_TICKET


def is_for_store(reward: Reward, store: Store | None) -> bool:
    """Whether the reward's vouchers are good in a store."""
    return not reward.stores or (store is not None and store.code in reward.stores)


def is_for_day(reward: Reward, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the reward's vouchers are good on the program's day of a moment."""
    return not reward.weekdays or at.astimezone(zone).isoweekday() in reward.weekdays


def already_used(voucher: Voucher) -> AlreadyUsed:
    """When, in the program's time, and where a used voucher was used."""
    store = voucher.used_store
    return AlreadyUsed(
        used_at=_told(voucher.used_at),
        used_store=store.code if store else None,
        used_store_name=store.name if store else None,
        used_order=voucher.used_order.reference if voucher.used_order else None,
    )


def is_reached(voucher: Voucher, amount: Decimal) -> bool:
    """Whether an order of an amount may have come up to `min_spend`, before the voucher took anything off.

    Tills report what was paid or what it was before: where either reaches it, it counts as reached.
    """
    least, percent = voucher.reward.min_spend, voucher.reward.discount_percent
    if not least:
        return True
    if percent is not None:
        return amount * 100 >= least * (100 - percent)
    return amount + (amount_of(voucher) or 0) >= least


def _told(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return timezone.localtime(moment, programs.current().zone).isoformat()
