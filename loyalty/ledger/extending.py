"""Lots whose expiry moves: an activity keeps them alive, or they get one when expiry is switched on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from loyalty.ledger.book import Book
from loyalty.ledger.database import rows, run
from loyalty.ledger.rows import write
from loyalty.ledger.writing import Held

# What has lapsed stays lapsed, also where a hold still keeps some of it.
_EXTEND = """
UPDATE loyalty_lot l SET expires_at = n.until
FROM unnest(%s::bigint[], %s::timestamptz[]) AS n(wallet_id, until)
WHERE l.wallet_id = n.wallet_id AND l.remaining > 0 AND l.expires_at > %s AND l.expires_at < n.until"""

_PENDING = """
SELECT l.id, l.active_from, l.expires_at FROM loyalty_lot l
WHERE l.wallet_id = ANY(%s) AND l.remaining > 0 AND l.is_pending AND l.expires_at IS NOT NULL"""

_ETERNAL_PENDING = """
SELECT l.id, l.active_from FROM loyalty_lot l
WHERE l.wallet_id = ANY(%s) AND l.remaining > 0 AND l.expires_at IS NULL AND l.id <= %s AND l.active_from > %s"""

_SET = """
UPDATE loyalty_lot l SET expires_at = n.until
FROM unnest(%s::bigint[], %s::timestamptz[]) AS n(id, until) WHERE l.id = n.id"""

_DATE = """
UPDATE loyalty_lot l SET expires_at = %s
WHERE l.wallet_id = ANY(%s) AND l.remaining > 0 AND l.expires_at IS NULL AND l.id <= %s
RETURNING l.id"""

# Nothing falls due later than before; the exact moment is found at the next settlement.
_DUE = """
UPDATE loyalty_wallet SET next_due_at = least(next_due_at, %s) WHERE id = ANY(%s)"""


def write_activity(*, held: Held) -> None:
    """Write the activities that no posting has written along (those of orders that earn nothing)."""
    write(Book(held.wallets, held.at))


def extend(
    *, held: Held, until: Mapping[int, datetime], of_pending: Callable[[datetime], datetime]
) -> None:
    """Let the open lots of wallets (ids) live at least until the moment given for their wallet.

    Never shorter than they have, and never without end to a date. A lot that is still pending lives at least until
    `of_pending` of its activation. `next_due_at` stays: it only has to be no later than what comes.
    """
    run(_EXTEND, [list(until), list(until.values()), held.at])
    later = [
        (lot, end)
        for lot, active_from, expires_at in rows(_PENDING, [list(until)])
        if (end := of_pending(active_from)) > expires_at
    ]
    if later:
        run(_SET, [[lot for lot, _end in later], [end for _lot, end in later]])


def date_eternal(
    *,
    wallets: Sequence[int],
    last_lot: int,
    until: datetime,
    of_pending: Callable[[datetime], datetime],
    at: datetime,
) -> int:
    """Give the open lots up to `last_lot` (id) that never expire an expiry; returns how many they were.

    The wallets (ids) are locked. A lot that becomes active after `at` gets `of_pending` of its activation.
    """
    pending = [
        (lot, of_pending(active_from))
        for lot, active_from in rows(_ETERNAL_PENDING, [list(wallets), last_lot, at])
    ]
    if pending:
        run(_SET, [[lot for lot, _end in pending], [end for _lot, end in pending]])
    dated = rows(_DATE, [until, list(wallets), last_lot])
    run(_DUE, [until, list(wallets)])
    return len(pending) + len(dated)
