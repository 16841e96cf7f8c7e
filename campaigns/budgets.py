"""The budget's row of a campaign, kept in step with what its limits say."""

from datetime import datetime
from hashlib import sha256

from django.db import connection
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from campaigns import limits
from campaigns.models import Budget, Campaign, CampaignAward
from members.errors import InvalidInput

_LOCK = int.from_bytes(sha256(b"campaigns.budgets").digest()[:8], "big", signed=True)
_STAND_BY = "SELECT pg_advisory_xact_lock_shared(%s)"
_BE_ALONE = "SELECT pg_advisory_xact_lock(%s)"


def stand_by() -> None:
    """Orders or acts are going to be judged: until they are committed no campaign is given a budget.

    Any number of them at once; before the campaigns are read. What they give without a budget is thus there to be
    counted when one comes.
    """
    _lock(_STAND_BY)


def _wait_for_the_judged() -> None:
    """Wait until whoever has read the campaigns is done; whoever comes waits, and reads them as they are then."""
    _lock(_BE_ALONE)


def _lock(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_LOCK])


def keep(*, campaign: Campaign, at: datetime) -> None:
    """Give the campaign's row in budgets the points that its limits name; the campaign is locked by the caller.

    A budget that is taken away leaves its row behind, with what was used, for when it comes back; it holds while
    `limits` names one. Raises InvalidInput when less is named than has been given.
    """
    points = campaign.limits.get(limits.BUDGET)
    if points is None:
        return
    if campaign.version > 1:  # a new one has given nothing
        _wait_for_the_judged()
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
