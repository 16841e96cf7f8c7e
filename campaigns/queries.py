"""Questions about campaigns as people look at them."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from members import validation
from members.errors import NotFound


def campaigns() -> QuerySet[Campaign]:
    """All campaigns with their budgets, the newest first."""
    return Campaign.objects.select_related("budget").order_by("-id")


def campaign(code: str, pointer: str = "") -> Campaign:
    """The campaign with this code. Raises NotFound."""
    found = campaigns().filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(_("Campaign"), pointer)
    return found
