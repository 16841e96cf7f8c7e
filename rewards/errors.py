"""What the rewards app refuses."""

from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.errors import Refusal


class RewardsError(Refusal):
    """Root of what the rewards app refuses."""


class OutOfStock(RewardsError):
    """Fewer pieces are left than asked for; data: left."""

    code = "out_of_stock"

    def __str__(self) -> str:
        if not self.data["left"]:
            return _("This reward has just run out. No points were taken.")
        return ngettext(
            "Only %(left)d piece is left. No points were taken.",
            "Only %(left)d pieces are left. No points were taken.",
            self.data["left"],
        ) % {"left": self.data["left"]}


class OfferShort(OutOfStock):
    """The reward has enough pieces, the offer whose price is paid has not; data: left (of the offer), offer (its code)."""

    def __str__(self) -> str:
        if not self.data["left"]:
            return _("This offer has just sold out. No points were taken.")
        return ngettext(
            "Only %(left)d piece is left at the price of this offer. No points were taken.",
            "Only %(left)d pieces are left at the price of this offer. No points were taken.",
            self.data["left"],
        ) % {"left": self.data["left"]}


class LimitReached(RewardsError):
    """The member has had as many pieces as one may; data: limit, used."""

    code = "limit_reached"

    def __str__(self) -> str:
        return _(
            "Each member may redeem %(limit)d in this period, and %(used)d have already "
            "been redeemed."
        ) % {"limit": self.data["limit"], "used": self.data["used"]}


class OfferLimitReached(LimitReached):
    """The member would have more pieces of the offer than one may; data: limit, used, offer (its code)."""

    def __str__(self) -> str:
        return _(
            "Each member may redeem %(limit)d at the price of this offer, and %(used)d have "
            "already been redeemed."
        ) % {"limit": self.data["limit"], "used": self.data["used"]}


class MonthlyCapReached(LimitReached):
    """The program's cap on the points a member redeems in a month; data: limit, used."""

    def __str__(self) -> str:
        return ngettext(
            "A member may redeem %(limit)d point a month, and %(used)d have already been "
            "redeemed.",
            "A member may redeem %(limit)d points a month, and %(used)d have already been "
            "redeemed.",
            self.data["limit"],
        ) % {"limit": self.data["limit"], "used": self.data["used"]}


class NotEligible(RewardsError):
    """The reward is for other tiers; data: tiers."""

    code = "not_eligible"

    def __str__(self) -> str:
        return _("This reward is for other member tiers.")


class NotOnSale(RewardsError):
    """The reward is switched off, has not begun or has ended."""

    code = "not_on_sale"

    def __str__(self) -> str:
        return _("This reward is not available now.")


class ProjectClosed(NotOnSale):
    """The donation project has not begun, has ended or was switched off; data: project (its code)."""

    def __str__(self) -> str:
        return _("This project takes no donations now. No points were taken.")


class AlreadyUsed(RewardsError):
    """The voucher was used before.

    Data: used_at (ISO 8601, program's time), used_store (code) and used_store_name, or None; of a voucher also used_order
    (source/number), or None.
    """

    code = "already_used"

    def __str__(self) -> str:
        moment = datetime.fromisoformat(self.data["used_at"])
        shown = {
            "moment": date_format(moment, "DATETIME_FORMAT"),
            "store": self.data["used_store_name"],
        }
        if self.data["used_store_name"]:
            said = _("It was already used on %(moment)s in %(store)s.") % shown
        else:
            said = _("It was already used on %(moment)s.") % shown
        order = (self.data.get("used_order") or "").removeprefix("default/")
        if not order:
            return said
        named = _("For order %(order)s.") % {"order": order}
        return f"{said} {named}"


class VoucherExpired(RewardsError):
    """The voucher's validity is over; data: expires_at (ISO 8601, program's time)."""

    code = "expired"

    def __str__(self) -> str:
        # It expires with the first moment of the next day: people are told the last good day.
        last = datetime.fromisoformat(self.data["expires_at"]) - timedelta(microseconds=1)
        return _("The voucher could be used until %(day)s.") % {"day": date_format(last)}


class VoucherVoid(RewardsError):
    """The voucher's redemption was cancelled or the voucher voided; data: reason, voided_at (ISO 8601) or None."""

    code = "void"

    def __str__(self) -> str:
        if self.data.get("reason"):
            return _("The voucher is void: %(reason)s") % {"reason": self.data["reason"]}
        return _("The voucher is void: its redemption was cancelled.")
