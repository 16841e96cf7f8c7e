"""Buy-backs (积分回收): the merchant takes points back for money."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from loyalty import ledger, programs, queries, spending
from loyalty.errors import out_of_range
from loyalty.ledger import Debit
from loyalty.models import BuyBack, Entry
from members import queries as member_queries
from members import validation
from members.errors import ReferenceReused
from members.models import Member
from members.transactions import in_transaction

_POINTS = validation.whole_number(least=1)
_REFERENCE = validation.text(longest=100, shortest=1)
# What the money column holds: eighteen digits before the point.
LARGEST_VALUE = Decimal(10) ** 18


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyBackRequest:
    """Points to be bought back: `member` is a member number."""

    member: str
    points: int
    reference: str


@dataclass(frozen=True, slots=True)
class BoughtBack:
    """The buy-back; `is_new` False when the reference was known with the same content."""

    buy_back: BuyBack
    is_new: bool


def buy_back(*, request: BuyBackRequest, at: datetime) -> BoughtBack:
    """Take points, soonest expiry first, and note what they are worth now (money, rounded down to cents).

    Raises InvalidInput, NotFound (member), ReferenceReused, MemberClosed, WalletFrozen, InDebt or
    InsufficientPoints; then nothing is taken and the reference is not used up.
    """
    _POINTS(request.points, "/points")
    reference = _REFERENCE(request.reference, "/reference")
    made = BuyBack(points=request.points, reference=reference, at=at)
    return in_transaction(lambda: _buy_back(made, request.member, at))


def _buy_back(made: BuyBack, number: str, at: datetime) -> BoughtBack:
    member = made.member = member_queries.by_number(number, "/member")
    held = ledger.lock(members=[member.pk], at=at, types=["points"])
    wallet = held.of(member.pk)
    family = queries.family_of(member=member, merged_wallets=wallet.merged_from)
    known = _known(family, made.reference)
    if known is not None:
        if known.points != made.points:
            raise ReferenceReused(reference=made.reference)
        return BoughtBack(known, is_new=False)
    spending.check_may_spend(member=Member.objects.get(pk=member.pk))
    made.value = queries.value_of(made.points, programs.current())
    debit = Debit(
        wallet=wallet.id,
        kind=Entry.Kind.BUY_BACK,
        points=made.points,
        reference=made.reference,
        at=at,
        details={"value": f"{made.value:.2f}"},
        explanation=[{"rule": "buy_back", "kind": "buy_back", "points": -made.points}],
    )
    ledger.post(postings=[debit], at=at, held=held)
    if made.value >= LARGEST_VALUE:
        raise out_of_range("/points")
    made.save(force_insert=True)
    return BoughtBack(made, is_new=True)


def _known(family: list[int], reference: str) -> BuyBack | None:
    found = BuyBack.objects.select_related("member")
    return found.filter(member__in=family, reference=reference).order_by("id").first()
