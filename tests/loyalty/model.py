"""The ledger's rules once more, as plainly as they can be said: wallets, a clock and lists of lots.

The lots and holds are in `model_lots`. It knows nothing of databases and takes no short cut: time passes event by event, points are counted lot by lot.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.loyalty.model_lots import Hold, Lot, Parts, Refused, split

__all__ = ["Hold", "Lot", "Refused", "Wallet", "merge", "transfer"]


@dataclass(eq=False)
class Wallet:
    """One wallet; every verb first lets time pass up to its moment."""

    lots: list[Lot] = field(default_factory=list)
    entries: list[tuple[str, int, int]] = field(default_factory=list)
    taken: dict[str, Parts] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    balance: int = 0
    debt: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    last_activity: datetime | None = None

    # ---- figures -----------------------------------------------------------------------------
    @property
    def active(self) -> int:
        return sum(lot.free for lot in self.lots if not lot.is_pending)

    @property
    def pending(self) -> int:
        return sum(lot.free for lot in self.lots if lot.is_pending)

    @property
    def reserved(self) -> int:
        return sum(sum(lot.kept.values()) for lot in self.lots)

    def spendable(self) -> list[Lot]:
        return sorted((lot for lot in self.lots if lot.free and not lot.is_pending), key=Lot.rank)

    # ---- time --------------------------------------------------------------------------------
    def pass_until(self, now: datetime) -> None:
        """Let everything happen that falls due by `now`, in the order in which it falls due."""
        while due := min(self._due(now), key=lambda event: event[0], default=None):
            (moment, *_), lot, hold = due
            if hold:
                self._let_go(lot, hold, moment)
            elif lot.is_pending:
                lot.is_pending = False
                self._pay_debt(lot)
            else:
                self._lapse(lot)
        for hold in self.holds.values():
            if hold.state == "held" and hold.until <= now:
                hold.state = "expired"

    def _due(self, now: datetime) -> Iterator[tuple[Any, Lot, Hold | None]]:
        """What comes before what goes; in spending order what comes together."""
        for lot in self.lots:
            for hold in lot.kept:
                if hold.until <= now:
                    yield (hold.until, False, lot.rank(), hold.number), lot, hold
            if lot.is_pending and lot.free and lot.active_from <= now:
                yield (lot.active_from, False, lot.rank(), float("inf")), lot, None
            if not lot.is_pending and lot.free and lot.has_lapsed(now):
                yield (lot.expires_at, True, lot.rank(), 0), lot, None

    def _pay_debt(self, lot: Lot) -> None:
        paid = min(self.debt, lot.free)
        lot.free -= paid
        self.debt -= paid

    def _lapse(self, lot: Lot) -> None:
        points, lot.free = lot.free, 0
        lot.lapsed += points
        self.expired += points
        self._enter("expire", -points)

    def _let_go(self, lot: Lot, hold: Hold, now: datetime) -> None:
        """What lapsed while it was kept was good for that hold only: it pays nothing and lapses."""
        lot.free += lot.kept.pop(hold)
        if not lot.has_lapsed(now):
            self._pay_debt(lot)

    def stay_alive(self, at: datetime, now: datetime, end: Callable[[datetime], datetime]) -> None:
        """Under the policy `inactivity`: what has not lapsed lives at least to the end of a period from `at`."""
        self.last_activity = max(at, self.last_activity or at)
        for lot in self.lots:
            if lot.expires_at and (lot.free or lot.kept) and not lot.has_lapsed(now):
                starts = max(at, lot.active_from) if lot.is_pending else at
                lot.expires_at = max(lot.expires_at, end(starts))

    # ---- points in ---------------------------------------------------------------------------
    def credit(self, kind: str, now: datetime, *lots: Lot) -> int:
        """Also of what is a gift; every lot pays debt when it becomes active."""
        self.pass_until(now)
        for lot in lots:
            lot.free = lot.points
            self.lots.append(lot)
        points = sum(lot.points for lot in lots)
        self.earned += points if kind == "earn" else 0
        balance = self._enter(kind, points)
        self.pass_until(now)
        return balance

    def give_back(self, name: str, points: int, now: datetime, *, grace: datetime | None) -> int:
        """To the very lots, the latest-expiring first; debt is paid first, in spending order."""
        self.pass_until(now)
        left = sum(part for _, part in self.taken[name])
        if points > left:
            raise Refused("already_returned", needed=points, available=left)
        self.spent -= points
        balance = self._enter("return", points)
        # As they expire now: an activity may have moved a lot that was not used up.
        latest = sorted(self.taken[name], key=lambda part: part[0].rank(), reverse=True)
        returned, self.taken[name] = split(latest, points)
        for lot, part in returned:
            lot.free += part
            lot.expires_at = grace if grace and lot.has_lapsed(now) else lot.expires_at
        for lot, _ in sorted(returned, key=lambda part: part[0].rank()):
            self._pay_debt(lot)
        self.pass_until(now)
        return balance

    # ---- points out --------------------------------------------------------------------------
    def debit(self, kind: str, name: str, points: int, now: datetime) -> int:
        self._check(points, now)
        self.spent += points if kind in {"redeem", "donate", "buy_back"} else 0
        taken = self._take(points)
        if kind == "redeem":
            self.taken[name] = taken
        return self._enter(kind, -points)

    def _check(self, points: int, now: datetime) -> None:
        self.pass_until(now)
        if self.debt:
            raise Refused("in_debt", debt=self.debt)
        if points > self.active:
            raise Refused("insufficient_points", needed=points, available=self.active)

    def _take(self, points: int) -> Parts:
        taken, _ = split([(lot, lot.free) for lot in self.spendable()], points)
        for lot, part in taken:
            lot.free -= part
        return taken

    def reverse(self, name: str, points: int, now: datetime, *, clamp: bool) -> tuple[int, int]:
        """Own lot, then what of it expired (forgiven once), then other active lots, then debt."""
        self.pass_until(now)
        own = next(lot for lot in self.lots if lot.name == name)
        from_own = min(own.free, points)
        own.free -= from_own
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
        return -taken, owed

    def forfeit(self, now: datetime) -> None:
        """Everything open goes, also what holds kept."""
        self.pass_until(now)
        for hold in self.holds.values():
            if hold.state == "held":
                self.release(hold, now)
        points = self.active + self.pending
        for lot in self.lots:
            lot.free = 0
        if points:
            self._enter("adjust", -points)

    # ---- holds -------------------------------------------------------------------------------
    def hold(self, name: str, points: int, now: datetime, *, until: datetime) -> None:
        self._check(points, now)
        hold = self.holds[name] = Hold(points, until)
        for lot, part in self._take(points):
            lot.kept[hold] = part

    def capture(self, hold: Hold, name: str, points: int, now: datetime) -> int:
        self.check_open(hold, now)
        if points > hold.points:
            raise Refused("insufficient_points", needed=points, available=hold.points)
        self.spent += points
        self.taken[name], _ = split([(lot, lot.kept[hold]) for lot in self._kept_by(hold)], points)
        for lot, part in self.taken[name]:
            lot.kept[hold] -= part
        balance = self._enter("redeem", -points)
        self.release(hold, now)
        hold.state = "captured"
        return balance

    def release(self, hold: Hold, now: datetime) -> None:
        self.check_open(hold, now)
        hold.state = "released"
        for lot in self._kept_by(hold):
            self._let_go(lot, hold, now)
        self.pass_until(now)

    def _kept_by(self, hold: Hold) -> list[Lot]:
        return sorted((lot for lot in self.lots if hold in lot.kept), key=Lot.rank)

    def check_open(self, hold: Hold, now: datetime) -> None:
        self.pass_until(now)
        if hold.state != "held":
            raise Refused("hold_closed", state=hold.state)

    def _enter(self, kind: str, points: int) -> int:
        self.balance += points
        self.entries.append((kind, points, self.balance))
        return self.balance


# ---- two wallets -------------------------------------------------------------------------------
def transfer(giver: Wallet, taker: Wallet, name: str, points: int, fee: int, now: datetime) -> int:
    """Pieces keep their dates; the fee comes on top."""
    giver._check(points + fee, now)
    pieces = giver._take(points)
    balance = giver._enter("transfer_out", -points)
    if fee:
        giver._take(fee)
        giver._enter("fee", -fee)
    lots = [Lot(name, part, lot.active_from, lot.expires_at) for lot, part in pieces]
    taker.credit("transfer_in", now, *lots)
    return balance


def merge(source: Wallet, target: Wallet, now: datetime) -> None:
    """Lots, holds and redemptions move with their dates; debts are netted in spending order."""
    source.pass_until(now)
    target.pass_until(now)
    if moved := source.balance:
        source._enter("merge", -moved)
        target._enter("merge", moved)
    target.lots += source.lots
    target.holds |= source.holds
    target.taken |= source.taken
    for figure in ("debt", "earned", "spent", "expired"):
        setattr(target, figure, getattr(target, figure) + getattr(source, figure))
    moments = [each.last_activity for each in (source, target) if each.last_activity]
    target.last_activity = max(moments, default=None)
    source.__init__(balance=0, entries=source.entries)  # type: ignore[misc]
    for lot in target.spendable():
        target._pay_debt(lot)
