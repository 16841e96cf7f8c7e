"""The ledger's rules once more, as plainly as they can be said: one wallet, a clock and a list of lots.

It knows nothing of databases and takes no short cut: time passes event by event, points are counted lot by lot.
"""

from dataclasses import dataclass, field
from datetime import datetime


class Refused(Exception):
    """The wallet says no; `reason` is in_debt or insufficient_points."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(eq=False)
class Lot:
    name: str
    points: int
    active_from: datetime
    expires_at: datetime | None
    number: int
    left: int = 0
    is_pending: bool = True
    lapsed: int = 0
    forgiven: int = 0

    def rank(self) -> tuple[bool, datetime, datetime, int]:
        """Soonest expiry first, never last, then activation, then posting."""
        return (
            self.expires_at is None,
            self.expires_at or self.active_from,
            self.active_from,
            self.number,
        )


@dataclass
class Model:
    """One wallet; every verb first lets time pass up to its moment."""

    lots: list[Lot] = field(default_factory=list)
    entries: list[tuple[str, int, int]] = field(default_factory=list)
    taken: dict[str, list[tuple[Lot, int]]] = field(default_factory=dict)
    debt: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0

    # ---- figures -----------------------------------------------------------------------------
    @property
    def active(self) -> int:
        return sum(lot.left for lot in self.lots if not lot.is_pending)

    @property
    def pending(self) -> int:
        return sum(lot.left for lot in self.lots if lot.is_pending)

    def figures(self) -> dict[str, int]:
        found = {
            "active": self.active,
            "pending": self.pending,
            "debt": self.debt,
            "earned": self.earned,
            "spent": self.spent,
            "expired": self.expired,
        }
        return {name: points for name, points in found.items() if points}

    def spendable(self) -> list[Lot]:
        return sorted((lot for lot in self.lots if lot.left and not lot.is_pending), key=Lot.rank)

    # ---- time --------------------------------------------------------------------------------
    def pass_until(self, now: datetime) -> None:
        """Let everything happen that falls due by `now`, in the order in which it falls due."""
        while due := min(self._due(now), default=None):
            _, _, _, lot = due
            if lot.is_pending:
                self._activate(lot)
            else:
                self._expire(lot)

    def _due(self, now: datetime) -> list[tuple[datetime, bool, int, Lot]]:
        events = []
        for lot in self.lots:
            moment = lot.active_from if lot.is_pending else lot.expires_at
            if lot.left and moment is not None and moment <= now:
                events.append((moment, not lot.is_pending, lot.number, lot))
        return events

    def _activate(self, lot: Lot) -> None:
        lot.is_pending = False
        self._pay_debt(lot)

    def _pay_debt(self, lot: Lot) -> None:
        paid = min(self.debt, lot.left)
        lot.left -= paid
        self.debt -= paid

    def _expire(self, lot: Lot) -> None:
        points, lot.left = lot.left, 0
        lot.lapsed += points
        self.expired += points
        self._enter("expire", -points)

    # ---- verbs -------------------------------------------------------------------------------
    def award(
        self,
        name: str,
        points: int,
        now: datetime,
        *,
        active_from: datetime,
        expires_at: datetime | None,
    ) -> None:
        self.pass_until(now)
        lot = Lot(name, points, active_from, expires_at, number=len(self.lots), left=points)
        self.lots.append(lot)
        self.earned += points
        self._enter("earn", points)
        self.pass_until(now)

    def spend(self, name: str, points: int, now: datetime) -> None:
        self.pass_until(now)
        if self.debt:
            raise Refused("in_debt")
        if points > self.active:
            raise Refused("insufficient_points")
        self.spent += points
        self.taken[name] = self._take(points)
        self._enter("redeem", -points)

    def _take(self, points: int) -> list[tuple[Lot, int]]:
        taken = []
        for lot in self.spendable():
            part = min(lot.left, points)
            lot.left -= part
            points -= part
            if part:
                taken.append((lot, part))
        return taken

    def reverse(self, name: str, points: int, now: datetime, *, clamp: bool) -> None:
        """Own lot, then what of it expired (forgiven once), then other active lots, then debt."""
        self.pass_until(now)
        own = next(lot for lot in self.lots if lot.name == name)
        from_own = min(own.left, points)
        own.left -= from_own
        forgiven = min(own.lapsed - own.forgiven, points - from_own)
        own.forgiven += forgiven
        rest = points - from_own - forgiven
        from_others = min(rest, self.active)
        self._take(from_others)
        owed = 0 if clamp else rest - from_others
        self.debt += owed
        taken = from_own + from_others + owed
        self.earned -= taken
        if taken:
            self._enter("reverse", -taken)

    def give_back(self, name: str, now: datetime, *, grace_until: datetime | None) -> None:
        """To the very lots; debt is paid first, in spending order; what has lapsed lapses again."""
        self.pass_until(now)
        taken = self.taken.pop(name)
        points = sum(part for _, part in taken)
        self.spent -= points
        for lot, part in taken:
            lot.left += part
            if grace_until and lot.expires_at and lot.expires_at <= now:
                lot.expires_at = grace_until
        self._enter("return", points, owed=self.debt)
        for lot in sorted((lot for lot, _ in taken), key=Lot.rank):
            self._pay_debt(lot)
        self.pass_until(now)

    def _enter(self, kind: str, points: int, owed: int | None = None) -> None:
        debt = self.debt if owed is None else owed
        self.entries.append((kind, points, self.active + self.pending - debt))
