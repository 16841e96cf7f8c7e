"""What acts are called in the members' history."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from campaigns.occasions import (
    ANNIVERSARY,
    BIRTHDAY,
    CHECK_IN,
    ENROLLED,
    PROFILE_COMPLETED,
    TIER_UPGRADED,
)

#: The product's own and those that most programs have; others are called what their campaign is called.
TITLES: Mapping[str, object] = {
    ENROLLED: _("Welcome"),
    PROFILE_COMPLETED: _("Profile completed"),
    BIRTHDAY: _("Happy birthday"),
    ANNIVERSARY: _("Anniversary of your membership"),
    TIER_UPGRADED: _("New tier reached"),
    CHECK_IN: _("Signed in"),
    "review": _("Review written"),
    "share": _("Shared"),
    "survey": _("Survey answered"),
    "video": _("Video watched"),
    "article": _("Article read"),
    "course_completed": _("Course completed"),
}


def title(event: str) -> str | None:
    """What an act of this type is called; None: nobody knows it here."""
    found = TITLES.get(event)
    return None if found is None else str(found)
