"""What is refused about redemptions that exist, and about prices that have changed."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.errors import AlreadyUsed, RewardsError

_WHY = {
    "reserved": gettext_lazy("The redemption has not been paid yet."),
    "cancelled": gettext_lazy("The redemption was cancelled."),
    "expired": gettext_lazy("The redemption has expired."),
}


class PriceChanged(RewardsError):
    """The price is not what the member was shown; data: shown, now (points for all pieces)."""

    code = "price_changed"

    def __str__(self) -> str:
        return _("The price is now %(now)s points, not %(shown)s. No points were taken.") % {
            "now": f"{self.data['now']:,}",
            "shown": f"{self.data['shown']:,}",
        }


class RedemptionClosed(RewardsError):
    """The redemption has come to its end, or is not paid yet; data: state."""

    code = "redemption_closed"

    def __str__(self) -> str:
        usual = _("The redemption is closed.")
        return str(_WHY.get(self.data["state"], usual))


class TooLate(RewardsError):
    """The session has begun; data: begins_at (ISO 8601, program's time)."""

    code = "too_late"

    def __str__(self) -> str:
        moment = datetime.fromisoformat(self.data["begins_at"])
        return _("It began on %(moment)s and can no longer be cancelled.") % {
            "moment": date_format(moment, "DATETIME_FORMAT")
        }


class DonationStays(AlreadyUsed):
    """A donation was given to its project and cannot be cancelled; data as AlreadyUsed, used_at is when it was given."""

    def __str__(self) -> str:
        return _("A donation is final and cannot be cancelled.")


class HandedOver(AlreadyUsed):
    """It was handed over or sent and cannot be cancelled; data as AlreadyUsed, used_at is when that was."""

    def __str__(self) -> str:
        moment = datetime.fromisoformat(self.data["used_at"])
        return _("It was handed over or sent on %(moment)s and can no longer be cancelled.") % {
            "moment": date_format(moment, "DATETIME_FORMAT")
        }


class CodeHandedOut(RewardsError):
    """The member has seen a partner's code, which the partner takes from whoever knows it; data: partner."""

    code = "code_handed_out"

    def __str__(self) -> str:
        return _(
            "You already have the partner's code, so it cannot be cancelled. Please ask the shop."
        )
