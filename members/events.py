"""What happened to members, told at once to whoever the settings name.

The handlers of `MEMBER_EVENTS` run in the caller's transaction: what they do holds together with
the event or not at all.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from members.models import Member

Handler = Callable[[str, Sequence[Member], datetime], None]

ENROLLED = "enrolled"
# Name, birthday and e-mail are all known now; who enrolled with them is told of by ENROLLED alone.
PROFILE_COMPLETED = "profile_completed"
# Each member comes with the tier that the change led to.
TIER_UPGRADED = "tier_upgraded"
TIER_DOWNGRADED = "tier_downgraded"


def tell(*, event: str, members: Sequence[Member], at: datetime) -> None:
    """Call every handler once for all the members."""
    if not members:
        return
    for name in settings.MEMBER_EVENTS:
        handler: Handler = import_string(name)
        handler(event, members, at)
