"""Lock, settle, apply, write: the steps of `post`."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from loyalty.ledger import statements
from loyalty.ledger.applying import apply
from loyalty.ledger.book import Book
from loyalty.ledger.database import rows, run
from loyalty.ledger.lapsing import lapse
from loyalty.ledger.loading import load_lots
from loyalty.ledger.postings import (
    Gift,
    Posted,
    Posting,
    Release,
    Reserve,
    Reversal,
    refuse_unsound,
)
from loyalty.ledger.quick import credit_many, split
from loyalty.ledger.rows import write
from loyalty.ledger.states import WalletState
from members import transactions
from members.errors import MemberClosed, ReferenceReused

# The constraint that keeps points out of the wallet of a member who was closed.
CLOSED_IS_EMPTY = "wallet_closed_is_empty"


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
    lapsed = lapse(list(wallets), at)
    others = [wallet for wallet in wallets if wallet not in lapsed]
    return len(lapsed) + (len(_settled(others, at)) if others else 0)


def post(*, postings: Sequence[Posting], at: datetime, held: Held | None = None) -> list[Posted]:
    """Write a batch of postings as of `at`; the only way points move.

    `held` are the wallets locked before (all that the postings name). A reference that was posted before has no
    second effect: its first answer comes back with `is_new` False. Raises InDebt, InsufficientPoints,
    ReferenceReused (other points), MemberClosed or InvalidInput (`out_of_range` and what is no posting); then nothing
    is written, and `held` cannot be used any more.
    """
    if not postings:
        return []
    for posting in postings:
        refuse_unsound(posting)
    with transaction.atomic():
        if held is None:
            held = lock_wallets(wallets=_named(postings), at=at)
        try:
            return _post(postings, at, held)
        except IntegrityError as problem:
            held.forget()
            if CLOSED_IS_EMPTY in str(problem):
                raise MemberClosed from None
            raise
        except Exception:
            held.forget()
            raise


def _post(postings: Sequence[Posting], at: datetime, held: Held) -> list[Posted]:
    known = _known(postings, held.wallets)
    fresh = [posting for posting in postings if _key(posting) not in known]
    plain, others = split(fresh, held.wallets, at)
    load_lots(held.wallets, others)
    book = Book(held.wallets, at)
    set_apart = {_key(posting) for posting in plain}
    answers = {
        place: _apply_once(book, known, posting)
        for place, posting in enumerate(postings)
        if _key(posting) not in set_apart
    }
    at_once = iter(credit_many(plain, held.wallets) if plain else ())
    write(book)
    return [answers.get(place) or next(at_once) for place in range(len(postings))]


def _named(postings: Sequence[Posting]) -> set[int]:
    receivers = {posting.to for posting in postings if isinstance(posting, Gift)}
    return receivers | {posting.wallet for posting in postings}


def _key(posting: Posting) -> tuple[int, str, str]:
    return posting.wallet, posting.kind, posting.reference


def _apply_once(book: Book, known: dict[tuple[int, str, str], Posted], posting: Posting) -> Posted:
    key = _key(posting)
    before = known.get(key)
    if before is None:
        answer = apply(book, posting)
        if isinstance(posting, Reserve | Release):
            return answer
        known[key] = Posted(answer.points, answer.balance, is_new=False)
        return answer
    if not isinstance(posting, Reversal) and abs(before.points) != posting.points:
        raise ReferenceReused(reference=posting.reference)
    return before


# ---- reading under the lock ---------------------------------------------------------------------
def _hold(statement: str, parameters: list[Any], at: datetime) -> Held:
    wallets = {row[0]: WalletState(*row) for row in rows(statement, parameters)}
    transactions.forget()  # what was read while others had the wallets
    due = [
        wallet.id
        for wallet in wallets.values()
        if wallet.next_due_at is not None and wallet.next_due_at <= at
    ]
    if due:
        for wallet_id in due:
            wallets[wallet_id].next_due_at = None  # unless something else is still to come
        for row in _settled(due, at):
            wallets[row[0]].take_over(row[1:])
    return Held(wallets, at)


def _settled(wallet_ids: list[int], at: datetime) -> list[tuple[Any, ...]]:
    settled = rows(statements.SETTLE, [at, wallet_ids])
    without_lots = set(wallet_ids) - {row[0] for row in settled}
    if without_lots:
        run(statements.NOTHING_DUE, [sorted(without_lots)])
    return settled


def _known(
    postings: Sequence[Posting], wallets: dict[int, WalletState]
) -> dict[tuple[int, str, str], Posted]:
    """What was posted before; what a merged wallet brought along counts as the wallet's own."""
    heirs = {merged: wallet.id for wallet in wallets.values() for merged in wallet.merged_from}
    keys = [_key(posting) for posting in postings if not isinstance(posting, Reserve | Release)]
    if not keys:
        return {}
    keys += [
        (merged, kind, reference)
        for wallet, kind, reference in keys
        for merged in wallets[wallet].merged_from
    ]
    return {
        (heirs.get(row[0], row[0]), row[1], row[2]): Posted(row[3], row[4], is_new=False)
        for row in rows(statements.KNOWN_REFERENCES, [json.dumps(keys)])
    }
