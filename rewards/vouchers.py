"""Vouchers: made when something is redeemed, shown at the till, used once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty import spending
from loyalty.errors import OrderClosed
from loyalty.models import Order
from members import codes, stores, transactions, validation
from members.errors import MemberClosed, ReferenceReused
from members.models import Member, Store
from rewards import queries, voucher_rules, voucher_steps
from rewards.models import Redemption, Reward, Voucher, VoucherBatch, VoucherStep
from rewards.voucher_errors import GivenAway
from rewards.voucher_locks import lock_holder, lock_order, lock_owner, lock_redemption
from rewards.voucher_rules import EXPIRED, already_used, expires_at, state_of

__all__ = ["EXPIRED", "already_used", "expires_at", "lock_owner", "lock_redemption", "state_of"]

LENGTH = 16
GROUP = 4

_REFERENCE = validation.text(longest=100)
_REASON = validation.text(longest=200, shortest=1)
Step = VoucherStep.Kind


# ---- codes ----------------------------------------------------------------------------------------


def generate() -> str:
    """A new code of 16 characters that nobody can guess (74 bits)."""
    return codes.random_code(LENGTH)


def normalise(code: str) -> str:
    """A code as it is looked up, however it was typed: case, blanks, dashes and full width do not matter."""
    return codes.tidy(code)


def pretty(code: str) -> str:
    """A code as people read it aloud: our own in groups of four (HJ7K 3P94 WQ3M 7KXA), a partner's as it was written."""
    if len(code) != LENGTH or not set(code) <= set(codes.ALPHABET):
        return code
    return " ".join(code[place : place + GROUP] for place in range(0, len(code), GROUP))


def masked(code: str) -> str:
    """A code that nobody can use: its last four characters, of a short one its last two."""
    shown = GROUP if len(code) > 2 * GROUP else GROUP // 2
    return f"•••• {code[-shown:]}" if len(code) > shown else "••••"


# ---- issue ----------------------------------------------------------------------------------------


def issue(
    *,
    redemption: Redemption,
    reward: Reward,
    at: datetime,
    zone: ZoneInfo,
    codes: Sequence[str] | None = None,
) -> list[Voucher]:
    """Make one voucher for each piece of a redemption, in the caller's transaction.

    The codes are new ones, unless they are told (a partner's, as the partner wrote them).
    """
    new = [generate() for _piece in range(redemption.quantity)] if codes is None else codes
    return issue_all([made(redemption, reward, code, at, zone) for code in new])


def made(
    redemption: Redemption, reward: Reward, code: str, at: datetime, zone: ZoneInfo
) -> Voucher:
    """A voucher (unsaved) of a redemption under a code."""
    variant = redemption.variant
    return Voucher(
        code=code,
        lookup=normalise(code),
        redemption=redemption,
        member_id=redemption.member_id,
        reward=reward,
        issued_at=at,
        active_from=voucher_rules.active_from(
            reward=reward, issued_at=at, zone=zone, variant=variant
        ),
        expires_at=voucher_rules.expires_at(
            reward=reward, issued_at=at, zone=zone, variant=variant
        ),
    )


def issue_all(new: Sequence[Voucher], batch: VoucherBatch | None = None) -> list[Voucher]:
    """Store new vouchers, of one redemption or of thousands, and note that they were issued."""
    for voucher in new:
        voucher.batch = batch
    stored = Voucher.objects.bulk_create(new)
    voucher_steps.note_all(
        VoucherStep(voucher=each, kind=Step.ISSUED, at=each.issued_at) for each in stored
    )
    return stored


# ---- use ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Use:
    """Where, by whom and for what a voucher is used."""

    store: Store | None
    by: str
    reference: str
    order: Order | None


def use(
    *,
    code: str,
    store: str | None,
    reference: str,
    used_by: str,
    at: datetime,
    order: str | None = None,
) -> Voucher:
    """Use a voucher, once and for ever; the same reference again returns it as it is.

    `store` is a code, `reference` may be empty, `order` is "source/number" or the number of one of the default source.
    Raises NotFound, InvalidInput for an unknown store, OrderClosed, MemberClosed, AlreadyUsed, ReferenceReused,
    VoucherVoid, VoucherExpired, VoucherInactive, TicketForDraws, NotValidHere, NotValidToday or WalletFrozen; then
    nothing is changed.
    """
    reference = _REFERENCE(reference, "/reference")
    place = stores.named(store)
    found = queries.voucher(code)

    def work() -> Voucher:
        bought = lock_order(order, found, at) if order else None
        member = lock_holder(found.pk, at)
        redemption = lock_redemption(found.redemption_id)
        voucher = queries.vouchers().get(pk=found.pk)
        said = _Use(place, used_by[:150], reference, bought)
        if voucher.state == Voucher.State.USED:
            return _again(voucher, said)
        _refuse_unusable(voucher, member, said, at)
        _use(voucher, said, at)
        close(redemption)
        return queries.vouchers().get(pk=found.pk)

    return transactions.in_transaction(work)


