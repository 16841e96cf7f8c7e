"""Wallets in memory while postings are applied: the small steps that all of them are made of; no database."""

from bisect import insort
from datetime import datetime

from loyalty.errors import InDebt, InsufficientPoints, out_of_range
from loyalty.ledger.postings import MAX_POINTS, Explanation, Posting
from loyalty.ledger.states import Allocated, EntryRow, LotState, Reserved, WalletState

_EXPIRY: Explanation = ({"rule": "expiry", "kind": "expiry"},)


class Book:
    """Wallets, and the rows to write as postings are applied to them in order."""

    def __init__(self, wallets: dict[int, WalletState], now: datetime) -> None:
        self.wallets = wallets
        self.now = now
        self.entries: list[EntryRow] = []
        self.lots: list[LotState] = []
        self.allocations: list[Allocated] = []
        self.reservations: list[Reserved] = []
        self.changed_lots: list[LotState] = []

    def enter(self, wallet: WalletState, posting: Posting, points: int) -> EntryRow:
        wallet.sequence += 1
        entry = EntryRow(
            wallet_id=wallet.id,
            kind=posting.kind,
            points=points,
            balance=wallet.balance,
            sequence=wallet.sequence,
            reference=posting.reference,
            at=posting.at,
            details=posting.details,
            explanation=posting.explanation,
            store=posting.store,
        )
        self.entries.append(entry)
        return entry

    def enter_merge(self, wallet: WalletState, points: int, reference: str, at: datetime) -> None:
        """The entry of a wallet whose figures have been handed over or taken over."""
        wallet.sequence += 1
        entry = EntryRow(
            wallet_id=wallet.id,
            kind="merge",
            points=points,
            balance=wallet.balance,
            sequence=wallet.sequence,
            reference=reference,
            at=at,
            details={},
            explanation=[{"rule": "merge", "kind": "merge", "points": points}],
        )
        self.entries.append(entry)

    def take(self, lot: LotState, points: int, entry: EntryRow | None) -> None:
        lot.remaining -= points
        self.allocations.append(Allocated(lot, entry, -points))
        self.mark(lot)

    def give(self, lot: LotState, points: int, entry: EntryRow) -> None:
        lot.remaining += points
        self.allocations.append(Allocated(lot, entry, points))
        self.mark(lot)

    def mark(self, lot: LotState) -> None:
        if lot.id is not None and not lot.is_changed:
            lot.is_changed = True
            self.changed_lots.append(lot)

    def take_in_order(
        self, wallet: WalletState, points: int, entry: EntryRow
    ) -> list[tuple[LotState, int]]:
        took = []
        index = 0
        while points:
            lot = wallet.lots[index]
            taken = min(lot.free, points)
            if taken:
                self.take(lot, taken, entry)
                took.append((lot, taken))
                points -= taken
            index += 1
        wallet.lots[:index] = [lot for lot in wallet.lots[:index] if lot.free]
        return took

    def pay_debt(self, wallet: WalletState, lot: LotState) -> None:
        """Let an active lot pay what is owed; the allocation names the lot's own entry."""
        paid = min(wallet.debt, lot.free)
        if paid:
            self.take(lot, paid, lot.source)
            wallet.debt -= paid
            wallet.active -= paid

    def net_debt(self, wallet: WalletState) -> None:
        """Let active lots pay what is owed, in spending order."""
        for lot in wallet.lots:
            if not lot.is_pending:
                self.pay_debt(wallet, lot)

    def open_or_lapse(self, wallet: WalletState, lot: LotState) -> None:
        if not lot.free:
            return
        if lot.expires_at is not None and lot.expires_at <= self.now:
            self.lapse(wallet, lot)
            return
        if lot not in wallet.lots:
            insort(wallet.lots, lot, key=LotState.spending_key)
        wallet.note_due(lot.due_at())

    def lapse(self, wallet: WalletState, lot: LotState) -> None:
        points = lot.free
        wallet.active -= points
        wallet.expired += points
        entry = EntryRow(
            wallet_id=wallet.id,
            kind="expire",
            points=-points,
            balance=wallet.balance,
            sequence=wallet.sequence + 1,
            reference="",  # named after the lot's id when it is written
            at=lot.expires_at or self.now,
            details={},
            explanation=_EXPIRY,
            lot=lot,
            lapsed_before=lot.lapsed,
        )
        wallet.sequence += 1
        self.entries.append(entry)
        self.take(lot, points, entry)
        lot.lapsed += points


def check_available(wallet: WalletState, points: int) -> None:
    """Refuse what is more than there is: InDebt, InsufficientPoints."""
    if wallet.debt:
        raise InDebt(debt=wallet.debt)
    if wallet.active < points:
        raise InsufficientPoints(needed=points, available=wallet.active)


def count_spent(wallet: WalletState, points: int) -> None:
    """Add to what was spent for good."""
    if wallet.spent + points > MAX_POINTS:
        raise out_of_range("/points")
    wallet.spent += points
