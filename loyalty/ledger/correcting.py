"""Applying reversals of earns and returns of redemptions to a book."""

from datetime import datetime

from loyalty.errors import NothingToReturn, out_of_range
from loyalty.ledger.book import Book
from loyalty.ledger.postings import Explanation, Posted, Return, Reversal
from loyalty.ledger.states import EntryRow, LotState, Redeemed, WalletState


def reverse(book: Book, wallet: WalletState, posting: Reversal) -> Posted:
    own = wallet.origins[posting.of]
    from_own = min(own.free, posting.points)
    rest = posting.points - from_own
    forgiven = min(own.lapsed - own.forgiven, rest)
    rest -= forgiven
    others = wallet.active - (0 if own.is_pending else from_own)
    from_others = min(rest, others)
    debt = 0 if posting.clamp else rest - from_others
    taken = from_own + from_others + debt
    _forgive(book, own, forgiven)
    if not taken:
        return Posted(0, wallet.balance, is_new=True)
    if own.is_pending:
        wallet.pending -= from_own
    else:
        wallet.active -= from_own
    wallet.active -= from_others
    wallet.debt += debt
    wallet.earned -= taken
    entry = book.enter(wallet, posting, -taken)
    entry.corrects = own.source or own.entry_id
    entry.explanation = [
        *posting.explanation,
        *_not_taken(forgiven, posting.points - forgiven - taken),
    ]
    if from_own:
        book.take(own, from_own, entry)
    if from_others:
        book.take_in_order(wallet, from_others, entry)
    return Posted(-taken, entry.balance, is_new=True, debt_added=debt)


def _forgive(book: Book, own: LotState, points: int) -> None:
    if points:
        own.forgiven += points
        book.mark(own)


def give_back(book: Book, wallet: WalletState, posting: Return) -> Posted:
    redeemed = wallet.redeemed[posting.of]
    points = posting.points
    if points > redeemed.left:
        raise NothingToReturn(needed=points, available=redeemed.left)
    if not wallet.has_room(points, posting.kind):
        raise out_of_range("/points")
    wallet.active += points
    wallet.spent -= points
    entry = book.enter(wallet, posting, points)
    entry.corrects = redeemed.entry
    returned = _give_to_latest(book, redeemed, points, entry, posting.grace_until)
    for lot in returned:
        paid = min(wallet.debt, lot.free)
        if paid:
            book.take(lot, paid, entry)
            wallet.debt -= paid
            wallet.active -= paid
    for lot in returned:
        book.open_or_lapse(wallet, lot)
    return Posted(points, entry.balance, is_new=True)


def _give_to_latest(
    book: Book, redeemed: Redeemed, points: int, entry: EntryRow, grace_until: datetime | None
) -> list[LotState]:
    """Give back to the latest-expiring lots first; returns them in spending order."""
    returned, left = [], []
    for lot, taken in sorted(
        redeemed.parts, key=lambda part: part[0].spending_key(), reverse=True
    ):
        given = min(taken, points)
        points -= given
        if taken > given:
            left.append((lot, taken - given))
        if given:
            book.give(lot, given, entry)
            returned.append(lot)
        if given and grace_until and lot.expires_at and lot.expires_at <= book.now:
            lot.expires_at = grace_until
    redeemed.parts = left[::-1]
    return sorted(returned, key=LotState.spending_key)


def _not_taken(forgiven: int, beyond: int) -> Explanation:
    """Why a reversal took less than asked for: what had expired, and what would have become debt."""
    steps = (("expired", forgiven), ("no_debt", beyond))
    return [{"rule": rule, "kind": "cap", "points": points} for rule, points in steps if points]
