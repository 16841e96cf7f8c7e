"""What is refused about vouchers beside AlreadyUsed, VoucherExpired and VoucherVoid."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from members.errors import NotFound, SlowedDown
from rewards.errors import RewardsError

DAYS = (
    lambda: pgettext("day of the week", "Monday"),
    lambda: pgettext("day of the week", "Tuesday"),
    lambda: pgettext("day of the week", "Wednesday"),
    lambda: pgettext("day of the week", "Thursday"),
    lambda: pgettext("day of the week", "Friday"),
    lambda: pgettext("day of the week", "Saturday"),
    lambda: pgettext("day of the week", "Sunday"),
)


def day_names(weekdays: list[int]) -> str:
    """ISO weekdays in words: Monday to Thursday and Sunday."""
    runs: list[list[int]] = []
    for day in sorted(weekdays):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return listed([name for run in runs for name in _run(run)])


def _run(days: list[int]) -> list[str]:
    """Three days and more in a row by the first and the last of them."""
    names = [DAYS[day - 1]() for day in days]
    if len(days) < 3:
        return names
    words = {"first": names[0], "last": names[-1]}
    return [pgettext("days of the week", "%(first)s to %(last)s") % words]


def listed(names: list[str]) -> str:
    """Names one after the other, as people say them."""
    if len(names) < 2:
        return "".join(names)
    before = pgettext("between the names of a list", ", ").join(names[:-1])
    words = {"before": before, "last": names[-1]}
    return pgettext("the end of a list", "%(before)s and %(last)s") % words


class VoucherNotFound(NotFound):
    """No voucher has this code: a typing error or a guess."""


class VoucherInactive(RewardsError):
    """The voucher is not good yet; data: active_from (ISO 8601, program's time) or None."""

    code = "inactive"

    def __str__(self) -> str:
        if self.data["active_from"] is None:
            return _("The voucher is not active yet.")
        day = date_format(datetime.fromisoformat(self.data["active_from"]))
        return _("The voucher can be used from %(day)s.") % {"day": day}


class NotValidHere(RewardsError):
    """The voucher is good in other stores; data: stores (codes), store_names."""

    code = "not_valid_here"

    def __str__(self) -> str:
        names = listed(self.data["store_names"])
        return _("The voucher is good in these stores only: %(stores)s.") % {"stores": names}


class NotValidToday(RewardsError):
    """The voucher is good on other days of the week; data: weekdays (1 Monday to 7)."""

    code = "not_valid_today"

    def __str__(self) -> str:
        days = day_names(self.data["weekdays"])
        return _("The voucher is good on these days only: %(days)s.") % {"days": days}


class TicketForDraws(RewardsError):
    """A draw ticket is used by the member's go at a draw, at no counter; data: draw (code) or None for any."""

    code = "not_eligible"

    def __str__(self) -> str:
        return _("This is a draw ticket: it is used up when the member draws, not at the counter.")


class GiftNotAllowed(RewardsError):
    """The voucher may not be given away; data: reason (self, reward)."""

    code = "gift_not_allowed"

    def __str__(self) -> str:
        if self.data["reason"] == "self":
            return _("The voucher already belongs to this member.")
        return _("Vouchers of this reward cannot be given to others.")


class GivenAway(RewardsError):
    """A voucher of the redemption belongs to another member now: it cannot be cancelled any more."""

    code = "given_away"

    def __str__(self) -> str:
        return _("A voucher of this redemption was given to another member.")


class TooManyMisses(SlowedDown, RewardsError):
    """So many codes were wrong that nothing is looked up for a while; data: retry_after (seconds)."""

    code = "too_many_misses"

    def __str__(self) -> str:
        minutes = -(-self.data["retry_after"] // 60)
        return ngettext(
            "Too many wrong codes. Try again in %(minutes)d minute.",
            "Too many wrong codes. Try again in %(minutes)d minutes.",
            minutes,
        ) % {"minutes": minutes}
