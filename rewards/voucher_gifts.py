"""Vouchers that one member gives to another."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from loyalty.errors import WalletFrozen
from members import messages, transactions, validation
from members import queries as member_queries
from members.errors import MemberClosed, NotFound, ReferenceReused
from members.models import Member
from rewards import message_words, queries, voucher_rules, voucher_steps
from rewards.models import Voucher, VoucherGift, VoucherStep
from rewards.voucher_errors import GiftNotAllowed, VoucherNotFound
from rewards.voucher_locks import lock_holder, lock_redemption

_REFERENCE = validation.text(longest=100)
_MESSAGE = validation.text(longest=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftRequest:
    """A voucher (its code) for a member (number); `giver` is a number where only its own vouchers may be given."""

    code: str
    to: str
    giver: str | None = None
    reference: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What was given, and whether by this call."""

    gift: VoucherGift
    voucher: Voucher
    is_new: bool


def give(*, request: GiftRequest, by: str, at: datetime) -> Given:
    """Make another member the holder of a voucher; the same reference and content again changes nothing.

    Who redeemed it can then not cancel the redemption any more. Raises NotFound (the voucher; /to), InvalidInput,
    ReferenceReused, AlreadyUsed, VoucherVoid, VoucherExpired, GiftNotAllowed, MemberClosed or WalletFrozen (with `side`).
    """
    reference = _REFERENCE(request.reference, "/reference")
    message = _MESSAGE(request.message, "/message")
    found = queries.voucher(request.code)
    receiver = member_queries.by_number(request.to, "/to")

    def work() -> Given:
        holder = lock_holder(found.pk, at, also=[receiver.pk])
        made = VoucherGift(
            voucher=found,
            giver=holder,
            receiver=Member.objects.get(pk=receiver.pk),
            reference=reference,
            message=message,
            at=at,
        )
        known = _known(made)
        if known is not None:
            return Given(known, queries.vouchers().get(pk=found.pk), is_new=False)
        if request.giver is not None and holder.number != request.giver:
            raise VoucherNotFound(_voucher_word())
        lock_redemption(found.redemption_id)
        _refuse(made, at)
        _hand_over(made, by)
        return Given(made, queries.vouchers().get(pk=found.pk), is_new=True)

    return transactions.in_transaction(work)


def refuse_unfit(*, voucher: Voucher, receiver: Member, at: datetime) -> None:
    """Raise what `give` would refuse as things stand; nothing is locked or kept, so it may still turn out otherwise."""
    gift = VoucherGift(voucher=voucher, giver=voucher.member, receiver=receiver, at=at)
    _refuse(gift, at)


def gifts_of(member: Member) -> QuerySet[VoucherGift]:
    """The vouchers that a member gave away, the latest first."""
    given = VoucherGift.objects.filter(giver=member)
    return given.select_related("voucher__reward", "receiver").order_by("-at", "-id")


def _voucher_word() -> str:
    return str(Voucher._meta.verbose_name)


def _known(gift: VoucherGift) -> VoucherGift | None:
    """What was given under this reference before; told again, the voucher is not its giver's any more."""
    if not gift.reference:
        return None
    known = VoucherGift.objects.filter(reference=gift.reference)
    same = {"voucher": gift.voucher, "receiver": gift.receiver, "message": gift.message}
    found = known.filter(**same).select_related("receiver").order_by("-id").first()
    if found is None and known.filter(giver=gift.giver).exists():
        raise ReferenceReused(reference=gift.reference)
    return found


def _refuse(gift: VoucherGift, at: datetime) -> None:
    voucher = queries.vouchers().get(pk=gift.voucher_id)
    if gift.giver.pk == gift.receiver.pk:
        raise GiftNotAllowed(reason="self")
    voucher_rules.refuse_closed(voucher, at)
    if not voucher.reward.is_giftable:
        raise GiftNotAllowed(reason="reward")
    sides = {"from": gift.giver, "to": gift.receiver}
    for status, refusal in (
        (Member.Status.CLOSED, MemberClosed),
        (Member.Status.FROZEN, WalletFrozen),
    ):
        for side, member in sides.items():
            if member.status == status:
                raise refusal(side=side)


def _hand_over(gift: VoucherGift, by: str) -> None:
    held = Voucher.objects.filter(pk=gift.voucher_id, member=gift.giver)
    if not held.update(member=gift.receiver, given_by=gift.giver):
        raise NotFound(_voucher_word())
    gift.save(force_insert=True)
    step = VoucherStep(
        voucher_id=gift.voucher_id,
        kind=VoucherStep.Kind.GIVEN,
        at=gift.at,
        by=by,
        note=gift.message,
        data={"from": gift.giver.number, "to": gift.receiver.number},
    )
    voucher_steps.note_all([step])
    _tell(gift)


def _tell(gift: VoucherGift) -> None:
    voucher = Voucher.objects.select_related("reward").get(pk=gift.voucher_id)
    note = messages.quoted(gift.message)
    messages.send(
        template=message_words.VOUCHER_GIFT,
        member=gift.receiver,
        reference=f"gift/{gift.pk}",
        data={"reward": voucher.reward.name, "from": gift.giver.masked_name, "note": note},
        link="/vouchers",
        at=gift.at,
    )
