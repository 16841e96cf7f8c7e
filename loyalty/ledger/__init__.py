"""The one writer of value: `lock` wallets, decide, `post` a batch; nothing else writes the ledger's tables.

One call of `post` is one transaction of one to thousands of postings in a fixed number of statements. A batch gives
exactly what the same postings give one by one in the same order.
"""

from loyalty.ledger.closing import close
from loyalty.ledger.extending import date_eternal, extend, write_activity
from loyalty.ledger.merging import merge
from loyalty.ledger.postings import (
    MAX_POINTS,
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
from loyalty.ledger.quick import credit_at_once
from loyalty.ledger.writing import Held, lock, lock_wallets, post, settle

__all__ = [
    "MAX_POINTS",
    "Capture",
    "Credit",
    "Debit",
    "Forfeit",
    "Gift",
    "Held",
    "Posted",
    "Posting",
    "Release",
    "Reserve",
    "Return",
    "Reversal",
    "close",
    "credit_at_once",
    "date_eternal",
    "extend",
    "lock",
    "lock_wallets",
    "merge",
    "post",
    "settle",
    "write_activity",
]
