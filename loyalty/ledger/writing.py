"""Lock, settle, apply, write: the steps of `post`."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection, transaction

from loyalty.ledger import statements
from loyalty.ledger.book import Book
from loyalty.ledger.postings import Debit, Posted, Posting, Return, Reversal
from loyalty.ledger.states import Allocated, EntryRow, LotState, WalletState
from members.errors import ReferenceReused
from members.streams import field, moment, stream


class Held:
    """Wallets locked until the end of the transaction, settled as of `at`."""

    def __init__(self, wallets: dict[int, WalletState], at: datetime) -> None:
        self.wallets = wallets
        self.at = at
        self._of_member = {(each.member_id, each.type_code): each for each in wallets.values()}

    def of(self, member_id: int, type_code: str = "points") -> WalletState:
        """One member's wallet of one point type."""
        return self._of_member[member_id, type_code]


def lock(*, members: Collection[int], at: datetime) -> Held:
    """Lock all wallets of the members (ids) in id order and settle what fell due by `at`.

    Call inside a transaction, before reading anything that the decision hangs on.
    """
    return _hold(statements.LOCK_BY_MEMBER, sorted(members), at)


def lock_wallets(*, wallets: Collection[int], at: datetime) -> Held:
    """Lock wallets by their own ids; else like `lock`."""
    return _hold(statements.LOCK_BY_ID, sorted(wallets), at)


def settle(*, wallets: Collection[int], at: datetime) -> int:
    """Settle what fell due by `at` on wallets that the caller has locked; returns how many changed."""
    return len(_settled(list(wallets), at))


def post(*, postings: Sequence[Posting], at: datetime, held: Held | None = None) -> list[Posted]:
    """Write a batch of postings as of `at`; the only way points move.

    `held` are the wallets locked before (all that the postings name). A reference that was posted before has no
    second effect: its first answer comes back with `is_new` False. Raises InDebt, InsufficientPoints,
    ReferenceReused (other points) or InvalidInput `out_of_range`; then nothing is written.
    """
    if not postings:
        return []
    with transaction.atomic():
        if held is None:
            held = lock_wallets(wallets={posting.wallet for posting in postings}, at=at)
        known = _known(postings)
        fresh = [posting for posting in postings if _key(posting) not in known]
        _load_lots(held.wallets, fresh)
        book = Book(held.wallets, at)
        answers = [_apply_once(book, known, posting) for posting in postings]
        _write(book)
    return answers


def _key(posting: Posting) -> tuple[int, str, str]:
    return posting.wallet, posting.kind, posting.reference


def _apply_once(book: Book, known: dict[tuple[int, str, str], Posted], posting: Posting) -> Posted:
    key = _key(posting)
    before = known.get(key)
    if before is None:
        answer = book.apply(posting)
        known[key] = Posted(None, answer.points, answer.balance, is_new=False)
        return answer
    if not isinstance(posting, Reversal) and abs(before.points) != posting.points:
        raise ReferenceReused(reference=posting.reference)
    return before


# ---- reading under the lock ---------------------------------------------------------------------
def _hold(statement: str, ids: list[int], at: datetime) -> Held:
    wallets = {row[0]: WalletState(*row) for row in _rows(statement, [ids])}
    due = [
        wallet.id
        for wallet in wallets.values()
        if wallet.next_due_at is not None and wallet.next_due_at <= at
    ]
    if due:
        for row in _settled(due, at):
            wallet = wallets[row[0]]
            (
                wallet.active,
                wallet.pending,
                wallet.debt,
                wallet.expired,
                wallet.sequence,
                wallet.next_due_at,
            ) = row[1:]
    return Held(wallets, at)


def _settled(wallet_ids: list[int], at: datetime) -> list[tuple[Any, ...]]:
    rows = _rows(statements.SETTLE, [at, wallet_ids])
    without_lots = set(wallet_ids) - {row[0] for row in rows}
    if without_lots:
        _run(statements.NOTHING_DUE, [sorted(without_lots)])
    return rows


def _known(postings: Sequence[Posting]) -> dict[tuple[int, str, str], Posted]:
    keys = json.dumps([_key(posting) for posting in postings])
    return {
        (row[0], row[1], row[2]): Posted(row[3], row[4], row[5], is_new=False)
        for row in _rows(statements.KNOWN_REFERENCES, [keys])
    }


