from loyalty.models.adjustment import Adjustment
from loyalty.models.books import DaySheet, Seal, VerificationRun
from loyalty.models.giving import BuyBack, Donation, Transfer
from loyalty.models.hold import Hold, Reservation
from loyalty.models.ledger import Allocation, Entry, Lot
from loyalty.models.order import Order, OrderLine, OrderStep, Refund
from loyalty.models.program import Program
from loyalty.models.wallet import PointType, Wallet

__all__ = [
    "Adjustment",
    "Allocation",
    "BuyBack",
    "DaySheet",
    "Donation",
    "Entry",
    "Hold",
    "Lot",
    "Order",
    "OrderLine",
    "OrderStep",
    "PointType",
    "Program",
    "Refund",
    "Reservation",
    "Seal",
    "Transfer",
    "VerificationRun",
    "Wallet",
]
