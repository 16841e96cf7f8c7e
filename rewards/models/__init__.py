from rewards.models.donation import DonationProject
from rewards.models.draw import Draw, DrawPlay, DrawPrize, DrawRound
from rewards.models.guess import WrongCodes
from rewards.models.offer import Offer, PriceQuote
from rewards.models.partner import PartnerCode
from rewards.models.redemption import Redemption
from rewards.models.report import RewardReport
from rewards.models.reward import Reward, RewardPicture, Variant
from rewards.models.stock import StockMovement
from rewards.models.voucher import Voucher, VoucherBatch, VoucherGift, VoucherStep
from rewards.models.wish import Wish

__all__ = [
    "DonationProject",
    "Draw",
    "DrawPlay",
    "DrawPrize",
    "DrawRound",
    "Offer",
    "PartnerCode",
    "PriceQuote",
    "Redemption",
    "Reward",
    "RewardPicture",
    "RewardReport",
    "StockMovement",
    "Variant",
    "Voucher",
    "VoucherBatch",
    "VoucherGift",
    "VoucherStep",
    "Wish",
    "WrongCodes",
]
