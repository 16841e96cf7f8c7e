"""The budget's row of a campaign, kept in step with what its limits say."""

from datetime import datetime

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from campaigns import limits
from campaigns.models import Budget, Campaign, CampaignAward
from members.errors import InvalidInput


def keep(*, campaign: Campaign, at: datetime) -> None:
    """Give the campaign's row in budgets the points that its limits name; the campaign is locked by the caller.

    A budget that is taken away leaves its row behind, with what was used, for when it comes back; it holds while
    `limits` names one. Raises InvalidInput when less is named than has been given.
    """
    points = campaign.limits.get(limits.BUDGET)
    if points is None:
        return
    budget = Budget.objects.select_for_update(no_key=True).filter(campaign=campaign).first()
    if budget is None:
        budget = Budget(campaign=campaign, points=points)
    # What was given while there was no budget counts as well.
    budget.used = max(budget.used, given(campaign))
    if points < budget.used:
        raise InvalidInput(
            f"/limits/{limits.BUDGET}",
            "below_used",
            _("%(used)d points of the budget are used already; it cannot be less than that.")
            % {"used": budget.used},
        )
    budget.points = points
    budget.exhausted_at = (budget.exhausted_at or at) if budget.used == points > 0 else None
    budget.save()


def given(campaign: Campaign) -> int:
    """What a campaign has given in all, as limits count it: points, status points and pieces."""
    awards = CampaignAward.objects.filter(campaign=campaign)
    total = awards.aggregate(total=Sum(F("points") + F("status_points") + F("pieces")))["total"]
    return max(0, total or 0)
