"""Wallets in memory while postings are applied: arithmetic only, no database."""

from bisect import insort
from datetime import datetime

from loyalty.errors import InDebt, InsufficientPoints, out_of_range
from loyalty.ledger.postings import (
    MAX_POINTS,
    Credit,
    Debit,
    Explanation,
    Posted,
    Posting,
    Return,
    Reversal,
)
from loyalty.ledger.states import Allocated, EntryRow, LotState, WalletState

_EXPIRY: Explanation = ({"rule": "expiry", "kind": "expiry"},)


class Book:
    """Applies postings in order and collects the rows to write."""

    def __init__(self, wallets: dict[int, WalletState], now: datetime) -> None:
        self.wallets = wallets
        self.now = now
        self.entries: list[EntryRow] = []
        self.lots: list[LotState] = []
        self.allocations: list[Allocated] = []
        self.changed_lots: list[LotState] = []

    def apply(self, posting: Posting) -> Posted:
        """Apply one posting; raises InDebt, InsufficientPoints or out_of_range."""
        wallet = self.wallets[posting.wallet]
        wallet.is_changed = True
        if isinstance(posting, Credit):
            return self._credit(wallet, posting)
        if isinstance(posting, Debit):
            return self._debit(wallet, posting)
        if isinstance(posting, Reversal):
            return self._reverse(wallet, posting)
        assert isinstance(posting, Return)
        return self._return(wallet, posting)

    # ---- credits ---------------------------------------------------------------------------
    def _credit(self, wallet: WalletState, posting: Credit) -> Posted:
        points = posting.points
        if not wallet.has_room(points, posting.kind):
            raise out_of_range("/points")
        lot = LotState(
            wallet_id=wallet.id,
            points=points,
            remaining=points,
            is_pending=posting.active_from > self.now,
            active_from=posting.active_from,
            expires_at=posting.expires_at,
            number=len(self.lots),
        )
        self.lots.append(lot)
        if posting.kind == "earn":
            wallet.earned += points
            wallet.origins[posting.reference] = lot
        if lot.is_pending:
            wallet.pending += points
        else:
            wallet.active += points
        entry = self._enter(wallet, posting, points)
        lot.source = entry
        if lot.is_pending:
            wallet.note_due(lot.due_at())
        else:
            self._pay_debt(wallet, lot)
            self._open_or_lapse(wallet, lot)
        return Posted(points, entry.balance, is_new=True)

    def _pay_debt(self, wallet: WalletState, lot: LotState) -> None:
        """Let an active lot pay what is owed; the allocation names the lot's own entry."""
        paid = min(wallet.debt, lot.remaining)
        if paid:
            self._take(lot, paid, lot.source)
            wallet.debt -= paid
            wallet.active -= paid

    def _open_or_lapse(self, wallet: WalletState, lot: LotState) -> None:
        if not lot.remaining:
            return
        if lot.expires_at is not None and lot.expires_at <= self.now:
            self._lapse(wallet, lot)
            return
        if lot not in wallet.lots:
            insort(wallet.lots, lot, key=LotState.spending_key)
        wallet.note_due(lot.due_at())

    def _lapse(self, wallet: WalletState, lot: LotState) -> None:
        points = lot.remaining
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
        self._take(lot, points, entry)
        lot.lapsed += points

    # ---- debits ----------------------------------------------------------------------------
    def _debit(self, wallet: WalletState, posting: Debit) -> Posted:
        points = posting.points
        if wallet.debt:
            raise InDebt(debt=wallet.debt)
        if wallet.active < points:
            raise InsufficientPoints(needed=points, available=wallet.active)
        if posting.kind == "redeem":
            if wallet.spent + points > MAX_POINTS:
                raise out_of_range("/points")
            wallet.spent += points
        wallet.active -= points
        entry = self._enter(wallet, posting, -points)
        took = self._take_in_order(wallet, points, entry)
        if posting.kind == "redeem":
            wallet.redeemed[posting.reference] = took
        return Posted(-points, entry.balance, is_new=True)

    def _take_in_order(
        self, wallet: WalletState, points: int, entry: EntryRow
    ) -> list[tuple[LotState, int]]:
        took = []
        index = 0
        while points:
            lot = wallet.lots[index]
            taken = min(lot.remaining, points)
            if taken:
                self._take(lot, taken, entry)
                took.append((lot, taken))
                points -= taken
            index += 1
        wallet.lots[:index] = [lot for lot in wallet.lots[:index] if lot.remaining]
        return took

    # ---- taking an earn back -----------------------------------------------------------------
    def _reverse(self, wallet: WalletState, posting: Reversal) -> Posted:
        own = wallet.origins[posting.of]
        from_own = min(own.remaining, posting.points)
        rest = posting.points - from_own
        forgiven = min(own.lapsed - own.forgiven, rest)
        rest -= forgiven
        others = wallet.active - (0 if own.is_pending else from_own)
        from_others = min(rest, others)
        debt = 0 if posting.clamp else rest - from_others
        taken = from_own + from_others + debt
        self._forgive(own, forgiven)
        if not taken:
            return Posted(0, wallet.balance, is_new=True)
        if own.is_pending:
            wallet.pending -= from_own
        else:
            wallet.active -= from_own
        wallet.active -= from_others
        wallet.debt += debt
        wallet.earned -= taken
        entry = self._enter(wallet, posting, -taken)
        entry.explanation = [
            *posting.explanation,
            *_not_taken(forgiven, posting.points - forgiven - taken),
        ]
        if from_own:
            self._take(own, from_own, entry)
        if from_others:
            self._take_in_order(wallet, from_others, entry)
        return Posted(-taken, entry.balance, is_new=True, debt_added=debt)

    def _forgive(self, own: LotState, points: int) -> None:
        if points:
            own.forgiven += points
            self._mark(own)

    # ---- giving a redemption back --------------------------------------------------------------
    def _return(self, wallet: WalletState, posting: Return) -> Posted:
        took = wallet.redeemed[posting.of]
        points = sum(taken for _, taken in took)
        if not wallet.has_room(points, posting.kind):
            raise out_of_range("/points")
        wallet.active += points
        wallet.spent -= points
        entry = self._enter(wallet, posting, points)
        for lot, taken in took:
            self._give(lot, taken, entry)
            if (
                posting.grace_until is not None
                and lot.expires_at is not None
                and lot.expires_at <= self.now
            ):
                lot.expires_at = posting.grace_until
        returned = sorted((lot for lot, _ in took), key=LotState.spending_key)
        for lot in returned:
            paid = min(wallet.debt, lot.remaining)
            if paid:
                self._take(lot, paid, entry)
                wallet.debt -= paid
                wallet.active -= paid
        for lot in returned:
            self._open_or_lapse(wallet, lot)
        return Posted(points, entry.balance, is_new=True)

    # ---- small steps ---------------------------------------------------------------------------
    def _enter(self, wallet: WalletState, posting: Posting, points: int) -> EntryRow:
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
        )
        self.entries.append(entry)
        return entry

    def _take(self, lot: LotState, points: int, entry: EntryRow | None) -> None:
        lot.remaining -= points
        self.allocations.append(Allocated(lot, entry, -points))
        self._mark(lot)

    def _give(self, lot: LotState, points: int, entry: EntryRow) -> None:
        lot.remaining += points
        self.allocations.append(Allocated(lot, entry, points))
        self._mark(lot)

    def _mark(self, lot: LotState) -> None:
        if lot.id is not None and not lot.is_changed:
            lot.is_changed = True
            self.changed_lots.append(lot)


def _not_taken(forgiven: int, beyond: int) -> Explanation:
    """Why a reversal took less than asked for: what had expired, and what would have become debt."""
    steps = (("expired", forgiven), ("no_debt", beyond))
    return [{"rule": rule, "kind": "cap", "points": points} for rule, points in steps if points]
