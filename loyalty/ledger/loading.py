"""Bringing the lots that a batch may touch into the locked wallets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loyalty.ledger import statements
from loyalty.ledger.database import rows
from loyalty.ledger.postings import (
    Capture,
    Debit,
    Forfeit,
    Gift,
    Posting,
    Release,
    Reserve,
    Return,
    Reversal,
)
from loyalty.ledger.states import LotState, Redeemed, WalletState

# So many lots of a wallet are read at first.
FIRST_LOTS = 16

Wallets = dict[int, WalletState]
Seen = dict[int, LotState]


def load_lots(wallets: Wallets, postings: Sequence[Posting]) -> None:
    """Load what these postings may take from or give back to; every lot is one object."""
    for wallet in wallets.values():
        wallet.forget_lots()
    seen: Seen = {}
    _load_open(wallets, seen, postings)
    _load_to_spend(wallets, seen, postings)
    _load_origins(wallets, seen, postings)
    _load_redeemed(wallets, seen, postings)
    _load_held(wallets, seen, postings)


def load_open(wallets: Wallets, ids: Sequence[int], seen: Seen | None = None) -> None:
    """Load all open lots of these wallets, pending ones too."""
    known: Seen = {} if seen is None else seen
    for row in rows(statements.OPEN_LOTS, [list(ids)]):
        lot = _lot(known, row)
        wallets[lot.wallet_id].lots.append(lot)
    for wallet_id in ids:
        wallets[wallet_id].lots.sort(key=LotState.spending_key)


def _load_open(wallets: Wallets, seen: Seen, postings: Sequence[Posting]) -> None:
    ids = sorted({each.wallet for each in postings if isinstance(each, Forfeit)})
    if ids:
        load_open(wallets, ids, seen)


def _load_to_spend(wallets: Wallets, seen: Seen, postings: Sequence[Posting]) -> None:
    needed: dict[int, int] = {}
    for posting in postings:
        if isinstance(posting, Debit | Reversal | Reserve | Gift):
            fee = posting.fee if isinstance(posting, Gift) else 0
            needed[posting.wallet] = needed.get(posting.wallet, 0) + posting.points + fee
    # A spend takes few lots as a rule, whatever the wallet holds; only where those do not cover it, more are read.
    limit = FIRST_LOTS
    while needed:
        _load_first(wallets, seen, needed, limit)
        needed = {
            pk: points
            for pk, points in needed.items()
            if len(wallets[pk].lots) == limit and _is_short(wallets[pk], points)
        }
        limit *= 8


def _load_first(wallets: Wallets, seen: Seen, needed: Mapping[int, int], limit: int) -> None:
    for wallet_id in needed:
        wallets[wallet_id].lots.clear()
    for row in rows(statements.LOTS_TO_SPEND, [list(needed), list(needed.values()), limit]):
        lot = _lot(seen, row)
        wallets[lot.wallet_id].lots.append(lot)
    for wallet_id in needed:
        wallets[wallet_id].lots.sort(key=LotState.spending_key)


def _is_short(wallet: WalletState, needed: int) -> bool:
    """Whether there are more active points than the loaded lots hold, and they are needed."""
    return sum(lot.free for lot in wallet.lots) < min(needed, wallet.active)


def _load_origins(wallets: Wallets, seen: Seen, postings: Sequence[Posting]) -> None:
    keys = [(each.wallet, each.of) for each in postings if isinstance(each, Reversal)]
    for _wallet, reference, *row in _named(statements.LOTS_OF_EARNS, wallets, keys):
        lot = _lot(seen, row)
        wallets[lot.wallet_id].origins[reference] = lot


def _load_redeemed(wallets: Wallets, seen: Seen, postings: Sequence[Posting]) -> None:
    keys = [(each.wallet, each.of) for each in postings if isinstance(each, Return)]
    for _wallet, reference, entry, taken, *row in _named(
        statements.LOTS_OF_REDEEMS, wallets, keys
    ):
        lot = _lot(seen, row)
        redeemed = wallets[lot.wallet_id].redeemed.setdefault(reference, Redeemed(entry, []))
        if taken:
            redeemed.parts.append((lot, taken))


def _load_held(wallets: Wallets, seen: Seen, postings: Sequence[Posting]) -> None:
    holds = {each.hold for each in postings if isinstance(each, Capture | Release)}
    if not holds:
        return
    for hold, points, *row in rows(statements.LOTS_OF_HOLDS, [sorted(holds)]):
        lot = _lot(seen, row)
        wallets[lot.wallet_id].held.setdefault(hold, []).append((lot, points))


def _named(
    statement: str, wallets: Wallets, keys: Iterable[tuple[int, str]]
) -> list[tuple[Any, ...]]:
    """Rows of entries named by wallet and reference; an entry may be in a wallet that was merged into it."""
    # Each entry once, though a batch may name it twice: what it took is added up.
    family = {
        (wallet, reference)
        for heir, reference in keys
        for wallet in (heir, *wallets[heir].merged_from)
    }
    return rows(statement, [json.dumps(sorted(family))]) if family else []


def _lot(seen: Seen, row: Sequence[Any]) -> LotState:
    known = seen.get(row[0])
    if known is None:
        known = seen[row[0]] = LotState(
            id=row[0],
            wallet_id=row[1],
            entry_id=row[2],
            points=row[3],
            remaining=row[4],
            reserved=row[5],
            lapsed=row[6],
            forgiven=row[7],
            is_pending=row[8],
            active_from=row[9],
            expires_at=row[10],
        )
    return known
