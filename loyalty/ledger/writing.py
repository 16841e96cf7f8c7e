"""Lock, settle, apply, write: the steps of `post`."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from loyalty.ledger import statements
from loyalty.ledger.book import Book
from loyalty.ledger.database import rows, run
from loyalty.ledger.postings import Debit, Posted, Posting, Return, Reversal, refuse_unsound
from loyalty.ledger.rows import write
from loyalty.ledger.states import LotState, WalletState
from members.errors import ReferenceReused


class Held:
    """Wallets locked until the end of the transaction, settled as of `at`."""

    def __init__(self, wallets: dict[int, WalletState], at: datetime) -> None:
        self.wallets = wallets
        self.at = at
        self._of_member = {(each.member_id, each.type_code): each for each in wallets.values()}

    def of(self, member_id: int, type_code: str = "points") -> WalletState:
        """One member's wallet of one point type."""
        return self._of_member[member_id, type_code]

    def forget(self) -> None:
        """After a refusal the figures are half applied: nobody must post with them."""
        self.wallets.clear()
        self._of_member.clear()


def lock(
    *, members: Collection[int], at: datetime, types: Sequence[str] = ("points", "status")
) -> Held:
    """Lock the members' (ids) wallets of these point types in id order; settle what fell due by `at`.

    Call inside a transaction, before reading anything that the decision hangs on. Every verb locks the points wallet,
    so it also guards what hangs on the member.
    """
    return _hold(statements.LOCK_BY_MEMBER, [sorted(members), list(types)], at)


def lock_wallets(*, wallets: Collection[int], at: datetime) -> Held:
    """Lock wallets by their own ids; else like `lock`."""
    return _hold(statements.LOCK_BY_ID, [sorted(wallets)], at)


def settle(*, wallets: Collection[int], at: datetime) -> int:
    """Settle what fell due by `at` on wallets that the caller has locked; returns how many changed."""
    return len(_settled(list(wallets), at))


def post(*, postings: Sequence[Posting], at: datetime, held: Held | None = None) -> list[Posted]:
    """Write a batch of postings as of `at`; the only way points move.

    `held` are the wallets locked before (all that the postings name). A reference that was posted before has no
    second effect: its first answer comes back with `is_new` False. Raises InDebt, InsufficientPoints,
    ReferenceReused (other points) or InvalidInput (`out_of_range` and what is no posting); then nothing is written,
    and `held` cannot be used any more.
    """
    if not postings:
        return []
    for posting in postings:
        refuse_unsound(posting)
    with transaction.atomic():
        if held is None:
            held = lock_wallets(wallets={posting.wallet for posting in postings}, at=at)
        try:
            return _post(postings, at, held)
        except Exception:
            held.forget()
            raise


def _post(postings: Sequence[Posting], at: datetime, held: Held) -> list[Posted]:
    known = _known(postings)
    fresh = [posting for posting in postings if _key(posting) not in known]
    _load_lots(held.wallets, fresh)
    book = Book(held.wallets, at)
    answers = [_apply_once(book, known, posting) for posting in postings]
    write(book)
    return answers


def _key(posting: Posting) -> tuple[int, str, str]:
    return posting.wallet, posting.kind, posting.reference


def _apply_once(book: Book, known: dict[tuple[int, str, str], Posted], posting: Posting) -> Posted:
    key = _key(posting)
    before = known.get(key)
    if before is None:
        answer = book.apply(posting)
        known[key] = Posted(answer.points, answer.balance, is_new=False)
        return answer
    if not isinstance(posting, Reversal) and abs(before.points) != posting.points:
        raise ReferenceReused(reference=posting.reference)
    return before


# ---- reading under the lock ---------------------------------------------------------------------
def _hold(statement: str, parameters: list[Any], at: datetime) -> Held:
    wallets = {row[0]: WalletState(*row) for row in rows(statement, parameters)}
    due = [
        wallet.id
        for wallet in wallets.values()
        if wallet.next_due_at is not None and wallet.next_due_at <= at
    ]
    if due:
        for wallet_id in due:
            wallets[wallet_id].next_due_at = None  # unless something else is still to come
        for row in _settled(due, at):
            wallets[row[0]].take_over(*row[1:])
    return Held(wallets, at)


def _settled(wallet_ids: list[int], at: datetime) -> list[tuple[Any, ...]]:
    settled = rows(statements.SETTLE, [at, wallet_ids])
    without_lots = set(wallet_ids) - {row[0] for row in settled}
    if without_lots:
        run(statements.NOTHING_DUE, [sorted(without_lots)])
    return settled


def _known(postings: Sequence[Posting]) -> dict[tuple[int, str, str], Posted]:
    keys = json.dumps([_key(posting) for posting in postings])
    return {
        (row[0], row[1], row[2]): Posted(row[3], row[4], is_new=False)
        for row in rows(statements.KNOWN_REFERENCES, [keys])
    }


def _load_lots(wallets: dict[int, WalletState], postings: list[Posting]) -> None:
    """Bring the lots that debits, reversals and returns may touch into the wallets."""
    for wallet in wallets.values():
        wallet.forget_lots()
    needed: dict[int, int] = {}
    for posting in postings:
        if isinstance(posting, Debit | Reversal):
            needed[posting.wallet] = needed.get(posting.wallet, 0) + posting.points
    seen: dict[int, LotState] = {}
    if needed:
        parameters = [list(needed), list(needed.values())]
        for row in rows(statements.LOTS_TO_SPEND, parameters):
            lot = _lot(seen, row)
            wallets[lot.wallet_id].lots.append(lot)
        for wallet_id in needed:
            wallets[wallet_id].lots.sort(key=LotState.spending_key)
    _load_origins(wallets, seen, postings)
    _load_redeemed(wallets, seen, postings)


def _load_origins(
    wallets: dict[int, WalletState], seen: dict[int, LotState], postings: list[Posting]
) -> None:
    keys = [(each.wallet, each.of) for each in postings if isinstance(each, Reversal)]
    if keys:
        for reference, *row in rows(statements.LOTS_OF_EARNS, [json.dumps(keys)]):
            lot = _lot(seen, row)
            wallets[lot.wallet_id].origins[reference] = lot


def _load_redeemed(
    wallets: dict[int, WalletState], seen: dict[int, LotState], postings: list[Posting]
) -> None:
    # Each redemption once, though a batch may name it twice: its rows are added up.
    keys = list({(each.wallet, each.of) for each in postings if isinstance(each, Return)})
    if keys:
        for reference, taken, *row in rows(statements.LOTS_OF_REDEEMS, [json.dumps(keys)]):
            lot = _lot(seen, row)
            wallets[lot.wallet_id].redeemed.setdefault(reference, []).append((lot, taken))


def _lot(seen: dict[int, LotState], row: Sequence[Any]) -> LotState:
    known = seen.get(row[0])
    if known is None:
        known = seen[row[0]] = LotState(
            id=row[0],
            wallet_id=row[1],
            entry_id=row[2],
            points=row[3],
            remaining=row[4],
            lapsed=row[5],
            forgiven=row[6],
            is_pending=row[7],
            active_from=row[8],
            expires_at=row[9],
        )
    return known
