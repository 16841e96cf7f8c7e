"""Vouchers: made when something is redeemed, shown at the till, used once."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from loyalty import expiry, owning, programs, spending
from members import codes, stores, transactions, validation
from members.errors import MemberClosed, ReferenceReused
from members.models import Member, Store
from rewards import queries
from rewards.errors import AlreadyUsed, VoucherExpired, VoucherVoid
from rewards.models import Redemption, Reward, Voucher

LENGTH = 16
GROUP = 4
EXPIRED = "expired"

_REFERENCE = validation.text(longest=100)


# ---- codes ----------------------------------------------------------------------------------------


def generate() -> str:
    """A new code of 16 characters that nobody can guess (74 bits)."""
    return codes.random_code(LENGTH)


def normalise(code: str) -> str:
    """A code as it is stored, however it was typed: case, blanks and dashes do not matter."""
    return codes.tidy(code)


def pretty(code: str) -> str:
    """A code in groups of four, to be read aloud: HJ7K 3P94 WQ3M 7KXA."""
    return " ".join(code[place : place + GROUP] for place in range(0, len(code), GROUP))


# ---- issue ----------------------------------------------------------------------------------------


def expires_at(*, reward: Reward, issued_at: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the reward's Nth program day after issue; None: never."""
    if reward.valid_days is None:
        return None
    last_day = issued_at.astimezone(zone).date() + timedelta(days=reward.valid_days)
    return expiry.end_of_local_day(last_day, zone)


def issue(*, redemption: Redemption, reward: Reward, at: datetime, zone: ZoneInfo) -> None:
    """Make one voucher for each piece of a redemption, in the caller's transaction."""
    until = expires_at(reward=reward, issued_at=at, zone=zone)
    new = [generate() for _piece in range(redemption.quantity)]
    Voucher.objects.bulk_create(
        Voucher(
            code=code,
            lookup=code,
            redemption=redemption,
            member_id=redemption.member_id,
            reward=reward,
            issued_at=at,
            expires_at=until,
        )
        for code in new
    )


def state_of(voucher: Voucher, at: datetime) -> str:
    """inactive, active, used, void or, for one that was not used in time, expired."""
    is_open = voucher.state in {Voucher.State.ACTIVE, Voucher.State.INACTIVE}
    if is_open and voucher.expires_at is not None and voucher.expires_at <= at:
        return EXPIRED
    return voucher.state


# ---- use ------------------------------------------------------------------------------------------


def use(*, code: str, store: str | None, reference: str, used_by: str, at: datetime) -> Voucher:
    """Use a voucher, once and for ever; the same reference again returns it as it is.

    `store` is a code, `reference` may be empty. Raises NotFound, InvalidInput for an unknown store,
    AlreadyUsed, ReferenceReused, VoucherVoid, VoucherExpired, WalletFrozen or MemberClosed; then
    nothing is changed.
    """
    reference = _REFERENCE(reference, "/reference")
    place = stores.named(store)
    found = queries.voucher(code)

    def work() -> Voucher:
        member = lock_owner(found.redemption_id, at)
        redemption = lock_redemption(found.redemption_id)
        voucher = queries.vouchers().get(pk=found.pk)
        if voucher.state == Voucher.State.USED:
            return _again(voucher, place, reference)
        _refuse_unusable(voucher, member, reference, at)
        if not mark_used(
            voucher, at=at, used_store=place, used_by=used_by[:150], used_reference=reference
        ):
            raise already_used(queries.vouchers().get(pk=found.pk))
        _close(redemption)
        return queries.vouchers().get(pk=found.pk)

    return transactions.in_transaction(work)


def lock_owner(redemption: int, at: datetime) -> Member:
    """Lock the points of whoever owns a redemption (id), and return the member as read under the lock."""

    def owner() -> int:
        return Redemption.objects.values_list("member_id", flat=True).get(pk=redemption)

    pk, _held = owning.lock_owner(owner_of=owner, at=at, types=["points"])
    return Member.objects.select_related("tier", "store").get(pk=pk)


def lock_redemption(pk: int) -> Redemption:
    """Lock a redemption, after the wallets and before its vouchers."""
    return Redemption.objects.select_for_update(no_key=True).get(pk=pk)


def mark_used(
    voucher: Voucher, *, at: datetime, used_store: Store | None, used_by: str, used_reference: str
) -> bool:
    """Set an active voucher to used; False when somebody else was first."""
    changed = Voucher.objects.filter(pk=voucher.pk, state=Voucher.State.ACTIVE).update(
        state=Voucher.State.USED,
        used_at=at,
        used_store=used_store,
        used_by=used_by,
        used_reference=used_reference,
    )
    return changed == 1


def void(*, redemption: Redemption) -> None:
    """Make the vouchers of a redemption worthless; raises AlreadyUsed when one of them was used."""
    of_redemption = queries.vouchers().filter(redemption=redemption)
    of_redemption.exclude(state=Voucher.State.USED).update(state=Voucher.State.VOID)
    used = of_redemption.filter(state=Voucher.State.USED).order_by("used_at", "id").first()
    if used is not None:
        raise already_used(used)


def _again(voucher: Voucher, place: Store | None, reference: str) -> Voucher:
    """The voucher, if this very use is told a second time; else it was used before."""
    if not reference or reference != voucher.used_reference:
        raise already_used(voucher)
    if place is not None and place != voucher.used_store:
        raise ReferenceReused(reference=reference)
    return voucher


def already_used(voucher: Voucher) -> AlreadyUsed:
    """When, in the program's time, and where a used voucher was used."""
    assert voucher.used_at is not None
    moment = timezone.localtime(voucher.used_at, programs.current().zone)
    store = voucher.used_store
    return AlreadyUsed(
        used_at=moment.isoformat(),
        used_store=store.code if store else None,
        used_store_name=store.name if store else None,
    )


def _refuse_unusable(voucher: Voucher, member: Member, reference: str, at: datetime) -> None:
    if member.status == Member.Status.CLOSED:
        raise MemberClosed
    if voucher.state != Voucher.State.ACTIVE:
        raise VoucherVoid
    if voucher.expires_at is not None and voucher.expires_at <= at:
        until = timezone.localtime(voucher.expires_at, programs.current().zone)
        raise VoucherExpired(expires_at=until.isoformat())
    spending.check_may_spend(member=member)
    others = Voucher.objects.filter(member=member, used_reference=reference)
    if reference and others.exclude(pk=voucher.pk).exists():
        raise ReferenceReused(reference=reference)


def _close(redemption: Redemption) -> None:
    """A redemption is used when all its vouchers are."""
    if not redemption.vouchers.exclude(state=Voucher.State.USED).exists():
        redemption.state = Redemption.State.USED
        redemption.save(update_fields=["state"])
