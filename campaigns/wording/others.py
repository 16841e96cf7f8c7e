"""How campaigns get along with each other, and who pays, in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from campaigns import effects
from campaigns.wording.names import clauses


def combination_words(combine: Mapping[str, Any]) -> str:
    """Group and priority in words; empty for a campaign that stands alone."""
    said = []
    if combine.get("group"):
        modes = {
            "stack": _("in the group “%(group)s”: all of it counts"),
            "best": _("in the group “%(group)s”: the one that gives most counts"),
            "first": _("in the group “%(group)s”: the first by priority counts"),
        }
        said.append(modes[combine.get("mode") or "stack"] % {"group": combine["group"]})
    if combine.get("priority"):
        said.append(_("priority %(number)d") % {"number": combine["priority"]})
    return clauses(said)


def partner_words(partner: str | None, share: Decimal | None) -> str:
    """Partner and share in words; empty without a partner."""
    if not partner:
        return ""
    if share is None:
        return partner
    return _("%(partner)s bears %(share)s %%") % {
        "partner": partner,
        "share": effects.plain(share * 100),
    }