def _load_lots(wallets: dict[int, WalletState], postings: list[Posting]) -> None:
    """Bring the lots that debits, reversals and returns may touch into the wallets."""
    needed: dict[int, int] = {}
    for posting in postings:
        if isinstance(posting, Debit | Reversal):
            needed[posting.wallet] = needed.get(posting.wallet, 0) + posting.points
    seen: dict[int, LotState] = {}
    if needed:
        parameters = [list(needed), list(needed.values())]
        for row in _rows(statements.LOTS_TO_SPEND, parameters):
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
        for reference, *row in _rows(statements.LOTS_OF_EARNS, [json.dumps(keys)]):
            lot = _lot(seen, row)
            wallets[lot.wallet_id].origins[reference] = lot


def _load_redeemed(
    wallets: dict[int, WalletState], seen: dict[int, LotState], postings: list[Posting]
) -> None:
    keys = [(each.wallet, each.of) for each in postings if isinstance(each, Return)]
    if keys:
        for reference, taken, *row in _rows(statements.LOTS_OF_REDEEMS, [json.dumps(keys)]):
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


# ---- writing --------------------------------------------------------------------------------------
def _write(book: Book) -> None:
    if not book.entries:
        _write_totals(book)
        return
    entry_ids, lot_ids = _rows(statements.DRAW_IDS, [len(book.entries), len(book.lots)])[0]
    for entry, number in zip(book.entries, entry_ids, strict=True):
        entry.id = number
    for lot, number in zip(book.lots, lot_ids, strict=True):
        lot.id = number
        lot.entry_id = lot.source.id if lot.source else None
    _name_expiries(book)
    stream(statement=statements.COPY_ENTRIES, lines=map(_entry_line, book.entries))
    stream(statement=statements.COPY_LOTS, lines=map(_lot_line, book.lots))
    stream(statement=statements.COPY_ALLOCATIONS, lines=map(_allocation_line, book.allocations))
    _write_totals(book)


def _name_expiries(book: Book) -> None:
    """An expiry is named after its lot; a lot that lapses again is told apart by what lapsed before."""
    for each in book.allocations:
        entry = each.entry
        if entry is not None and entry.kind == "expire":
            before = each.lot.lapsed + each.points
            entry.reference = f"lot/{each.lot.id}" + (f"/{before}" if before else "")
            entry.details = {"lot": each.lot.id, "earned_at": each.lot.active_from.isoformat()}
            entry.explanation = [{"rule": "expiry", "kind": "expiry", "points": each.points}]


def _write_totals(book: Book) -> None:
    if book.changed_lots:
        _run(
            statements.UPDATE_LOTS,
            [
                json.dumps(
                    [
                        (lot.id, lot.remaining, lot.lapsed, lot.forgiven, _moment(lot.expires_at))
                        for lot in book.changed_lots
                    ]
                )
            ],
        )
    changed = [wallet for wallet in book.wallets.values() if wallet.is_changed]
    if changed:
        _run(statements.UPDATE_WALLETS, [json.dumps([_totals(wallet) for wallet in changed])])
    for wallet in changed:
        wallet.is_changed = False


def _totals(wallet: WalletState) -> tuple[int | str | None, ...]:
    return (
        wallet.id,
        wallet.active,
        wallet.pending,
        wallet.debt,
        wallet.earned,
        wallet.spent,
        wallet.expired,
        wallet.sequence,
        _moment(wallet.next_due_at),
    )


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _entry_line(entry: EntryRow) -> str:
    details = field(json.dumps(entry.details, ensure_ascii=False))
    explanation = field(json.dumps(entry.explanation, ensure_ascii=False))
    return (
        f"{entry.id}\t{entry.wallet_id}\t{entry.kind}\t{entry.points}\t{entry.balance}\t{entry.sequence}\t"
        f"{field(entry.reference)}\t{entry.at.isoformat()}\t{details}\t{explanation}\n"
    )


def _lot_line(lot: LotState) -> str:
    return (
        f"{lot.id}\t{lot.wallet_id}\t{lot.entry_id}\t{lot.points}\t{lot.remaining}\t{lot.lapsed}\t{lot.forgiven}\t"
        f"{'t' if lot.is_pending else 'f'}\t{lot.active_from.isoformat()}\t{moment(lot.expires_at)}\n"
    )


def _allocation_line(each: Allocated) -> str:
    entry_id = each.entry.id if each.entry else each.lot.entry_id
    return f"{each.lot.id}\t{entry_id}\t{each.points}\n"


# ---- talking to the database ------------------------------------------------------------------------
def _cursor() -> psycopg.Cursor[Any]:
    """A cursor that binds on the server, so that each statement is planned once per connection."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def _rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.wrap_database_errors, _cursor() as cursor:
        return cursor.execute(statement, parameters, prepare=True).fetchall()


def _run(statement: str, parameters: Sequence[Any]) -> None:
    with connection.wrap_database_errors, _cursor() as cursor:
        cursor.execute(statement, parameters, prepare=True)
