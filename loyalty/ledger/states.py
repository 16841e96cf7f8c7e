"""Lots, entries and wallets in memory, as read under the lock and as they will be written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loyalty.ledger.postings import MAX_POINTS, Details, Explanation

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class LotState:
    """A lot as it stands; `id` is None until the batch is written."""

    wallet_id: int
    points: int
    remaining: int
    is_pending: bool
    active_from: datetime
    expires_at: datetime | None
    id: int | None = None
    entry_id: int | None = None
    reserved: int = 0
    lapsed: int = 0
    forgiven: int = 0
    source: "EntryRow | None" = None
    is_changed: bool = False
    number: int = 0

    @property
    def free(self) -> int:
        """What no hold keeps."""
        return self.remaining - self.reserved

    def spending_key(self) -> tuple[datetime, datetime, float, int]:
        """Soonest expiry first, never-expiring last, then activation, then posting."""
        return (
            self.expires_at or _NEVER,
            self.active_from,
            float("inf") if self.id is None else self.id,
            self.number,
        )

    def due_at(self) -> datetime | None:
        """The next moment at which something happens to the lot by itself."""
        return self.active_from if self.is_pending else self.expires_at


@dataclass(slots=True, eq=False)
class EntryRow:
    """An entry to be written."""

    wallet_id: int
    kind: str
    points: int
    balance: int
    sequence: int
    reference: str
    at: datetime
    details: Details
    explanation: Explanation
    store: int | None = None
    corrects: "EntryRow | int | None" = None
    id: int = 0
    lot: LotState | None = None  # of an expiry: what lapsed, and how much of it had lapsed before
    lapsed_before: int = 0


@dataclass(slots=True, eq=False)
class Allocated:
    """An allocation to be written: `points` is negative when taken from the lot."""

    lot: LotState
    entry: EntryRow | None
    points: int


@dataclass(slots=True, eq=False)
class Redeemed:
    """A redeem entry with what it took from each lot and has not been given back, in spending order."""

    entry: EntryRow | int
    parts: list[tuple[LotState, int]]

    @property
    def left(self) -> int:
        """The points that can still be given back."""
        return sum(points for _, points in self.parts)


@dataclass(slots=True, eq=False)
class Reserved:
    """What a hold keeps of a lot, to be written."""

    hold: int
    lot: LotState
    points: int


@dataclass(slots=True, eq=False)
class WalletState:
    """A locked wallet's figures; `lots` holds its loaded open active lots in spending order."""

    id: int
    member_id: int
    type_code: str
    active: int
    pending: int
    reserved: int
    debt: int
    earned: int
    spent: int
    expired: int
    sequence: int
    next_due_at: datetime | None
    merged_from: list[int] = field(default_factory=list)
    last_activity_at: datetime | None = None
    activity: datetime | None = None  # the latest that was noted and has not moved lots yet
    is_changed: bool = False
    lots: list[LotState] = field(default_factory=list)
    origins: dict[str, LotState] = field(default_factory=dict)
    redeemed: dict[str, Redeemed] = field(default_factory=dict)
    held: dict[int, list[tuple[LotState, int]]] = field(default_factory=dict)

    @property
    def balance(self) -> int:
        """What the last entry's `balance` says."""
        return self.active + self.pending + self.reserved - self.debt

    def has_room(self, points: int, kind: str) -> bool:
        """Whether points can come in without any figure passing 2^63 − 1, even if all of them expire."""
        earned = self.earned if kind == "earn" else 0
        total = self.active + self.pending + self.reserved + self.expired
        return max(earned, total) + points <= MAX_POINTS

    def take_over(self, settled: Sequence[Any]) -> None:
        """Take over the figures that a settlement has written, as SETTLE returns them (without the id)."""
        self.active, self.pending, self.reserved, self.debt = settled[:4]
        self.expired, self.sequence, self.next_due_at = settled[4:]

    def forget_lots(self) -> None:
        """Drop what was loaded for an earlier call under the same lock."""
        self.lots.clear()
        self.origins.clear()
        self.redeemed.clear()
        self.held.clear()

    def note_activity(self, moment: datetime) -> None:
        """Remember the latest own order, redemption or capture; written with the next posting."""
        self.activity = max(moment, self.activity or moment)
        if self.last_activity_at is None or moment > self.last_activity_at:
            self.last_activity_at = moment
            self.is_changed = True

    def note_due(self, moment: datetime | None) -> None:
        """Remember the earliest moment at which something falls due."""
        if moment is not None and (self.next_due_at is None or moment < self.next_due_at):
            self.next_due_at = moment
