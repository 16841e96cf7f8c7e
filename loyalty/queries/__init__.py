"""Questions to the loyalty app; they return values or ordered querysets."""

from loyalty.queries.adjustments import adjustments_to_decide
from loyalty.queries.due import DUE_LOTS
from loyalty.queries.eternal import eternal_lots, last_lot_id, wallets_with_eternal_lots
from loyalty.queries.giving import (
    family_of,
    hold,
    hold_state,
    open_holds_of,
    points_given_today,
    points_redeemed_this_month,
)
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
from loyalty.queries.order_words import FEW, MANY, largest_amount, words_of_orders
from loyalty.queries.orders import (
    adjustment,
    awaiting_award,
    award_entry,
    order,
    orders_by_key,
    orders_of,
)
from loyalty.queries.owned import owned_points
from loyalty.queries.program import VERSION, program, program_version, value_of
from loyalty.queries.references import free_reference

__all__ = [
    "DUE_LOTS",
    "FEW",
    "MANY",
    "VERSION",
    "Expiring",
    "Figures",
    "NextExpiry",
    "OpenLot",
    "adjustment",
    "adjustments_to_decide",
    "awaiting_award",
    "award_entry",
    "due_wallets_locked",
    "entries_of",
    "entry_of",
    "eternal_lots",
    "expiring",
    "family_of",
    "figures",
    "figures_of",
    "free_reference",
    "hold",
    "hold_state",
    "largest_amount",
    "last_lot_id",
    "lots_of",
    "open_holds_of",
    "order",
    "orders_by_key",
    "orders_of",
    "owned_points",
    "points_given_today",
    "points_redeemed_this_month",
    "program",
    "program_version",
    "value_of",
    "wallet_of",
    "wallets_with_eternal_lots",
    "words_of_orders",
]
