"""What the campaigns app refuses."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from members.errors import Conflict, NotAllowed, Refusal


class CampaignsError(Refusal):
    """Root of what the campaigns app refuses."""


class CampaignEnded(Conflict, CampaignsError):
    """A change of a campaign that was ended; data: campaign (its code)."""

    code = "campaign_ended"

    def __str__(self) -> str:
        return _("The campaign has ended for good. Make a new one based on it instead.")


class WrongState(Conflict, CampaignsError):
    """A step that a campaign cannot take from where it stands; data: state, wanted."""

    code = "campaign_state"

    def __str__(self) -> str:
        names = {
            "draft": _("Draft"),
            "active": pgettext("campaign", "Active"),
            "paused": _("Paused"),
            "ended": _("Ended"),
        }
        return _("A campaign that is “%(state)s” cannot become “%(wanted)s”.") % {
            "state": names[self.data["state"]],
            "wanted": names[self.data["wanted"]],
        }


class NeedsApproval(CampaignsError):
    """A campaign, or a change of one, that a second person has to approve first; data: campaign (its code)."""

    code = "needs_approval"

    def __str__(self) -> str:
        return _(
            "A second person has to approve this first. Ask for approval; pause a running "
            "campaign before you change it. Over the API, send the state “draft” (“paused” "
            "for a running one) and ask in the console."
        )


class SelfApproval(NotAllowed, CampaignsError):
    """A campaign is approved by whoever asked for it."""

    code = "self_approval"

    def __str__(self) -> str:
        return _("You asked for this approval yourself: a second person has to decide.")


class NothingAsked(Conflict, CampaignsError):
    """A decision on a campaign for which nobody has asked, or that was changed since."""

    code = "nothing_asked"

    def __str__(self) -> str:
        return _("No approval has been asked for, or the campaign has been changed since.")


class FindingsOpen(CampaignsError):
    """A start while findings that block are neither fixed nor accepted; data: findings."""

    code = "findings_open"

    def __str__(self) -> str:
        count = len(self.data["findings"])
        return ngettext(
            "%(count)d finding must be fixed or accepted first.",
            "%(count)d findings must be fixed or accepted first.",
            count,
        ) % {"count": count}


class SignedAlready(CampaignsError):
    """A make-up for a day that is signed; data: day (ISO)."""

    code = "signed_already"

    def __str__(self) -> str:
        return _("You have already signed in on this day.")


class DayNotOver(CampaignsError):
    """A make-up for a day that is not over: today is signed as usual, tomorrow tomorrow; data: day (ISO)."""

    code = "day_not_over"

    def __str__(self) -> str:
        return _("Only past days can be made up. Sign in for today as usual.")


class TooLongAgo(CampaignsError):
    """A make-up for a day before those that may be made up; data: earliest (ISO)."""

    code = "too_long_ago"

    def __str__(self) -> str:
        return (
            _("This day is too long ago: only days from %(earliest)s on can be made up.")
            % self.data
        )


class NoCardLeft(CampaignsError):
    """A make-up without a card: all of the month are used, or the shop gives none; data: cards (a month)."""

    code = "no_card_left"

    def __str__(self) -> str:
        if not self.data["cards"]:
            return _("Missed days cannot be made up here.")
        return _("You have used all your make-up cards for this month. New ones come next month.")


class HandoutBegun(Conflict, CampaignsError):
    """A grant to a segment that has begun already; data: handout (its code)."""

    code = "handout_begun"

    def __str__(self) -> str:
        return _("This grant has already begun; what has been given stays as it is.")


class NotReplayable(CampaignsError):
    """A replay of a campaign that no order sets off; data: trigger."""

    code = "not_replayable"

    def __str__(self) -> str:
        return _("Only campaigns for orders can be replayed: this one looks at something else.")
