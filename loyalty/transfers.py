"""Transfers: points that one member gives to another."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from loyalty import ledger, message_words, programs, queries
from loyalty.errors import (
    InDebt,
    InsufficientPoints,
    TransferLimit,
    TransferNotAllowed,
    WalletFrozen,
)
from loyalty.ledger import Gift
from loyalty.models import Entry, Program, Transfer
from members import messages, validation
from members import queries as member_queries
from members.errors import MemberClosed, NotFound, ReferenceReused
from members.models import Member
from members.transactions import in_transaction

_POINTS = validation.whole_number(least=1)
_REFERENCE = validation.text(longest=100, shortest=1)
_MESSAGE = validation.text(longest=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """Points to be given: `sender` and `receiver` are member numbers, `message` is read by both."""

    sender: str
    receiver: str
    points: int
    reference: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Transferred:
    """The transfer; `is_new` False when the reference was known with the same content."""

    transfer: Transfer
    is_new: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The program's rules for transfers, in points; None: no limit. The fee comes on top of what is given."""

    is_enabled: bool
    minimum: int | None
    per_transfer: int | None
    per_day: int | None
    fee: int


def rules_of(program: Program) -> Rules:
    """The rules as the program's settings say them."""
    said = program.transfer
    return Rules(
        is_enabled=bool(said.get("enabled")),
        minimum=said.get("min"),
        per_transfer=said.get("per_transfer"),
        per_day=said.get("per_day"),
        fee=said.get("fee") or 0,
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """What giving would do: who gets the points, the fee on top, what the sender has left."""

    receiver: Member
    points: int
    fee: int
    left: int


def preview(*, request: TransferRequest, at: datetime) -> Preview:
    """What `transfer` would do or refuse as things stand; nothing is locked or kept, so it may still turn out otherwise."""
    _POINTS(request.points, "/points")
    sender = member_queries.by_number(request.sender, "/from")
    receiver = member_queries.by_number(request.receiver, "/to")
    made = Transfer(sender=sender, receiver=receiver, points=request.points, at=at)
    rules = rules_of(programs.current())
    merged = queries.wallet_of(member=sender).merged_from
    _check(made, rules, queries.family_of(member=sender, merged_wallets=merged))
    figures = queries.figures(member=sender, at=at)
    if figures.debt:
        raise InDebt(debt=figures.debt)
    needed = made.points + rules.fee
    if needed > figures.active:
        raise InsufficientPoints(needed=needed, available=figures.active)
    return Preview(receiver, made.points, rules.fee, figures.active - needed)


def transfer(*, request: TransferRequest, at: datetime) -> Transferred:
    """Give points to another member, who gets them with the dates they have; the sender pays the fee on top.

    Raises InvalidInput, NotFound (/from, /to), ReferenceReused, TransferNotAllowed, MemberClosed, WalletFrozen,
    TransferLimit, InDebt or InsufficientPoints; then nothing moves and the reference is not used up.
    """
    _POINTS(request.points, "/points")
    reference = _REFERENCE(request.reference, "/reference")
    message = _MESSAGE(request.message, "/message")
    return in_transaction(lambda: _transfer(request, reference, message, at))


def _transfer(request: TransferRequest, reference: str, message: str, at: datetime) -> Transferred:
    sender = member_queries.by_number(request.sender, "/from")
    receiver = _found(request.receiver)
    # Both at once, in id order: two who give to each other never wait crosswise.
    members = {sender.pk} if receiver is None else {sender.pk, receiver.pk}
    held = ledger.lock(members=members, at=at, types=["points"])
    wallet = held.of(sender.pk)
    family = queries.family_of(member=sender, merged_wallets=wallet.merged_from)
    known = _known(family, reference)
    if known is not None:
        content = (_heir_of(known.receiver), known.points, known.message)
        if content != (_heir_of(receiver), request.points, message):
            raise ReferenceReused(reference=reference)
        return Transferred(known, is_new=False)
    if receiver is None:
        raise NotFound(_("Member"), "/to")
    rules = rules_of(programs.current())
    made = Transfer(
        sender=sender,
        receiver=receiver,
        points=request.points,
        fee=rules.fee,
        message=message,
        reference=reference,
        at=at,
    )
    _check(made, rules, family)
    ledger.post(postings=[_gift(made, wallet.id, held.of(receiver.pk).id)], at=at, held=held)
    made.save(force_insert=True)
    _tell(made)
    return Transferred(made, is_new=True)


def _tell(made: Transfer) -> None:
    """Tell the receiver's inbox."""
    note = messages.quoted(made.message)
    messages.send(
        template=message_words.POINTS_RECEIVED,
        member=made.receiver,
        reference=f"transfer/{made.pk}",
        data={"from": made.sender.masked_name, "points": made.points, "note": note},
        link="/points",
        at=made.at,
    )


def _found(number: str) -> Member | None:
    try:
        return member_queries.by_number(number, "/to")
    except NotFound:
        return None


def _heir_of(member: Member | None) -> Member | None:
    """Whom a member was merged into, if it was: what it got has become the heir's."""
    while member is not None and member.merged_into is not None:
        member = member.merged_into
    return member


def _known(family: list[int], reference: str) -> Transfer | None:
    """What the sender, or somebody merged into it, gave under this reference."""
    found = Transfer.objects.select_related("sender", "receiver")
    return found.filter(sender__in=family, reference=reference).order_by("id").first()


def _check(made: Transfer, rules: Rules, family: list[int]) -> None:
    """Refuse what the program or the members' statuses, as read under the lock, do not allow."""
    if made.sender_id == made.receiver_id:
        raise TransferNotAllowed(reason="self")
    if not rules.is_enabled:
        raise TransferNotAllowed(reason="disabled")
    _check_statuses(made)
    if rules.minimum is not None and made.points < rules.minimum:
        raise TransferNotAllowed(reason="minimum", minimum=rules.minimum)
    if rules.per_transfer is not None and made.points > rules.per_transfer:
        raise TransferLimit(limit=rules.per_transfer, used=None)
    if rules.per_day is not None:
        zone = programs.current().zone
        given = queries.points_given_today(members=family, at=made.at, zone=zone)
        if given + made.points > rules.per_day:
            raise TransferLimit(limit=rules.per_day, used=given)


def _check_statuses(made: Transfer) -> None:
    sides = {"from": made.sender_id, "to": made.receiver_id}
    statuses = member_queries.statuses(sides.values())
    for status, refusal in (
        (Member.Status.CLOSED, MemberClosed),
        (Member.Status.FROZEN, WalletFrozen),
    ):
        for side, pk in sides.items():
            if statuses[pk] == status:
                raise refusal(side=side)


def _gift(made: Transfer, giver: int, taker: int) -> Gift:
    return Gift(
        wallet=giver,
        kind=Entry.Kind.TRANSFER_OUT,
        points=made.points,
        reference=made.reference,
        at=made.at,
        details={"to": made.receiver.masked_name, "message": made.message},
        explanation=[{"rule": "transfer_out", "kind": "transfer", "points": -made.points}],
        to=taker,
        fee=made.fee,
        reference_there=f"{made.sender.number}/{made.reference}",
        details_there={"from": made.sender.masked_name, "message": made.message},
    )
