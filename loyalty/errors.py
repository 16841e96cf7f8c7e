"""What the loyalty app refuses."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.errors import InvalidInput, Refusal


class LoyaltyError(Refusal):
    """Root of what the loyalty app refuses."""


class InsufficientPoints(LoyaltyError):
    """A spend of more than the wallet's active points; data: needed, available."""

    code = "insufficient_points"

    def __str__(self) -> str:
        return ngettext(
            "%(needed)d point is needed, %(available)d are available.",
            "%(needed)d points are needed, %(available)d are available.",
            self.data["needed"],
        ) % {"needed": self.data["needed"], "available": self.data["available"]}


class InDebt(LoyaltyError):
    """The wallet owes points; data: debt."""

    code = "in_debt"

    def __str__(self) -> str:
        return ngettext(
            "%(debt)d point is owed after a refund. The next points earned pay it first.",
            "%(debt)d points are owed after a refund. The next points earned pay them first.",
            self.data["debt"],
        ) % {"debt": self.data["debt"]}


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


def out_of_range(pointer: str) -> InvalidInput:
    """A sum of points past 2^63 − 1."""
    return InvalidInput(
        pointer, "out_of_range", _("The sum of points is too large to be counted.")
    )
