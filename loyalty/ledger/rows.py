"""Writing what a book collected."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from loyalty.ledger import statements
from loyalty.ledger.book import Book
from loyalty.ledger.database import rows, run
from loyalty.ledger.states import Allocated, EntryRow, LotState, WalletState
from members.streams import NULL, field, stream

encoded = json.JSONEncoder(ensure_ascii=False).encode

# Up to so many entries one statement is quicker than streams.
FEW = 10


def write(book: Book) -> None:
    """Write what the book collected: one statement for a few credits, streams for anything else."""
    if not book.entries and not book.allocations:
        _write_totals(book)
    elif len(book.entries) <= FEW and not book.allocations and not _is_involved(book):
        _write_few(book)
    else:
        _write_many(book)


def _is_involved(book: Book) -> bool:
    return bool(book.changed_lots) or any(entry.corrects for entry in book.entries)


def _write_few(book: Book) -> None:
    run(
        statements.WRITE_FEW,
        [
            json.dumps([_entry_row(entry) for entry in book.entries], ensure_ascii=False),
            json.dumps([_lot_row(lot) for lot in book.lots]),
            *columns(map(_totals, _changed(book))),
        ],
    )


def _entry_row(entry: EntryRow) -> tuple[Any, ...]:
    return (
        entry.wallet_id,
        entry.kind,
        entry.points,
        entry.balance,
        entry.sequence,
        entry.reference,
        iso(entry.at),
        entry.details,
        entry.explanation,
        entry.store,
    )


def _lot_row(lot: LotState) -> tuple[Any, ...]:
    assert lot.source is not None
    return (
        lot.wallet_id,
        lot.source.sequence,
        lot.points,
        lot.remaining,
        lot.is_pending,
        iso(lot.active_from),
        _moment(lot.expires_at),
    )


def _write_many(book: Book) -> None:
    entry_ids, lot_ids = rows(statements.DRAW_IDS, [len(book.entries), len(book.lots)])[0]
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
    for entry in book.entries:
        lot = entry.lot
        if lot is not None:
            before = f"/{entry.lapsed_before}" if entry.lapsed_before else ""
            entry.reference = f"lot/{lot.id}{before}"
            entry.details = {
                "lot": lot.id,
                "earned_at": lot.active_from.astimezone(UTC).isoformat(),
            }
            entry.explanation = [{"rule": "expiry", "kind": "expiry", "points": entry.points}]


def _write_totals(book: Book) -> None:
    if book.reservations:
        stream(
            statement=statements.COPY_RESERVATIONS,
            lines=(f"{each.hold}\t{each.lot.id}\t{each.points}\n" for each in book.reservations),
        )
    if book.changed_lots:
        run(statements.UPDATE_LOTS, columns(map(_figures, book.changed_lots)))
    changed = _changed(book)
    if changed:
        run(statements.UPDATE_WALLETS, columns(map(_totals, changed)))


def columns(rows: Iterable[Sequence[int | str | None]]) -> list[str]:
    """Rows as one array literal for each column; texts come `quoted`."""
    return [
        f"{{{','.join('NULL' if value is None else str(value) for value in column)}}}"
        for column in zip(*rows, strict=True)
    ]


def quoted(text: str) -> str:
    """A text as an array literal holds it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _figures(lot: LotState) -> tuple[int | str | None, ...]:
    return (
        lot.id,
        lot.remaining,
        lot.lapsed,
        lot.forgiven,
        _moment(lot.expires_at),
        lot.reserved,
    )


def _changed(book: Book) -> list[WalletState]:
    """The wallets to write; from now on they count as written."""
    changed = [wallet for wallet in book.wallets.values() if wallet.is_changed]
    for wallet in changed:
        wallet.is_changed = False
    return changed


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
        wallet.reserved,
        _moment(wallet.last_activity_at),
    )


def iso(value: datetime) -> str:
    """A moment as the database reads it."""
    return _iso_of(value, value.fold)


@lru_cache(maxsize=4_096)
def _iso_of(value: datetime, _fold: int) -> str:
    """Batches name the same few moments over and over; of an hour that a zone has twice each counts for itself."""
    return value.isoformat()


def _moment(value: datetime | None) -> str | None:
    return None if value is None else iso(value)


def _json(value: object) -> str:
    return field(encoded(value)) if value else "{}"


def _entry_line(entry: EntryRow) -> str:
    explanation = field(encoded(entry.explanation))
    return (
        f"{entry.id}\t{entry.wallet_id}\t{entry.kind}\t{entry.points}\t{entry.balance}\t{entry.sequence}\t"
        f"{field(entry.reference)}\t{iso(entry.at)}\t{_json(entry.details)}\t{explanation}\t"
        f"{_id(_corrected(entry))}\t{_id(entry.store)}\n"
    )


def _corrected(entry: EntryRow) -> int | None:
    return entry.corrects.id if isinstance(entry.corrects, EntryRow) else entry.corrects


def _id(value: int | None) -> str:
    return NULL if value is None else str(value)


def _lot_line(lot: LotState) -> str:
    return (
        f"{lot.id}\t{lot.wallet_id}\t{lot.entry_id}\t{lot.points}\t{lot.remaining}\t{lot.reserved}\t{lot.lapsed}\t"
        f"{lot.forgiven}\t{'t' if lot.is_pending else 'f'}\t{iso(lot.active_from)}\t{_moment(lot.expires_at) or NULL}\n"
    )


def _allocation_line(each: Allocated) -> str:
    entry_id = each.entry.id if each.entry else each.lot.entry_id
    return f"{each.lot.id}\t{entry_id}\t{each.points}\n"
