"""One wallet taken over by another: lots, holds, references and totals move, debts are netted."""

from datetime import datetime

from loyalty.errors import out_of_range
from loyalty.ledger import statements
from loyalty.ledger.book import Book
from loyalty.ledger.database import run
from loyalty.ledger.loading import load_open
from loyalty.ledger.rows import write
from loyalty.ledger.states import WalletState
from loyalty.ledger.writing import Held


def merge(*, source: int, target: int, reference: str, at: datetime, held: Held) -> None:
    """Move everything of the wallet `source` into `target` (ids); both are locked and settled as of `held.at`.

    Lots keep their dates. Each wallet gets one entry over the source's balance, unless that is 0; lots then pay what is
    owed. The source stays readable, empty for ever; its references and earns count as the target's. Raises out_of_range.
    """
    giver, taker = held.wallets[source], held.wallets[target]
    _refuse_overflow(giver, taker)
    for wallet in (giver, taker):
        wallet.forget_lots()
    # Lots first: what happens to them from here on happens in the target.
    run(statements.MOVE_LOTS, [target, source])
    run(statements.MOVE_HOLDS, [f"/{giver.member_id}", target, source])
    book = Book(held.wallets, held.at)
    balance = giver.balance
    _hand_over(giver, taker)
    if balance:
        # The balance after an entry is the wallet's own at that moment, before debts are netted.
        book.enter_merge(giver, -balance, reference, at)
        book.enter_merge(taker, balance, reference, at)
    if taker.active and taker.debt:
        load_open(held.wallets, [target])
        book.net_debt(taker)
    giver.is_changed = taker.is_changed = True
    write(book)
    taker.merged_from = [*taker.merged_from, source, *giver.merged_from]
    run(statements.TAKE_OVER, [source, taker.merged_from, source, target])
    held.forget()


def _refuse_overflow(giver: WalletState, taker: WalletState) -> None:
    total = giver.active + giver.pending + giver.reserved + giver.expired
    if not taker.has_room(max(total, giver.earned), "earn") or not taker.has_room(total, "merge"):
        raise out_of_range("/into")


def _hand_over(giver: WalletState, taker: WalletState) -> None:
    for figure in ("active", "pending", "reserved", "debt", "earned", "spent", "expired"):
        setattr(taker, figure, getattr(taker, figure) + getattr(giver, figure))
        setattr(giver, figure, 0)
    taker.note_due(giver.next_due_at)
    giver.next_due_at = None
