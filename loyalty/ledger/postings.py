"""Postings: what a verb hands to the ledger. Pure data; points are positive whole numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    then debt (`clamp` stops before debt).
    """

    of: str
    clamp: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Posting):
    """Give all points of the redeem with reference `of` back to the lots they came from.

    A lot that has lapsed meanwhile lapses at once, or lives until `grace_until`. `points` must be what was redeemed.
    """

    of: str
    grace_until: datetime | None


@dataclass(frozen=True, slots=True)
class Posted:
    """What a posting did. `points` is signed as in the entry (0: nothing was to be taken, no entry)."""

    entry_id: int | None
    points: int
    balance: int
    is_new: bool
    debt_added: int = 0
