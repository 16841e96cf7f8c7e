"""What a draw refuses."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rewards.errors import LimitReached, NotEligible, NotOnSale, OutOfStock, RewardsError


class DrawNotOpen(NotOnSale):
    """The draw is switched off, has not begun, has ended or waits for its next round."""

    def __str__(self) -> str:
        return _("This draw is not open at the moment. Nothing was taken.")


class DrawNotForTier(NotEligible):
    """The draw is for other tiers; data: tiers."""

    def __str__(self) -> str:
        return _("This draw is for other member tiers.")


class GoesUsedUp(LimitReached):
    """The member has had as many goes as one may; data: limit, used."""

    def __str__(self) -> str:
        return ngettext(
            "Each member may have %(limit)d go in this period, and %(used)d have already "
            "been used.",
            "Each member may have %(limit)d goes in this period, and %(used)d have already "
            "been used.",
            self.data["limit"],
        ) % {"limit": self.data["limit"], "used": self.data["used"]}


class DrawOver(OutOfStock):
    """Every prize is gone; data: left, which is 0."""

    def __str__(self) -> str:
        return _("All prizes of this draw have been won. Nothing was taken.")


class TicketNeeded(RewardsError):
    """Points buy no go at this draw, and the member has no ticket for it."""

    code = "ticket_needed"

    def __str__(self) -> str:
        return _("A go at this draw needs a ticket, and there is none in the account.")


class DrawWithoutPrizes(RewardsError):
    """A draw cannot open before it has prizes."""

    code = "no_prizes"

    def __str__(self) -> str:
        return _("The draw has no prizes yet. Add some first.")


class PrizeNotCovered(RewardsError):
    """A reward's own stock does not cover its prize; data: prize, reward, left."""

    code = "prize_not_covered"

    def __str__(self) -> str:
        return _(
            "“%(reward)s” has only %(left)d pieces left, fewer than can be won as the prize "
            "“%(prize)s”. Add stock or lower the number of prizes."
        ) % {
            "reward": self.data["reward"],
            "left": self.data["left"],
            "prize": self.data["prize"],
        }
