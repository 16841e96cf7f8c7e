"""What the loyalty app refuses."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.errors import Conflict, InvalidInput, NotAllowed, Refusal


class LoyaltyError(Refusal):
    """Root of what the loyalty app refuses."""


class InsufficientPoints(LoyaltyError):
    """A spend of more than the wallet's active points; data: needed, available."""

    code = "insufficient_points"

    def __str__(self) -> str:
        return ngettext(
            "%(needed)s point is needed, but only %(available)s are available.",
            "%(needed)s points are needed, but only %(available)s are available.",
            self.data["needed"],
        ) % {"needed": f"{self.data['needed']:,}", "available": f"{self.data['available']:,}"}


class InDebt(LoyaltyError):
    """The wallet owes points; data: debt."""

    code = "in_debt"

    def __str__(self) -> str:
        return ngettext(
            "%(debt)s point is owed after a refund. The next points earned pay it off first.",
            "%(debt)s points are owed after a refund. The next points earned pay them off first.",
            self.data["debt"],
        ) % {"debt": f"{self.data['debt']:,}"}


class WalletFrozen(LoyaltyError):
    """The member's points are frozen: spending waits for a review."""

    code = "wallet_frozen"

    def __str__(self) -> str:
        return _(
            "The points are frozen until they have been reviewed. Please ask customer service."
        )


class AlreadyReversed(LoyaltyError):
    """A refund of more than is left of the order; data: refundable (money as text)."""

    code = "already_reversed"

    def __str__(self) -> str:
        return _(
            "The refund is more than is left of the order: %(refundable)s can still be refunded."
        ) % {"refundable": self.data["refundable"]}


class NothingToReturn(LoyaltyError):
    """A return of more than a redemption took and has not been given back; data: needed, available."""

    code = "already_returned"

    def __str__(self) -> str:
        return _(
            "%(needed)d points cannot be given back: only %(available)d of the redemption "
            "are left."
        ) % {"needed": self.data["needed"], "available": self.data["available"]}


class MonthlyCap(LoyaltyError):
    """More than the program lets a member redeem in a month; data: limit, used (open holds included)."""

    code = "limit_reached"

    def __str__(self) -> str:
        return ngettext(
            "A member may redeem %(limit)d point a month, and %(used)d have already been "
            "redeemed.",
            "A member may redeem %(limit)d points a month, and %(used)d have already been "
            "redeemed.",
            self.data["limit"],
        ) % {"limit": self.data["limit"], "used": self.data["used"]}


class NotInSteps(LoyaltyError):
    """Points for a payment that are too few or no whole steps; data: limit (what could pay), used (asked for), min, step."""

    code = "limit_reached"

    def __str__(self) -> str:
        if self.data["step"] is None:
            return ngettext(
                "At least %(limit)d point is needed to pay with points.",
                "At least %(limit)d points are needed to pay with points.",
                self.data["limit"],
            ) % {"limit": self.data["limit"]}
        return _(
            "Points can be used in steps of %(step)d: %(used)d is not possible, but %(limit)d is."
        ) % {name: self.data[name] for name in ("step", "used", "limit")}


class ShareReached(LoyaltyError):
    """More of an order is paid with points than the program allows.

    Data: limit and used in points, limit_amount and used_amount (money as text), min, step.
    """

    code = "limit_reached"

    def __str__(self) -> str:
        return _(
            "Points may pay %(limit_amount)s of this order (%(limit)d points), not %(used_amount)s."
        ) % {name: self.data[name] for name in ("limit", "limit_amount", "used_amount")}


class HoldClosed(LoyaltyError):
    """A hold that was captured, released or timed out before; data: state."""

    code = "hold_closed"

    def __str__(self) -> str:
        sentences = {
            "captured": _("The held points have already been used."),
            "released": _("The held points have already been released."),
            "expired": _("The hold has timed out; its points can be used again."),
        }
        return str(sentences[self.data["state"]])


class TransferNotAllowed(LoyaltyError):
    """A transfer that the program does not allow; data: reason (self, disabled, minimum), minimum."""

    code = "transfer_not_allowed"

    def __str__(self) -> str:
        reasons = {
            "self": _("You cannot give points to yourself. Choose another member."),
            "disabled": _("Members cannot give points to each other in this program."),
            "minimum": _("At least %(minimum)s points must be given at a time.")
            % {"minimum": self.data.get("minimum")},
        }
        return str(reasons[self.data["reason"]])


class TransferLimit(LoyaltyError):
    """More than may be given at once or in a day; data: limit, used (in the day; None: the limit is for one time)."""

    code = "limit_reached"

    def __str__(self) -> str:
        if self.data["used"] is None:
            return _("At most %(limit)d points can be given at a time.") % {
                "limit": self.data["limit"]
            }
        return _("At most %(limit)d points can be given a day; %(used)d were given today.") % {
            "limit": self.data["limit"],
            "used": self.data["used"],
        }


class WalletNotEmpty(Conflict, LoyaltyError):
    """Points or holds are left on a member to be closed; data: active, pending, reserved."""

    code = "wallet_not_empty"

    def __str__(self) -> str:
        return (
            _(
                "There are points left: %(active)d active, %(pending)d pending, "
                "%(reserved)d on hold. Use them up, or close the membership and forfeit "
                "them."
            )
            % self.data
        )


class SelfApproval(NotAllowed, LoyaltyError):
    """An adjustment is decided by whoever asked for it."""

    code = "self_approval"

    def __str__(self) -> str:
        return _("You asked for this adjustment yourself: a second person has to decide.")


class AdjustmentDecided(Conflict, LoyaltyError):
    """An adjustment is decided the other way round than before; data: state (posted, rejected)."""

    code = "adjustment_decided"

    def __str__(self) -> str:
        if self.data["state"] == "posted":
            return _("The adjustment has already been posted and cannot be rejected.")
        return _("The adjustment has already been rejected and cannot be approved.")


class ExpiredMeanwhile(LoyaltyError):
    """The points of an adjustment would have expired before it was approved; data: expires_at (ISO 8601)."""

    code = "expired"

    def __str__(self) -> str:
        return _("The points would have expired already. Reject the adjustment and ask again.")


class OrderClosed(Conflict, LoyaltyError):
    """A step forward of an order that was cancelled or refunded; data: state."""

    code = "order_closed"

    def __str__(self) -> str:
        if self.data["state"] == "cancelled":
            return _("The order was cancelled: its status can no longer change.")
        return _("The order was refunded: its status can no longer change.")


def out_of_range(pointer: str) -> InvalidInput:
    """A sum of points past 2^63 − 1."""
    return InvalidInput(pointer, "out_of_range", _("The number of points is too large."))