def _use(voucher: Voucher, said: _Use, at: datetime) -> None:
    if not mark_used(
        voucher,
        at=at,
        used_store=said.store,
        used_by=said.by,
        used_reference=said.reference,
        used_order=said.order,
    ):
        fresh = queries.vouchers().get(pk=voucher.pk)
        voucher_rules.refuse_closed(fresh, at)  # it was voided, or used, in this very moment
        raise already_used(fresh)
    note = said.order.reference if said.order else ""
    voucher_steps.note(
        vouchers=[voucher], kind=Step.USED, at=at, by=said.by, store=said.store, note=note
    )


def mark_used(
    voucher: Voucher,
    *,
    at: datetime,
    used_store: Store | None,
    used_by: str,
    used_reference: str,
    used_order: Order | None = None,
) -> bool:
    """Set a voucher that is open to used; False when somebody else was first."""
    changed = Voucher.objects.filter(pk=voucher.pk, state__in=voucher_rules.OPEN).update(
        state=Voucher.State.USED,
        used_at=at,
        used_store=used_store,
        used_by=used_by,
        used_reference=used_reference,
        used_order=used_order,
    )
    return changed == 1


def close(redemption: Redemption) -> None:
    """A redemption is used when all its vouchers are, those that are void left aside."""
    over = [Voucher.State.USED, Voucher.State.VOID]
    if not redemption.vouchers.exclude(state__in=over).exists():
        redemption.state = Redemption.State.USED
        redemption.save(update_fields=["state"])


def _again(voucher: Voucher, said: _Use) -> Voucher:
    """The voucher, if this very use is told a second time; else it was used before."""
    if not said.reference or said.reference != voucher.used_reference:
        raise already_used(voucher)
    is_elsewhere = said.store is not None and said.store != voucher.used_store
    is_otherwise = said.order is not None and said.order.pk != voucher.used_order_id
    if is_elsewhere or is_otherwise:
        raise ReferenceReused(reference=said.reference)
    return voucher


def _refuse_unusable(voucher: Voucher, member: Member, said: _Use, at: datetime) -> None:
    if member.status == Member.Status.CLOSED:
        raise MemberClosed
    voucher_rules.refuse_unusable(voucher, at)
    voucher_rules.refuse_misplaced(voucher, said.store, at)
    spending.check_may_spend(member=member)
    others = Voucher.objects.filter(member=member, used_reference=said.reference)
    if said.reference and others.exclude(pk=voucher.pk).exists():
        raise ReferenceReused(reference=said.reference)
    if said.order is not None and not said.order.is_open:
        raise OrderClosed(state=said.order.status)


# ---- void -----------------------------------------------------------------------------------------


def void(*, redemption: Redemption, at: datetime, by: str = "", reason: str = "") -> None:
    """Make the vouchers of a redemption worthless, which is locked.

    Raises AlreadyUsed when one of them was used, GivenAway when one belongs to another member by now.
    """
    left = list(redemption.vouchers.exclude(state=Voucher.State.VOID).order_by("id"))
    used = queries.vouchers().filter(redemption=redemption, state=Voucher.State.USED)
    first = used.order_by("used_at", "id").first()
    if first is not None:
        raise already_used(first)
    if any(each.member_id != redemption.member_id for each in left):
        raise GivenAway
    void_all(left, at=at, by=by, reason=reason)


def void_one(*, code: str, reason: str, by: str, at: datetime) -> Voucher:
    """Make one voucher worthless, with a reason; points and stock stay as they are. A void one comes back as it is.

    Raises NotFound, InvalidInput (no reason) or AlreadyUsed; then nothing is changed.
    """
    reason = _REASON(reason, "/reason")
    found = queries.voucher(code)

    def work() -> Voucher:
        lock_holder(found.pk, at)
        lock_redemption(found.redemption_id)
        voucher = queries.vouchers().get(pk=found.pk)
        if voucher.state == Voucher.State.USED:
            raise already_used(voucher)
        void_all([voucher], at=at, by=by, reason=reason)
        return queries.vouchers().get(pk=found.pk)

    return transactions.in_transaction(work)


def void_all(found: Iterable[Voucher], *, at: datetime, by: str, reason: str) -> int:
    """Void those of the vouchers that are still open, and note it; how many it were."""
    named = Voucher.objects.filter(pk__in=[each.pk for each in found])
    still_open = named.filter(state__in=voucher_rules.OPEN)
    voided = list(still_open.select_for_update(no_key=True).order_by("id"))
    Voucher.objects.filter(pk__in=[each.pk for each in voided]).update(
        state=Voucher.State.VOID, voided_at=at, voided_by=by[:150], void_reason=reason[:200]
    )
    voucher_steps.note(vouchers=voided, kind=Step.VOIDED, at=at, by=by, note=reason)
    return len(voided)
