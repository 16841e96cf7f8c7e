"""Questions to the loyalty app; they return values or ordered querysets."""

from loyalty.queries.due import DUE_LOTS
from loyalty.queries.ledger import (
    Expiring,
    Figures,
    NextExpiry,
    OpenLot,
    due_wallets_locked,
    entries_of,
    entry_of,
    expiring,
    figures,
    figures_of,
    lots_of,
    wallet_of,
)
from loyalty.queries.orders import adjustment, order, orders_by_key, orders_of
from loyalty.queries.program import program

__all__ = [
    "DUE_LOTS",
    "Expiring",
    "Figures",
    "NextExpiry",
    "OpenLot",
    "adjustment",
    "due_wallets_locked",
    "entries_of",
    "entry_of",
    "expiring",
    "figures",
    "figures_of",
    "lots_of",
    "order",
    "orders_by_key",
    "orders_of",
    "program",
    "wallet_of",
]
