"""Postings: what a verb hands to the ledger. Pure data; points are positive whole numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from loyalty.errors import out_of_range
from members import validation
from members.errors import InvalidInput

MAX_POINTS = 2**63 - 1

Details = Mapping[str, Any]
Explanation = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What every posting says: the wallet, the business moment and a reference that is unique for ever."""

    wallet: int
    kind: str
    points: int
    reference: str
    at: datetime
    details: Details
    explanation: Explanation
    store: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit(Posting):
    """Points in: makes a lot; pays debt first (a pending lot when it becomes active)."""

    active_from: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit(Posting):
    """Points out of active lots, soonest expiry first; all or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Posting):
    """Take back up to `points` of the earn with reference `of`.

    Own lot first (also pending), then the part of it that expired (nothing to take), then other active lots,
    then debt (`clamp` stops before debt). One that takes nothing leaves no entry, so that only its caller can
    know it when it comes again.
    """

    of: str
    clamp: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Posting):
    """Give points of the redeem with reference `of` back to the lots they came from, the latest-expiring first.

    A lot that has lapsed meanwhile lapses at once, or lives until `grace_until`. Raises NothingToReturn for more than
    was taken and not given back yet.
    """

    of: str
    grace_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve(Posting):
    """Set active points aside for the open hold with this id until it times out; makes no entry."""

    hold: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Posting):
    """Spend `points` of what a hold keeps (one redeem entry) and release the rest."""

    hold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Posting):
    """Make active again what a hold keeps; what lapsed meanwhile lapses now. Makes no entry of its own."""

    hold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift(Posting):
    """Points that move from `wallet` to the wallet `to`: pieces keep their dates, the receiver's debt is paid first.

    `fee` is taken from the giver on top. The giver's entries carry `reference`, the receiver's `reference_there`.
    """

    to: int
    fee: int
    reference_there: str
    details_there: Details


@dataclass(frozen=True, slots=True, kw_only=True)
class Forfeit(Posting):
    """Take everything active and pending; `points` must be that sum. Holds are released before."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What a posting did. `points` is signed as in the entry (0: nothing was to be taken, no entry)."""

    points: int
    balance: int
    is_new: bool
    debt_added: int = 0


def refuse_unsound(posting: Posting) -> None:
    """Refuse what is no posting: points that are no positive whole number, naive times, an expiry before activation.

    Raises InvalidInput with the pointer of what is wrong.
    """
    if type(posting.points) is not int or posting.points < 1:
        raise InvalidInput("/points", "invalid", _("Points are whole numbers above zero."))
    if posting.points > MAX_POINTS:
        raise out_of_range("/points")
    _refuse_naive("/at", posting.at)
    if isinstance(posting, Credit):
        _refuse_naive("/active_from", posting.active_from)
        _refuse_naive("/expires_at", posting.expires_at)
        if posting.expires_at is not None and posting.expires_at <= posting.active_from:
            raise InvalidInput(
                "/expires_at", "invalid", _("The points would expire before they are active.")
            )
    elif isinstance(posting, Return):
        _refuse_naive("/grace_until", posting.grace_until)
    elif isinstance(posting, Reserve):
        _refuse_naive("/until", posting.until)


def _refuse_naive(pointer: str, moment: datetime | None) -> None:
    if moment is not None:
        validation.moment(moment, pointer)
