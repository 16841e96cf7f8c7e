"""Which posting is applied how."""

from collections.abc import Callable, Mapping
from typing import Any

from loyalty.ledger import correcting, holding, moving
from loyalty.ledger.book import Book
from loyalty.ledger.postings import (
    Capture,
    Credit,
    Debit,
    Forfeit,
    Gift,
    Posted,
    Posting,
    Release,
    Reserve,
    Return,
    Reversal,
)
from loyalty.ledger.states import WalletState

_VERBS: Mapping[type[Posting], Callable[[Book, WalletState, Any], Posted]] = {
    Credit: moving.credit,
    Debit: moving.debit,
    Gift: moving.give_away,
    Forfeit: moving.forfeit,
    Reversal: correcting.reverse,
    Return: correcting.give_back,
    Reserve: holding.reserve,
    Capture: holding.capture,
    Release: holding.release,
}


def apply(book: Book, posting: Posting) -> Posted:
    """Apply one posting; raises InDebt, InsufficientPoints, NothingToReturn or out_of_range."""
    wallet = book.wallets[posting.wallet]
    wallet.is_changed = True
    if posting.kind == "redeem":
        wallet.note_activity(min(posting.at, book.now))
    return _VERBS[type(posting)](book, wallet, posting)
