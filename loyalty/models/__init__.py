from loyalty.models.ledger import Allocation, Entry, Lot, PointType, Wallet
from loyalty.models.order import Adjustment, Order, OrderLine, Refund
from loyalty.models.program import Program

__all__ = [
    "Adjustment",
    "Allocation",
    "Entry",
    "Lot",
    "Order",
    "OrderLine",
    "PointType",
    "Program",
    "Refund",
    "Wallet",
]
