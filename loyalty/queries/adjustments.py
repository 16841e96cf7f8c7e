"""Questions about adjustments that wait for a second person."""

from django.db.models import QuerySet

from loyalty.models import Adjustment


def adjustments_to_decide(*, by: str) -> QuerySet[Adjustment]:
    """What waits for somebody else than who asked, the oldest first; `by` never decides about own ones."""
    waiting = Adjustment.objects.filter(state=Adjustment.State.AWAITING_APPROVAL)
    return waiting.exclude(requested_by=by).order_by("id")
