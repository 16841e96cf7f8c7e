"""The one writer of value: `lock` wallets, decide, `post` a batch; nothing else writes the ledger's tables.

One call of `post` is one transaction of one to thousands of postings in a fixed number of statements. A batch gives
exactly what the same postings give one by one in the same order.
"""

from loyalty.ledger.postings import MAX_POINTS, Credit, Debit, Posted, Posting, Return, Reversal
from loyalty.ledger.writing import Held, lock, lock_wallets, post, settle

__all__ = [
    "MAX_POINTS",
    "Credit",
    "Debit",
    "Held",
    "Posted",
    "Posting",
    "Return",
    "Reversal",
    "lock",
    "lock_wallets",
    "post",
    "settle",
]
