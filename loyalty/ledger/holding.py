"""Applying holds to a book: points set aside, captured, let go."""

from loyalty.errors import InsufficientPoints
from loyalty.ledger.book import Book, check_available, count_spent
from loyalty.ledger.postings import Capture, Posted, Release, Reserve
from loyalty.ledger.states import LotState, Redeemed, Reserved, WalletState


def reserve(book: Book, wallet: WalletState, posting: Reserve) -> Posted:
    points = posting.points
    check_available(wallet, points)
    wallet.active -= points
    wallet.reserved += points
    wallet.note_due(posting.until)
    kept = wallet.held.setdefault(posting.hold, [])
    for lot in wallet.lots:
        part = min(lot.free, points)
        if part:
            lot.reserved += part
            book.mark(lot)
            kept.append((lot, part))
            book.reservations.append(Reserved(posting.hold, lot, part))
        points -= part
        if not points:
            break
    wallet.lots = [lot for lot in wallet.lots if lot.free]
    return Posted(0, wallet.balance, is_new=True)


def capture(book: Book, wallet: WalletState, posting: Capture) -> Posted:
    kept = wallet.held[posting.hold]
    points = posting.points
    held = sum(part for _, part in kept)
    if points > held:
        raise InsufficientPoints(needed=points, available=held)
    count_spent(wallet, points)
    wallet.reserved -= points
    entry = book.enter(wallet, posting, -points)
    took, rest = [], []
    for lot, part in kept:
        taken = min(part, points)
        points -= taken
        if taken:
            lot.reserved -= taken
            book.take(lot, taken, entry)
            took.append((lot, taken))
        if part > taken:
            rest.append((lot, part - taken))
    wallet.redeemed[posting.reference] = Redeemed(entry, took)
    balance = entry.balance
    _let_go(book, wallet, posting.hold, rest)
    return Posted(-posting.points, balance, is_new=True)


def release(book: Book, wallet: WalletState, posting: Release) -> Posted:
    _let_go(book, wallet, posting.hold, wallet.held[posting.hold])
    return Posted(0, wallet.balance, is_new=True)


def _let_go(book: Book, wallet: WalletState, hold: int, parts: list[tuple[LotState, int]]) -> None:
    """Make reserved parts active: they pay debt first; what lapsed meanwhile was good for the hold alone."""
    wallet.held[hold] = []
    for lot, part in parts:
        lot.reserved -= part
        wallet.reserved -= part
        wallet.active += part
        book.mark(lot)
        if lot.expires_at is None or lot.expires_at > book.now:
            book.pay_debt(wallet, lot)
        book.open_or_lapse(wallet, lot)
