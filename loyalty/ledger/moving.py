"""Applying credits, debits, gifts and forfeits to a book."""

from loyalty.errors import out_of_range
from loyalty.ledger.book import Book, check_available, count_spent
from loyalty.ledger.postings import Credit, Debit, Forfeit, Gift, Posted
from loyalty.ledger.states import LotState, Redeemed, WalletState

# What counts into a wallet's `spent`.
SPENDING = frozenset({"redeem", "donate", "buy_back"})


def credit(book: Book, wallet: WalletState, posting: Credit) -> Posted:
    points = posting.points
    if not wallet.has_room(points, posting.kind):
        raise out_of_range("/points")
    lot = LotState(
        wallet_id=wallet.id,
        points=points,
        remaining=points,
        is_pending=posting.active_from > book.now,
        active_from=posting.active_from,
        expires_at=posting.expires_at,
        number=len(book.lots),
    )
    book.lots.append(lot)
    if posting.kind == "earn":
        wallet.earned += points
        wallet.origins[posting.reference] = lot
    if lot.is_pending:
        wallet.pending += points
    else:
        wallet.active += points
    entry = book.enter(wallet, posting, points)
    lot.source = entry
    if lot.is_pending:
        wallet.note_due(lot.due_at())
    else:
        book.pay_debt(wallet, lot)
        book.open_or_lapse(wallet, lot)
    return Posted(points, entry.balance, is_new=True)


def debit(book: Book, wallet: WalletState, posting: Debit) -> Posted:
    points = posting.points
    check_available(wallet, points)
    if posting.kind in SPENDING:
        count_spent(wallet, points)
    wallet.active -= points
    entry = book.enter(wallet, posting, -points)
    took = book.take_in_order(wallet, points, entry)
    if posting.kind == "redeem":
        wallet.redeemed[posting.reference] = Redeemed(entry, took)
    return Posted(-points, entry.balance, is_new=True)


def give_away(book: Book, wallet: WalletState, posting: Gift) -> Posted:
    points, fee = posting.points, posting.fee
    receiver = book.wallets[posting.to]
    check_available(wallet, points + fee)
    if not receiver.has_room(points, "transfer_in"):
        raise out_of_range("/points")
    wallet.active -= points
    entry = book.enter(wallet, posting, -points)
    pieces = book.take_in_order(wallet, points, entry)
    if fee:
        _take_fee(book, wallet, posting)
    _receive(book, receiver, posting, pieces)
    return Posted(-points, entry.balance, is_new=True)


def _take_fee(book: Book, wallet: WalletState, posting: Gift) -> None:
    wallet.active -= posting.fee
    fee = book.enter(wallet, posting, -posting.fee)
    fee.kind = "fee"
    fee.explanation = [{"rule": "fee", "kind": "fee", "points": -posting.fee}]
    book.take_in_order(wallet, posting.fee, fee)


def _receive(
    book: Book, receiver: WalletState, posting: Gift, pieces: list[tuple[LotState, int]]
) -> None:
    receiver.is_changed = True
    receiver.active += posting.points
    entry = book.enter(receiver, posting, posting.points)
    entry.kind = "transfer_in"
    entry.reference = posting.reference_there
    entry.details = posting.details_there
    entry.explanation = [{"rule": "transfer_in", "kind": "transfer", "points": posting.points}]
    for piece, points in pieces:
        lot = LotState(
            wallet_id=receiver.id,
            points=points,
            remaining=points,
            is_pending=False,
            active_from=piece.active_from,
            expires_at=piece.expires_at,
            source=entry,
            number=len(book.lots),
        )
        book.lots.append(lot)
        book.pay_debt(receiver, lot)
        book.open_or_lapse(receiver, lot)


def forfeit(book: Book, wallet: WalletState, posting: Forfeit) -> Posted:
    assert posting.points == wallet.active + wallet.pending
    wallet.active = wallet.pending = 0
    entry = book.enter(wallet, posting, -posting.points)
    for lot in wallet.lots:
        if lot.free:
            book.take(lot, lot.free, entry)
    wallet.lots.clear()
    return Posted(-posting.points, entry.balance, is_new=True)
