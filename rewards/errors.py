"""What the rewards app refuses."""

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


class LimitReached(RewardsError):
    """The member has had as many pieces as one may; data: limit, used."""

    code = "limit_reached"

    def __str__(self) -> str:
        return _(
            "Each member may redeem %(limit)d in this period, and %(used)d are taken already."
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
        return _("This reward is not on offer now.")


class AlreadyUsed(RewardsError):
    """The voucher was used before; data: used_at, used_store."""

    code = "already_used"

    def __str__(self) -> str:
        if self.data.get("used_store"):
            return _("Used already on %(used_at)s in %(used_store)s.") % self.data
        return _("Used already on %(used_at)s.") % self.data


class VoucherExpired(RewardsError):
    """The voucher's validity is over; data: expires_at."""

    code = "expired"

    def __str__(self) -> str:
        return _("The voucher expired on %(expires_at)s.") % self.data


class VoucherVoid(RewardsError):
    """The voucher's redemption was cancelled or the voucher withdrawn."""

    code = "void"

    def __str__(self) -> str:
        return _("The voucher is void: its redemption was cancelled.")
