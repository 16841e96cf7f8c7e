"""What sets a campaign off, and what kind of moment that is."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from campaigns.occasions import (
    ANNIVERSARY,
    BIRTHDAY,
    CHECK_IN,
    ENROLLED,
    ORDER,
    PROFILE_COMPLETED,
    REFERRAL,
    SYSTEM_TRIGGERS,
    TIER_UPGRADED,
)
from members import validation
from members.errors import InvalidInput

#: Moments at which there is an order to look at.
WITH_ORDER = (ORDER, REFERRAL)
#: The product's own triggers in the order they are offered; any other name is an event's own type.
KNOWN: Mapping[str, object] = {
    ORDER: pgettext_lazy("what sets a campaign off", "An order"),
    ENROLLED: gettext_lazy("Enrolment"),
    PROFILE_COMPLETED: gettext_lazy("Profile completed"),
    CHECK_IN: gettext_lazy("Sign-in"),
    REFERRAL: gettext_lazy("A friend's first order"),
    BIRTHDAY: gettext_lazy("Birthday"),
    ANNIVERSARY: gettext_lazy("Anniversary of enrolment"),
    TIER_UPGRADED: gettext_lazy("Tier reached"),
}
#: What a member meets once, or once a day or year, by its nature: no limit is needed.
RARE = SYSTEM_TRIGGERS
# Beginnings of the product's own names: `order.payed` is a slip, not somebody's event.
RESERVED = ("order.", "member.", "referral.", "tier.")


def checked(value: object, pointer: str) -> str:
    """A trigger of the product, or the type of an event: letters, digits, dash, underscore and point."""
    plain: str = validation.text(longest=50, shortest=1)(value, pointer)
    if plain in KNOWN:
        return plain
    if plain.startswith(RESERVED):
        raise InvalidInput(
            pointer,
            "invalid_choice",
            _("This must be one of: %(words)s, or the type of an event of your own.")
            % {"words": ", ".join(KNOWN)},
        )
    validation.code(plain.replace(".", "_"), pointer)
    return plain


def has_order(trigger: str) -> bool:
    """Whether amounts, lines and payments can be looked at."""
    return trigger in WITH_ORDER


def label(trigger: str) -> str:
    """The trigger in words; an event's own type as it is written."""
    return str(KNOWN.get(trigger, trigger))
